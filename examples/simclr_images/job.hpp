// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <pretext/data/open.hpp>
#include <pretext/data/split.hpp>
#include <pretext/eval/during_training.hpp>
#include <pretext/eval/encoder.hpp>
#include <pretext/eval/fine_tune.hpp>
#include <pretext/eval/measures.hpp>
#include <pretext/io/directory.hpp>
#include <pretext/io/model.hpp>
#include <pretext/report/console_table.hpp>
#include <pretext/report/environment.hpp>
#include <pretext/report/html.hpp>
#include <pretext/report/jsonl_log.hpp>
#include <pretext/report/progress_bar.hpp>
#include <pretext/report/sections.hpp>
#include <pretext/train/checkpoint.hpp>

#include "few_labels.hpp"
#include "options.hpp"
#include "recipe.hpp"

/// Pre-train, measure against honest baselines, keep the encoder, write the report. The same text for every back end.
namespace simclr_images {

namespace eval = pretext::eval;
namespace train = pretext::train;
namespace report = pretext::report;
namespace data = pretext::data;

struct few_labels_row {
  px::index_t per_class = 0;
  double scratch = 0, linear = 0, finetuned = 0;
};

/// What the run found; accuracies are NaN where there are no labels.
struct results {
  std::string data;
  px::index_t samples = 0;
  int classes = 0;
  std::uint64_t epochs = 0;
  double seconds = 0, images_per_second = 0, loss_first = std::nan(""), loss_last = std::nan("");
  double knn = std::nan(""), linear = std::nan(""), raw_knn = std::nan(""), raw_linear = std::nan("");
  double random_knn = std::nan(""), random_linear = std::nan(""), supervised = std::nan("");
  std::vector<few_labels_row> few;
  px::index_t parameters = 0;
  std::string checkpoint, encoder_file;
};

inline std::string json(const results& r) {
  px::io::json::writer w;
  const auto number = [&](const char* name, double v) {
    w.key(name);
    if (std::isfinite(v)) w.value(v);
    else w.value(nullptr);
  };
  w.begin_object();
  w.member("data", r.data).member("samples", static_cast<long>(r.samples)).member("classes", r.classes).member("epochs", r.epochs);
  number("seconds", r.seconds);
  number("images_per_second", r.images_per_second);
  number("loss_first", r.loss_first);
  number("loss_last", r.loss_last);
  number("knn", r.knn);
  number("linear", r.linear);
  number("raw_knn", r.raw_knn);
  number("raw_linear", r.raw_linear);
  number("random_knn", r.random_knn);
  number("random_linear", r.random_linear);
  number("supervised_all_labels", r.supervised);
  w.key("few_labels").begin_array();
  for (const few_labels_row& f : r.few) {
    w.begin_object().member("per_class", static_cast<long>(f.per_class));
    number("scratch", f.scratch);
    number("linear", f.linear);
    number("finetuned", f.finetuned);
    w.end_object();
  }
  w.end_array();
  w.member("parameters", static_cast<long>(r.parameters)).member("checkpoint", r.checkpoint).member("encoder", r.encoder_file);
  w.end_object();
  return w.text();
}

inline std::string percent(double v) {
  if (!std::isfinite(v)) return "-";
  char text[16];
  std::snprintf(text, sizeof text, "%.1f", 100 * v);
  return text;
}

/// Remembers the first and the last loss, which every checkpoint keeps for its continuation, and the time inside steps.
struct observer {
  train::checkpoint& keeper;
  double loss_first = std::nan(""), loss_last = std::nan(""), step_seconds = 0;
  std::uint64_t images = 0;

  void read_losses(const std::string& checkpoint) {
    const px::io::tensor_file file = px::io::read_safetensors(checkpoint);
    const auto read = [&](const std::string& name, double& loss) {
      const std::string* text = file.find_metadata("note." + name);
      if (text == nullptr) return;
      keeper.note(name, *text);  // a finished run writes its checkpoint again
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
      step_seconds += n / static_cast<double>(r.samples_per_second);
      images += static_cast<std::uint64_t>(n);
    }
  }
};

template <class Recipe>
struct defaults {
  static void set(typename px::method::joint_embedding<Recipe>::settings&, bool) {}
};
template <>
struct defaults<conv> {
  static void set(px::method::joint_embedding<conv>::settings& s, bool simple) { set_widths(s.encoder, simple ? 32 : 64); }
};

/// The images of a run.
struct image_data {
  data::image_set train, test;
  std::string name;
};

inline image_data open_data(const options& o) {
  data::open_settings s;
  s.format = data::format_named(o.data.empty() && o.format == "auto" ? "synthetic" : o.format);
  s.test = o.test;
  if (o.samples > 0 && s.format == data::format::synthetic) s.synthetic.count = o.samples;
  if (o.samples > 0) s.synthetic_test = std::clamp<px::index_t>(o.samples / 4, 200, 2000);
  s.synthetic.seed = 0;  // the data set is the same for every seed of the training
  data::train_test both = data::open(o.data, s);
  image_data d{both.train, both.test, both.train.source()};
  const auto& skipped = both.train.skipped();
  if (!skipped.empty()) {
    std::fprintf(stderr, "%zu file%s skipped:\n", skipped.size(), skipped.size() == 1 ? "" : "s");
    for (std::size_t i = 0; i < std::min<std::size_t>(skipped.size(), 10); ++i)
      std::fprintf(stderr, "  %s: %s\n", skipped[i].path.c_str(), skipped[i].reason.c_str());
    if (skipped.size() > 10) std::fprintf(stderr, "  and %zu more\n", skipped.size() - 10);
  }
  if (!both.has_test()) {
    data::train_test parts = data::split(d.train, 0.2, o.seed);
    d.train = parts.train;
    d.test = parts.test;
  }
  if (o.samples > 0 && o.samples < d.train.size()) d.train = data::random_subset(d.train, o.samples, o.seed);
  return d;
}

/// Encoder input: the images' own size where they agree, else a square of 32 to 64 pixels.
inline pretext::augment::image_size input_for(const data::image_set& set) {
  const auto first = set.shape(0);
  if (set.uniform() && first.height <= 64 && first.width <= 64) return {first.height, first.width, first.channels};
  const auto largest = train::detail::bounds_of(set);
  const px::index_t side = std::min<px::index_t>(64, std::max<px::index_t>(32, std::min(largest.height, largest.width)));
  return {side, side, first.channels};
}

/// Labels that no classifier could be measured with are said before the training, not after it.
inline void check_labels(const data::image_set& set) {
  if (set.size() < set.classes())
    throw usage_error(set.source() + ": there are " + std::to_string(set.size()) + " labelled images for " + std::to_string(set.classes()) +
                      " classes; give at least one image a class, or leave the labels out");
  int first = set.size() > 0 ? set.label(0) : 0;
  for (px::index_t i = 0; i < set.size(); ++i)
    if (set.label(i) != first) return;
  throw usage_error(set.source() + ": all " + std::to_string(set.size()) + " images are of one class; give more images, or leave the labels out");
}

template <class Recipe, class Backend>
results run(const options& o, Backend& backend, const char* backend_name) {
  using trainer_type = train::trainer<Recipe, Backend>;
  const image_data images = open_data(o);
  const auto input = input_for(images.train);
  const bool synthetic = o.data.empty();
  const bool grey = input.channels == 1;

  typename trainer_type::settings_type s{};
  defaults<Recipe>::set(s, grey || synthetic);  // digits, symbols and drawn shapes need half the widths of photographs
  s.input_height = input.height;
  s.input_width = input.width;
  s.input_channels = input.channels;
  s.batch_size = std::min<px::index_t>(o.batch_size, images.train.size());
  s.epochs = o.epochs > 0 ? o.epochs : synthetic ? std::uint64_t{12} : std::uint64_t{20};
  s.optimizer.rate = o.lr;
  s.objective.temperature = static_cast<float>(o.temperature);
  s.seed = o.seed;
  s.threads = o.threads;
  // Grey pictures are mostly digits and symbols, which a mirror turns into others; colour steps do not exist for them.
  auto& chain = s.views.template chain_of<0>();
  chain.template step<pretext::augment::random_resized_crop>().scale = {grey ? 0.5f : 0.2f, 1.0f};
  chain.template step<pretext::augment::horizontal_flip>().p = grey ? 0.0f : 0.5f;
  chain.template step<pretext::augment::apply_with_probability<pretext::augment::color_jitter>>().p = 0.8f;

  trainer_type trainer(s, backend);
  results r;
  r.data = images.name;
  r.samples = images.train.size();
  r.classes = images.train.labelled() && images.test.labelled() ? images.train.classes() : 0;
  r.epochs = s.epochs;
  for (const auto& e : trainer.players()[0].table.parameters)
    if (e.name.starts_with("encoder.")) r.parameters += e.size;

  const bool labelled = r.classes >= 2;
  if (labelled) check_labels(images.train);

  const train::notes notes{{"samples", std::to_string(r.samples)}};
  train::checkpoint keeper(o.out, {.every_steps = o.checkpoint_every, .keep = 2, .notes = notes});
  observer watch{keeper};
  if (!o.resume.empty()) {
    const train::resume_result found = train::resume(trainer, o.resume, notes);
    if (found.resumed) watch.read_losses(found.file);
    for (const std::string& damaged : found.passed) std::fprintf(stderr, "%s\n", damaged.c_str());
    if (found.resumed)
      std::fprintf(stderr, "going on from step %llu (%s)\n", static_cast<unsigned long long>(found.step), found.file.c_str());
    else
      std::fprintf(stderr, "%s holds no whole checkpoint: starting over\n", o.resume.c_str());
  }

  // A random encoder is measured before anything is trained; its norm layers have seen the data once.
  eval::feature_matrix random_train, random_test;
  if (labelled) {
    typename trainer_type::settings_type fresh = s;
    trainer_type untrained(fresh, backend);
    untrained.family().set_source_size(train::detail::bounds_of(images.train).height, train::detail::bounds_of(images.train).width);
    untrained.encoder().settle_statistics(images.train);
    random_train = eval::features(untrained.encoder(), images.train);
    random_test = eval::features(untrained.encoder(), images.test);
  }

  static_cast<void>(px::io::make_folders(o.out));  // report and log may lie in it; the first checkpoint says what is wrong with it
  std::optional<report::html> page;
  if (!o.report.empty()) {
    page.emplace(o.report);
    auto& d = page->document();
    d.title = "SimCLR on " + r.data;
    d.subtitle = std::to_string(r.samples) + " images, encoder " + o.encoder;
  }
  std::optional<report::jsonl_log> log;
  if (!o.log.empty()) log.emplace(o.log);
  const data::image_set probe_train = images.train.first(std::min<px::index_t>(2000, images.train.size()));
  const data::image_set probe_test = images.test.first(std::min<px::index_t>(1000, images.test.size()));
  report::html* const on_page = page ? &*page : nullptr;
  const bool probing = on_page != nullptr && labelled && probe_train.size() > 20;
  eval::knn_during_training watch_knn(probe_train, probe_test, probing ? std::max<std::uint64_t>(1, s.epochs / 20) : std::numeric_limits<std::uint64_t>::max(),
                                  [&](eval::probe_point p) { on_page->point("k-NN", static_cast<double>(p.epoch), p.accuracy); });
  struct optional_page {
    report::html* page;
    void on_start(const train::start_info& i) { if (page) page->on_start(i); }
    void on_step(const train::step_report& x) { if (page) page->on_step(x); }
  } to_page{on_page};
  struct optional_log {
    report::jsonl_log* log;
    void on_start(const train::start_info& i) { if (log) log->on_start(i); }
    void on_step(const train::step_report& x) { if (log) log->on_step(x); }
    void on_end(const train::step_report& x) { if (log) log->on_end(x); }
  } to_log{log ? &*log : nullptr};

  report::progress_options bar;
  bar.quiet = o.quiet;
  trainer.fit(images.train, report::progress_bar(bar), to_log, to_page, watch, watch_knn, keeper);
  if (trainer.steps_done() < static_cast<std::uint64_t>(decltype(trainer.encoder())::settled_after))
    trainer.encoder().settle_statistics(images.train);  // a run this short leaves them near their start
  r.seconds = watch.step_seconds;
  r.images_per_second = watch.step_seconds > 0 ? static_cast<double>(watch.images) / watch.step_seconds : 0;
  r.loss_first = watch.loss_first;
  r.loss_last = watch.loss_last;
  r.checkpoint = keeper.last_file();
  r.encoder_file = o.out + "/encoder.safetensors";
  px::io::save_safetensors(r.encoder_file, trainer.encoder());

  const auto encoder = trainer.encoder();
  const auto loop = eval::detail::loop_of(backend);
  const eval::feature_matrix h_train = eval::features(encoder, images.train), h_test = eval::features(encoder, images.test);
  if (labelled) {
    const auto measure = [&](const eval::feature_matrix& a, const eval::feature_matrix& b, double& knn, double& linear) {
      knn = eval::knn(a, b, {.k = std::min<px::index_t>(20, a.rows), .classes = r.classes}, loop).accuracy;
      eval::probe_options probe;
      probe.classes = r.classes;
      probe.max_iterations = 150;  // raw pixels converge slowly and gain nothing measurable after that
      linear = eval::linear_probe(a, b, probe, loop).accuracy;
    };
    measure(h_train, h_test, r.knn, r.linear);
    measure(random_train, random_test, r.random_knn, r.random_linear);
    measure(eval::pixels(images.train, input), eval::pixels(images.test, input), r.raw_knn, r.raw_linear);

    eval::fine_tune_options all;
    all.flip = !grey;
    all.batch_size = 256;
    all.rate = 2e-3;
    all.smallest_crop = 0.6;
    all.steps = std::min<std::uint64_t>(1000, s.epochs * static_cast<std::uint64_t>(r.samples) / 256 + 1);  // as long as the pre-training
    all.seed = o.seed;
    r.supervised = eval::train_from_scratch<Recipe>(encoder, images.train, images.test, all).accuracy;
    for (const px::index_t per_class : {1, 10, 100}) {
      if (data::smallest_class(images.train) < per_class) break;
      const data::image_set few = data::few_labels(images.train, per_class, o.seed);
      const few_label_settings settings = settings_for(per_class, !grey, o.seed);
      const auto tuned = eval::fine_tune<Recipe>(encoder, few, images.test, settings.tune);
      r.few.push_back({per_class, eval::train_from_scratch<Recipe>(encoder, few, images.test, settings.scratch).accuracy,
                       tuned.probe_accuracy, tuned.accuracy});
    }
  }

  report::table summary{.title = "Accuracy on " + std::to_string(images.test.size()) + " test images (%)", .columns = {"features", "k-NN", "linear probe"}, .rows = {}, .strong = {}};
  summary.rows = {{"raw pixels", percent(r.raw_knn), percent(r.raw_linear)},
                  {"random encoder", percent(r.random_knn), percent(r.random_linear)},
                  {"SimCLR encoder", percent(r.knn), percent(r.linear)},
                  {"supervised, all labels", "-", percent(r.supervised)}};
  summary.strong = {2};
  report::table few{.title = "With few labels per class (%)", .columns = {"labels per class", "from scratch", "probe", "fine-tuned"}, .rows = {}, .strong = {}};
  for (const few_labels_row& f : r.few)
    few.rows.push_back({std::to_string(f.per_class), percent(f.scratch), percent(f.linear), percent(f.finetuned)});
  if (labelled) {
    std::printf("\n%s\n", report::console_table(summary).c_str());
    if (!few.rows.empty()) std::printf("%s\n", report::console_table(few).c_str());
  }
  const auto collapsed = h_train.rows >= 2
                             ? eval::collapse_warning(eval::take_rows(h_train, report::detail::spread(h_train.rows, std::min<px::index_t>(1000, h_train.rows))))
                             : std::nullopt;
  if (collapsed) std::printf("warning: %s\n", collapsed->sentence.c_str());

  if (page) {
    auto& d = page->document();
    d.state = "finished";
    if (collapsed) d.warnings.push_back(collapsed->sentence);
    d.summary = {{"linear probe", percent(r.linear) + " %", "raw pixels " + percent(r.raw_linear)},
                 {"k-NN", percent(r.knn) + " %", "raw pixels " + percent(r.raw_knn)},
                 {"images per second", std::to_string(static_cast<long>(r.images_per_second)), "source images, two views each"}};
    report::section quality;
    quality.title = "What was learned";
    if (labelled) {
      quality.tables = {summary, few};
      quality.bars.push_back({.title = "Linear probe", .bars = {{"raw pixels", r.raw_linear, true}, {"random encoder", r.random_linear, true},
                                                                  {"SimCLR", r.linear}, {"supervised, all labels", r.supervised, true}}});
    }
    quality.maps.push_back(report::embedding_map(h_test, images.test.class_names()));
    quality.neighbours.push_back(report::neighbours(images.train, h_train, images.test, h_test));
    report::section samples;
    samples.title = "What the encoder saw";
    samples.images.push_back(report::view_grid(trainer.settings().views, images.train, input, o.seed));
    report::section how;
    how.title = "How";
    report::pairs settings{.title = "Settings", .items = {}};
    train::for_each_setting(trainer.settings(), [&](const std::string& name, const std::string& value) { settings.items.emplace_back(name, value); });
    how.pairs = {settings, report::environment(backend_name, std::to_string(backend.threads()))};
    d.sections.insert(d.sections.begin(), std::move(quality));
    d.sections.push_back(std::move(samples));
    d.sections.push_back(std::move(how));
    page->on_end();
  }
  return r;
}

/// The whole program on a back end made by `make(threads)`.
template <class Make>
int run_program(int argc, char** argv, const char* backend_name, Make&& make) {
  return command_line::run_program(argc, argv, usage, parse, [&](const options& o) {
    auto backend = make(o.threads);
    const results r = o.encoder == "resnet18" ? run<resnet18>(o, *backend, backend_name) : run<conv>(o, *backend, backend_name);
    return json(r);
  });
}

}  // namespace simclr_images
