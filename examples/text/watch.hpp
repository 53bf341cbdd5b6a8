// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <pretext/report/environment.hpp>
#include <pretext/report/html.hpp>
#include <pretext/report/jsonl_log.hpp>
#include <pretext/report/progress_bar.hpp>
#include <pretext/train/checkpoint.hpp>
#include <pretext/train/describe.hpp>

/// What the text programs share: how a run is watched, resumed and reported.
namespace text_programs {

namespace px = pretext;
namespace train = pretext::train;
namespace report = pretext::report;

/// Remembers the first and the last loss, which every checkpoint keeps for its continuation, and the time inside steps.
struct observer {
  train::checkpoint& keeper;
  double tokens_of_sample;
  double loss_first = std::nan(""), loss_last = std::nan(""), seconds = 0, tokens = 0;

  void read_losses(const std::string& checkpoint) {
    const px::io::tensor_file file = px::io::read_safetensors(checkpoint);
    const auto read = [&](const std::string& name, double& loss) {
      const std::string* text = file.find_metadata("note." + name);
      if (text == nullptr) return;
      keeper.note(name, *text);
      loss = static_cast<double>(std::strtof(text->c_str(), nullptr));
    };
    read("loss_first", loss_first);
    read("loss_last", loss_last);
  }
  template <class Trainer>
  void on_step(Trainer& t, const train::step_report& r) {
    loss_last = static_cast<double>(r.loss);
    if (!std::isfinite(loss_first)) loss_first = loss_last;
    keeper.note("loss_first", pretext::value_text(static_cast<float>(loss_first)));
    keeper.note("loss_last", pretext::value_text(r.loss));
    if (r.samples_per_second > 0) {
      const auto n = static_cast<double>(t.settings().batch_size);
      seconds += n / static_cast<double>(r.samples_per_second);
      tokens += n * tokens_of_sample;
    }
  }
};

/// Goes on from a folder's newest checkpoint where one is asked for, and says on standard error what it found.
template <class Trainer>
void resume_from(Trainer& trainer, const std::string& folder, const train::notes& notes, observer& watch) {
  if (folder.empty()) return;
  const train::resume_result found = train::resume(trainer, folder, notes);
  if (found.resumed) watch.read_losses(found.file);
  for (const std::string& damaged : found.passed) std::fprintf(stderr, "%s\n", damaged.c_str());
  if (found.resumed)
    std::fprintf(stderr, "going on from step %llu (%s)\n", static_cast<unsigned long long>(found.step), found.file.c_str());
  else
    std::fprintf(stderr, "%s holds no whole checkpoint: starting over\n", folder.c_str());
}

/// The report and the log of a run, each where it is asked for.
struct pages {
  std::optional<report::html> page;
  std::optional<report::jsonl_log> log;

  pages(const std::string& report_file, const std::string& log_file) {
    if (!report_file.empty()) page.emplace(report_file);
    if (!log_file.empty()) log.emplace(log_file);
  }
  void on_start(const train::start_info& i) {
    if (page) page->on_start(i);
    if (log) log->on_start(i);
  }
  void on_step(const train::step_report& r) {
    if (page) page->on_step(r);
    if (log) log->on_step(r);
  }
  void on_end(const train::step_report& r) {
    if (log) log->on_end(r);
  }
};

inline std::string fixed(double v) {
  char number[32];
  std::snprintf(number, sizeof number, "%.3f", v);
  return number;
}

template <class Trainer>
report::section how_it_was_done(const Trainer& trainer, const char* backend_name) {
  report::section how;
  how.title = "How";
  report::pairs settings{.title = "Settings", .items = {}};
  train::for_each_setting(trainer.settings(), [&](const std::string& name, const std::string& value) { settings.items.emplace_back(name, value); });
  how.pairs = {settings, report::environment(backend_name, std::to_string(trainer.backend().threads()))};
  return how;
}

}  // namespace text_programs
