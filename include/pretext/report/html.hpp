// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
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
  explicit html(std::string path, html_options options = {}) : state_(std::make_shared<state>()) {
    state_->path = std::move(path);
    state_->options = std::move(options);
  }

  /// The page's own content: title, settings, warnings, more sections. The curves stand before these sections.
  report::document& document() { return state_->content; }
  const std::string& path() const { return state_->path; }

  /// Adds a point to the curve of that name in the plot of probes, such as point("linear probe", 3, 0.93).
  void point(std::string_view name, double epoch, double value) {
    for (curve& c : state_->probes.curves)
      if (c.name == name) {
        c.x.push_back(epoch);
        c.y.push_back(value);
        return;
      }
    state_->probes.curves.push_back({std::string(name), {epoch}, {value}});
  }
  /// A horizontal line in the plot of probes, such as the accuracy of raw pixels.
  void baseline(std::string_view name, double value) { state_->probes.lines.push_back({std::string(name), value}); }

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
    if (state_->options.write_seconds > 0 && now() - state_->written_at >= state_->options.write_seconds) {
      try {
        write();
      } catch (const error&) {
        state_->written_at = now();  // hours of training are worth more than this page; the end reports it
      }
    }
  }
  template <class... Report>
  void on_epoch(const Report&...) {}
  template <class... Report>
  void on_end(const Report&...) {
    state_->running = false;
    write();
  }

  /// The page as a document: its own content with the curves so far.
  report::document page() const {
    const state& s = *state_;
    report::document d = s.content;
    if (d.state.empty() && s.last.step > 0)
      d.state = (s.running ? "running: " : "") + std::string("step ") + detail::grouped(s.last.step) +
                (s.total > 0 ? " of " + detail::grouped(s.total) : "");
    if (s.running && d.refresh_seconds == 0) d.refresh_seconds = static_cast<int>(s.options.write_seconds < 1 ? 0 : s.options.write_seconds);
    if (s.not_finite > 0)
      d.warnings.push_back("The loss was not a finite number in " + detail::grouped(s.not_finite) + (s.not_finite == 1 ? " step" : " steps") +
                           ", first in step " + detail::grouped(s.first_not_finite) + ": lower the learning rate, or clip the gradient.");
    section training;
    training.title = "Training";
    if (!s.loss.empty()) training.plots.push_back(with_raw("Loss", s.loss));
    if (!s.probes.curves.empty()) training.plots.push_back(s.probes);
    if (!s.learning_rate.empty()) training.plots.push_back(alone("Learning rate", s.learning_rate));
    if (!s.gradient_norm.empty()) training.plots.push_back(with_raw("Gradient norm", s.gradient_norm));
    if (!s.embedding_std.empty()) training.plots.push_back(with_raw("Embedding standard deviation", s.embedding_std));
    if (!s.throughput.empty()) {
      training.plots.push_back(with_raw("Samples per second", s.throughput));
      training.plots.back().from_zero = true;
    }
    if (training.plots.empty()) training.text = "The curves appear here as soon as the first steps are done.";
    d.sections.insert(d.sections.begin(), std::move(training));
    return d;
  }

  void write() const {
    write_html(state_->path, page());
    state_->written_at = now();
  }

 private:
  struct state {
    std::string path;
    html_options options;
    report::document content;
    curve_recorder loss, learning_rate, gradient_norm, embedding_std, throughput;
    plot probes{.title = "Probe accuracy", .x_label = "epoch", .y_label = {}, .curves = {}, .lines = {}, .percent = true};
    log_record last;
    std::uint64_t total = 0, not_finite = 0, first_not_finite = 0;
    double written_at = 0;
    bool running = false;
  };

  double now() const { return state_->options.clock ? state_->options.clock() : detail::steady_seconds(); }

  void begin(std::uint64_t step, std::uint64_t total) {
    state& s = *state_;
    for (curve_recorder* c : {&s.loss, &s.learning_rate, &s.gradient_norm, &s.embedding_std, &s.throughput}) c->clear();
    s.last = {};
    s.not_finite = s.first_not_finite = 0;
    s.total = total;
    s.running = true;
    // A log that is not there is no reason to stop; one that cannot be read is.
    if (step > 0 && !s.options.log.empty() && io::posix_files().permissions(s.options.log.c_str()) >= 0)
      for (const log_record& r : read_jsonl_log(s.options.log))
        if (r.event == "step" && r.step <= step) add(r);
    write();
  }

  void add(const log_record& r) {
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

  static plot alone(std::string title, const curve_recorder& values) {
    plot p;
    p.title = std::move(title);
    p.x_label = "step";
    p.curves.push_back(values.raw(p.title));
    p.from_zero = true;
    return p;
  }
  static plot with_raw(std::string title, const curve_recorder& values) {
    plot p;
    p.title = std::move(title);
    p.x_label = "step";
    p.curves.push_back(values.raw("each step"));
    p.curves.back().faint = true;
    p.curves.back().colour = 0;
    p.curves.push_back(values.smooth(p.title + ", smoothed"));
    p.curves.back().colour = 0;
    return p;
  }

  std::shared_ptr<state> state_;
};

}  // namespace pretext::report
