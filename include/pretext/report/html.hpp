// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../core/error.hpp"
#include "../core/text.hpp"
#include "../io/file.hpp"
#include "curve_recorder.hpp"
#include "detail/erased.hpp"
#include "detail/number.hpp"
#include "detail/terminal.hpp"
#include "document.hpp"
#include "jsonl_log.hpp"
#include "write_html.hpp"

namespace pretext::report {

struct html_options {
  double write_seconds = 30;       // between pages while training goes on, so that a crashed run has one; 0: only at the end
  std::string log;                 // a JSONL log of this run: a resumed run takes the curves before its first step from it
  detail::erased<double()> clock;  // seconds; a steady clock where empty
};

/// The HTML report of a training run as a callback.
///   px::report::html report("run.html");
///   trainer.fit(images, report);
///   report.document().sections.push_back(...);   report.write();     // add results after the training
/// Draws loss, learning rate, gradient norm and embedding std from the step reports, and what point() was told.
/// The page exists from the first moment: an unwritable folder is an error at once, not after hours. While the run goes
/// on, a page that cannot be written is tried again later; at the end it is an error. Copies share one report.
/// errors  io.100-115 from on_start, on_end and write
class html {
 public:
  PRETEXT_COLD explicit html(std::string path) : state_(std::make_shared<state>()) { state_->path = std::move(path); }
  PRETEXT_COLD html(std::string path, html_options options) : html(std::move(path)) {
    state_->options = std::move(options);
    state_->read_log = &read_jsonl_log;
  }

  /// The page's own content: title, settings, warnings, more sections. The curves stand before these sections.
  // A template, as page(): what a program never asks for is then not compiled for it.
  template <class Document = report::document>
  Document& document() {
    state& s = *state_;
    if (s.content == nullptr) {
      s.content = std::make_shared<Document>();
      s.compose = &compose_all<Document>;
    }
    return *s.content;
  }
  const std::string& path() const { return state_->path; }

  /// Adds a point to the curve of that name in the plot of probes, such as point("linear probe", 3, 0.93).
  PRETEXT_COLD void point(std::string_view name, double epoch, double value) {
    for (curve& c : state_->probes.curves)
      if (c.name == name) {
        c.x.push_back(epoch);
        c.y.push_back(value);
        return;
      }
    state_->probes.curves.push_back({std::string(name), {epoch}, {value}});
  }
  /// A horizontal line in the plot of probes, such as the accuracy of raw pixels.
  PRETEXT_COLD void baseline(std::string_view name, double value) { state_->probes.lines.push_back({std::string(name), value}); }

  void on_start() { begin(0, 0); }
  template <class Info>
  void on_start(const Info& info) {
    std::uint64_t step = 0, total = 0;
    if constexpr (requires { info.step; }) step = static_cast<std::uint64_t>(info.step);
    if constexpr (requires { info.steps_total; }) total = static_cast<std::uint64_t>(info.steps_total);
    begin(step, total);
  }

  template <class Report>
  void on_step(const Report& report) {
    if (!state_->running) begin(report.step > 0 ? static_cast<std::uint64_t>(report.step) - 1 : 0, static_cast<std::uint64_t>(report.steps_total));
    state_->total = static_cast<std::uint64_t>(report.steps_total);
    log_record r;
    r.step = static_cast<std::uint64_t>(report.step);
    r.epoch = static_cast<std::uint64_t>(report.epoch);
    r.loss = static_cast<double>(report.loss);
    r.learning_rate = static_cast<double>(report.learning_rate);
    r.gradient_norm = static_cast<double>(report.gradient_norm);
    r.embedding_std = static_cast<double>(report.embedding_std);
    r.samples_per_second = static_cast<double>(report.samples_per_second);
    r.seconds = static_cast<double>(report.seconds);
    add(r);
    write_if_due();
  }
  template <class... Report>
  void on_epoch(const Report&...) {}
  template <class... Report>
  void on_end(const Report&...) {
    state_->running = false;
    write();
  }

  /// The page as a document: its own content with the curves so far.
  template <class Document = report::document>
  Document page() const {
    const state& s = *state_;
    Document d;
    if (s.content != nullptr) d = *s.content;
    const heading h = heading_of(s);
    d.state = h.state;
    d.refresh_seconds = h.refresh_seconds;
    d.warnings = h.warnings;
    typename decltype(d.sections)::value_type training;
    training.title = h.section;
    training.text = h.text;
    for_each_plot(s, [&](plot p) { training.plots.push_back(std::move(p)); });
    d.sections.insert(d.sections.begin(), std::move(training));
    return d;
  }

  PRETEXT_COLD void write() const {
    std::string out;
    state_->compose(*state_, out);
    io::write_file_atomically(state_->path, std::string_view(out));
    state_->written_at = now();
  }

 private:
  struct state {
    std::string path;
    html_options options;
    // The parts of a document are drawn where document() is called, a log is read where options are given.
    std::shared_ptr<report::document> content;
    void (*compose)(const state&, std::string& out) = &compose_curves;
    std::vector<log_record> (*read_log)(const std::string& path) = nullptr;
    curve_recorder loss, learning_rate, gradient_norm, embedding_std, throughput;
    plot probes{.title = "Probe accuracy", .x_label = "epoch", .y_label = {}, .curves = {}, .lines = {}, .percent = true};
    log_record last;
    std::uint64_t total = 0, not_finite = 0, first_not_finite = 0;
    double written_at = 0;
    bool running = false;
  };

  double now() const { return state_->options.clock ? state_->options.clock() : detail::steady_seconds(); }

  PRETEXT_COLD void begin(std::uint64_t step, std::uint64_t total) {
    state& s = *state_;
    for (curve_recorder* c : {&s.loss, &s.learning_rate, &s.gradient_norm, &s.embedding_std, &s.throughput}) c->clear();
    s.last = {};
    s.not_finite = s.first_not_finite = 0;
    s.total = total;
    s.running = true;
    // A log that is not there is no reason to stop; one that cannot be read is.
    if (step > 0 && !s.options.log.empty() && io::posix_files().permissions(s.options.log.c_str()) >= 0)
      for (const log_record& r : s.read_log(s.options.log))
        if (r.event == "step" && r.step <= step) add(r);
    write();
  }

  PRETEXT_COLD void add(const log_record& r) {
    state& s = *state_;
    const auto x = static_cast<double>(r.step);
    s.loss.add(x, r.loss);
    s.learning_rate.add(x, r.learning_rate);
    s.gradient_norm.add(x, r.gradient_norm);
    s.embedding_std.add(x, r.embedding_std);
    if (r.samples_per_second > 0) s.throughput.add(x, r.samples_per_second);
    if (!(r.loss - r.loss == 0) && s.not_finite++ == 0) s.first_not_finite = r.step;
    s.last = r;
  }
  PRETEXT_COLD void write_if_due() const {
    if (!(state_->options.write_seconds > 0 && now() - state_->written_at >= state_->options.write_seconds)) return;
    try {
      write();
    } catch (const error&) {
      state_->written_at = now();  // hours of training are worth more than this page; the end reports it
    }
  }

  /// What the curves and their run add to a page.
  struct heading {
    std::string state, text;
    const char* section = "Training";
    int refresh_seconds = 0;
    std::vector<std::string> warnings;
  };
  PRETEXT_COLD static heading heading_of(const state& s) {
    heading h;
    if (s.content != nullptr) {
      h.state = s.content->state;
      h.refresh_seconds = s.content->refresh_seconds;
      h.warnings = s.content->warnings;
    }
    if (h.state.empty() && s.last.step > 0) {
      append(h.state, {s.running ? "running: step " : "step ", detail::grouped(s.last.step)});
      if (s.total > 0) append(h.state, {" of ", detail::grouped(s.total)});
    }
    if (s.running && h.refresh_seconds == 0) h.refresh_seconds = static_cast<int>(s.options.write_seconds < 1 ? 0 : s.options.write_seconds);
    if (s.not_finite > 0)
      h.warnings.emplace_back() = joined({"The loss was not a finite number in ", detail::grouped(s.not_finite), s.not_finite == 1 ? " step" : " steps",
                                          ", first in step ", detail::grouped(s.first_not_finite), ": lower the learning rate, or clip the gradient."});
    if (s.loss.empty() && s.probes.curves.empty()) h.text = "The curves appear here as soon as the first steps are done.";
    return h;
  }
  PRETEXT_COLD static void compose_section(const state& s, const heading& h, std::string& out) {
    detail::open_section(out, h.section, h.text);
    for_each_plot(s, [&](const plot& p) { detail::append_plot(out, p); });
    detail::close_section(out);
  }
  PRETEXT_COLD static void compose_curves(const state& s, std::string& out) {
    const heading h = heading_of(s);
    detail::open_page(out, report::document::default_title, h.state, {}, h.warnings, h.refresh_seconds);
    detail::open_main(out);
    compose_section(s, h, out);
    detail::close_page(out);
  }
  template <class Document>
  PRETEXT_COLD static void compose_all(const state& s, std::string& out) {
    const Document& d = *s.content;
    const heading h = heading_of(s);
    detail::open_page(out, d.title, h.state, d.subtitle, h.warnings, h.refresh_seconds);
    detail::append_facts(out, d.summary);
    detail::open_main(out);
    compose_section(s, h, out);
    const index_t side = detail::picture_side(d);
    for (const section& more : d.sections) detail::append_section(out, more, side);
    detail::close_page(out);
  }

  template <class Use>
  PRETEXT_COLD static void for_each_plot(const state& s, Use&& use) {
    const auto curves = [&](const char* title, const curve_recorder& values) {
      if (!values.empty()) use(with_raw(title, values));
    };
    curves("Loss", s.loss);
    if (!s.probes.curves.empty()) use(s.probes);
    if (!s.learning_rate.empty()) use(alone("Learning rate", s.learning_rate));
    curves("Gradient norm", s.gradient_norm);
    curves("Embedding standard deviation", s.embedding_std);
    if (!s.throughput.empty()) {
      plot p = with_raw("Samples per second", s.throughput);
      p.from_zero = true;
      use(std::move(p));
    }
  }
  PRETEXT_COLD static plot alone(std::string title, const curve_recorder& values) {
    plot p;
    p.title = std::move(title);
    p.x_label = "step";
    p.curves = std::vector<curve>(1);
    p.curves[0] = values.raw(p.title);
    p.from_zero = true;
    return p;
  }
  PRETEXT_COLD static plot with_raw(const char* title, const curve_recorder& values) {
    plot p;
    p.title = title;
    p.x_label = "step";
    p.curves = std::vector<curve>(2);
    p.curves[0] = values.raw("each step");
    p.curves[0].faint = true;
    p.curves[0].colour = 0;
    p.curves[1] = values.smooth(joined({p.title, ", smoothed"}));
    p.curves[1].colour = 0;
    return p;
  }

  std::shared_ptr<state> state_;
};

}  // namespace pretext::report
