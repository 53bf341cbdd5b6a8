// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "../core/text.hpp"
#include "detail/erased.hpp"
#include "detail/number.hpp"
#include "detail/terminal.hpp"
#include "detail/text.hpp"

namespace pretext::report {

enum class progress_mode {
  automatic,  // a bar on a terminal, plain lines elsewhere
  bar,        // one line, redrawn in place
  plain       // a line now and then
};

enum class toggle { automatic, on, off };

/// How progress is shown. All defaults do what tqdm users expect.
struct progress_options {
  bool quiet = false;  // print nothing at all
  progress_mode mode = progress_mode::automatic;
  toggle colour = toggle::automatic;   // automatic: on a terminal, unless NO_COLOR is set
  toggle unicode = toggle::automatic;  // automatic: unless the locale names another character set
  std::FILE* stream = stderr;
  detail::erased<void(std::string_view)> sink;  // takes the text instead of the stream
  detail::erased<double()> clock;               // seconds; a steady clock where empty
  int width = 0;                                // columns; 0 asks the terminal at every redraw
  double redraw_seconds = 0.1;                  // between redraws of the bar
  double plain_seconds = 10;                    // between plain lines; grows with the run, so that logs stay short
};

/// One line that shows how far something is.
///   epoch 3/20:  42%|████▏     | 420/1000 [00:31<00:43, 13.4it/s, loss=1.23]
/// total 0 means unknown: no percentage, no bar, no remaining time.
/// Plain mode prints a whole line each 10 % (at most one a second), or when `plain_seconds` have passed.
/// cost    an update that is not due reads the clock and returns
/// repeat  for one sequence of clock values the same bytes
class progress_line {
 public:
  explicit progress_line(progress_options options = {}) : options_(std::move(options)) {
    const bool terminal = !options_.sink && detail::is_terminal(options_.stream);
    bar_ = options_.mode == progress_mode::bar || (options_.mode == progress_mode::automatic && terminal);
    colour_ = options_.colour == toggle::on ||
              (options_.colour == toggle::automatic && terminal && detail::environment_variable("NO_COLOR").empty());
    unicode_ = options_.unicode == toggle::on || (options_.unicode == toggle::automatic && detail::locale_allows_unicode());
  }
  progress_line(progress_line&& other) noexcept { swap(other); }
  progress_line& operator=(progress_line&& other) noexcept {
    progress_line moved(std::move(other));
    swap(moved);
    return *this;
  }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  /// Ends an open line, so that an exception's message starts on a line of its own.
  ~progress_line() {
    if (drawn_width_ > 0) write("\n");
  }

  /// Begins at `initial` of `total` (a resumed run does not begin at 0); rates count only what is done from here.
  PRETEXT_COLD void start(std::uint64_t total, std::uint64_t initial = 0) {
    total_ = total;
    done_ = drawn_done_ = initial_ = initial;
    started_ = drawn_at_ = now();
    weighted_steps_ = weighted_seconds_ = 0;
    running_ = true;
    if (bar_) draw();
  }
  bool running() const { return running_; }

  /// What stands before the percentage.
  void label(std::string_view text) { label_ = detail::one_line(text); }

  /// Whether an update now would draw; asked first, so that nobody formats text for nothing.
  bool due(std::uint64_t done) const {
    if (options_.quiet || !running_) return false;
    const double since = now() - drawn_at_;
    if (bar_) return since >= options_.redraw_seconds || (total_ > 0 && done >= total_);
    if (total_ > 0 && done >= total_) return drawn_done_ < total_;
    // Hour-long runs need no line each 10 s: the pause grows to a tenth of the time so far, at most 5 minutes.
    const double tenth = (now() - started_) / 10;
    const double pause = tenth < options_.plain_seconds ? options_.plain_seconds : tenth < 300 ? tenth : 300;
    if (since >= pause) return true;
    return total_ > 0 && since >= 1 && decile(done) > decile(drawn_done_);
  }

  /// Sets how much is done. `notes` are items separated by ", ", most important first: the last ones are left out
  /// where the terminal is narrow.
  void update(std::uint64_t done, std::string_view notes = {}) {
    const bool draws = due(done);
    done_ = done;
    if (!draws) return;
    notes_ = detail::one_line(notes);
    draw();
  }

  /// Prints a line of text above the bar.
  void message(std::string_view text) {
    if (options_.quiet) return;
    std::string out;
    if (drawn_width_ > 0) append(out, {"\r", std::string(static_cast<std::size_t>(drawn_width_), ' '), "\r"});
    append(out, {text, "\n"});
    drawn_width_ = 0;
    write(out);
    if (bar_ && running_) draw();
  }

  /// Draws the last state and ends the line.
  PRETEXT_COLD void finish() {
    if (!running_) return;
    if (!options_.quiet && (bar_ || drawn_done_ != done_ || done_ == initial_)) draw();
    if (drawn_width_ > 0) write("\n");
    drawn_width_ = 0;
    running_ = false;
  }

  /// The line as it would be drawn into so many columns, without colour.
  std::string text(int columns) const { return compose(columns, false); }

 private:
  double now() const { return options_.clock ? options_.clock() : detail::steady_seconds(); }

  int decile(std::uint64_t done) const { return static_cast<int>(10.0 * static_cast<double>(done) / static_cast<double>(total_)); }

  void write(std::string_view text) const {
    if (options_.quiet) return;
    if (options_.sink) {
      options_.sink(text);
    } else if (options_.stream != nullptr) {
      std::fwrite(text.data(), 1, text.size(), options_.stream);
      std::fflush(options_.stream);
    }
  }

  PRETEXT_COLD void draw() {
    if (options_.quiet) return;
    // A mean over the last few seconds: weights fade with time, not with the number of redraws.
    const double at = now();
    const double span = at - drawn_at_;
    if (done_ > drawn_done_ && span > 0) {
      const double fade = std::exp(-span / 5);
      weighted_steps_ = fade * weighted_steps_ + static_cast<double>(done_ - drawn_done_);
      weighted_seconds_ = fade * weighted_seconds_ + span;
    }
    drawn_at_ = at;
    drawn_done_ = done_;
    if (!bar_) {
      write(joined({compose(0, false), "\n"}));
      return;
    }
    // The last column stays free: some terminals wrap as soon as it is written.
    const int whole = options_.width > 0 ? options_.width : detail::terminal_width(options_.stream);
    const int columns = whole > 1 ? whole - 1 : 1;
    const int width = detail::display_width(text(columns));
    std::string out = joined({"\r", compose(columns, colour_)});
    if (drawn_width_ > width) out.append(static_cast<std::size_t>(drawn_width_ - width), ' ');
    drawn_width_ = width;
    write(out);
  }

  // columns 0: a plain line of any width, without a bar.
  PRETEXT_COLD std::string compose(int columns, bool colour) const {
    const std::string head = joined({label_, (label_.empty() ? "" : ": ")});
    std::string percent, count;
    if (total_ > 0) {
      const double part = static_cast<double>(done_) / static_cast<double>(total_);
      append(percent, {detail::fixed(std::floor(100 * part), 0), "%"});  // 100 % only when nothing is left
      append(count, {done_, "/", total_});
    } else {
      append(count, {done_, "it"});
    }
    const double elapsed = drawn_at_ - started_;
    const bool over = total_ > 0 && done_ >= total_;
    // The whole run's mean at its end: the last seconds say nothing any more.
    const double rate = over || weighted_seconds_ <= 0 ? (elapsed > 0 ? static_cast<double>(done_ - initial_) / elapsed : 0)
                                                       : weighted_steps_ / weighted_seconds_;
    append(count, {" [", detail::duration(elapsed)});
    if (total_ > 0) append(count, {"<", detail::duration(over ? 0 : rate > 0 ? static_cast<double>(total_ - done_) / rate : -1)});
    if (rate <= 0)
      count += ", ?it/s";
    else
      append(count, {", ", detail::three_digits(rate < 1 ? 1 / rate : rate), (rate < 1 ? "s/it" : "it/s")});

    const std::string padding(percent.size() < 4 ? 4 - percent.size() : 0, ' ');
    const int fixed_width = detail::display_width(head) + static_cast<int>(padding.size() + percent.size()) + 3;  // two bars and a space
    std::string_view notes = notes_;
    std::string tail;
    int room = 0;
    const auto fit = [&] {
      tail = joined({count, (notes.empty() ? "" : ", "), notes, "]"});
      room = columns - fixed_width - detail::display_width(tail);
    };
    fit();
    const bool narrow_bar = columns != 0 && total_ != 0;
    while (narrow_bar && room < 10 && !notes.empty()) {
      const auto comma = notes.rfind(", ");
      if (comma == std::string_view::npos && room >= 3) break;  // a short bar beside the last note beats none
      notes = notes.substr(0, comma == std::string_view::npos ? 0 : comma);
      fit();
    }
    if (!narrow_bar || room < 3) {
      std::string line = joined({head, percent, (total_ > 0 ? " " : ""), tail});
      return columns == 0 ? line : detail::cut_to_width(line, columns);
    }
    return joined({head, padding, percent, "|", cells(room, colour), "| ", tail});
  }

  PRETEXT_COLD std::string cells(int width, bool colour) const {
    static constexpr const char* eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const double part = done_ >= total_ ? 1 : static_cast<double>(done_) / static_cast<double>(total_);
    const int filled = static_cast<int>(std::floor(part * width * 8));
    std::string full;
    for (int i = 0; i < filled / 8; ++i) full += unicode_ ? "█" : "#";
    int used = filled / 8;
    if (unicode_ && filled % 8 != 0) {
      full += eighths[filled % 8];
      ++used;
    }
    if (colour && !full.empty()) full = joined({"\x1b[36m", full, "\x1b[39m"});
    return full.append(static_cast<std::size_t>(width - used), ' ');
  }

  void swap(progress_line& other) noexcept {
    using std::swap;
    swap(options_, other.options_);
    swap(label_, other.label_);
    swap(notes_, other.notes_);
    swap(total_, other.total_);
    swap(initial_, other.initial_);
    swap(done_, other.done_);
    swap(drawn_done_, other.drawn_done_);
    swap(started_, other.started_);
    swap(drawn_at_, other.drawn_at_);
    swap(weighted_steps_, other.weighted_steps_);
    swap(weighted_seconds_, other.weighted_seconds_);
    swap(drawn_width_, other.drawn_width_);
    swap(running_, other.running_);
    swap(bar_, other.bar_);
    swap(colour_, other.colour_);
    swap(unicode_, other.unicode_);
  }

  progress_options options_;
  std::string label_, notes_;
  std::uint64_t total_ = 0, initial_ = 0, done_ = 0, drawn_done_ = 0;
  double started_ = 0, drawn_at_ = 0, weighted_steps_ = 0, weighted_seconds_ = 0;
  int drawn_width_ = 0;
  bool running_ = false, bar_ = false, colour_ = false, unicode_ = true;
};

/// The progress of a training run as a callback.
///   trainer.fit(images, px::report::progress_bar{});   trainer.fit(images, px::report::progress_bar({.quiet = true}));
/// Reads from a step report: step (finished steps), steps_total (0: unknown), epoch (from 1), epochs (0: unknown), loss,
/// samples_per_second; from the info at the start, where there: step (finished before, in a resumed run), steps_total.
class progress_bar {
 public:
  PRETEXT_COLD explicit progress_bar(progress_options options = {}) : line_(std::move(options)) {}

  void on_start() {}
  template <class Info>
  void on_start(const Info& info) {
    [[maybe_unused]] std::uint64_t step = 0;
    if constexpr (requires { info.step; }) step = static_cast<std::uint64_t>(info.step);
    // An info without a total says nothing about it: the first report will.
    if constexpr (requires { info.steps_total; }) line_.start(static_cast<std::uint64_t>(info.steps_total), step);
  }

  template <class Report>
  void on_step(const Report& report) {
    const auto step = static_cast<std::uint64_t>(report.step);
    if (!line_.running()) line_.start(static_cast<std::uint64_t>(report.steps_total), step > 0 ? step - 1 : 0);
    if (!line_.due(step)) {
      line_.update(step);
      return;
    }
    describe(static_cast<std::uint64_t>(report.epoch), static_cast<std::uint64_t>(report.epochs));
    line_.update(step, notes(static_cast<double>(report.loss), static_cast<double>(report.samples_per_second)));
  }

  template <class... Report>
  void on_epoch(const Report&...) {}
  template <class... Report>
  void on_end(const Report&...) {
    line_.finish();
  }

  /// Prints a line of text without disturbing the bar.
  void message(std::string_view text) { line_.message(text); }

 private:
  PRETEXT_COLD void describe(std::uint64_t epoch, std::uint64_t epochs) {
    std::string text = joined({"epoch ", epoch});
    if (epochs > 0) append(text, {"/", epochs});
    line_.label(text);
  }
  PRETEXT_COLD static std::string notes(double loss, double samples_per_second) {
    std::string text = joined({"loss=", detail::significant(loss, 4)});
    if (samples_per_second > 0) append(text, {", ", detail::three_digits(samples_per_second), " samples/s"});
    return text;
  }

  progress_line line_;
};

}  // namespace pretext::report
