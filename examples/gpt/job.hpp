// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <pretext/eval/continue_text.hpp>
#include <pretext/eval/language_model.hpp>
#include <pretext/eval/word_counts.hpp>
#include <pretext/io/model.hpp>
#include <pretext/report/environment.hpp>
#include <pretext/report/html.hpp>
#include <pretext/report/jsonl_log.hpp>
#include <pretext/report/progress_bar.hpp>
#include <pretext/train/checkpoint.hpp>
#include <pretext/train/fit_tokens.hpp>
#include <pretext/train/player_model.hpp>

#include "corpus.hpp"
#include "options.hpp"
#include "recipe.hpp"

/// Train on nine tenths of a text, measure on the last, keep the model, write. The same text for every back end.
namespace gpt {

namespace eval = pretext::eval;
namespace train = pretext::train;
namespace report = pretext::report;

struct results {
  std::string data, checkpoint, model, sample;
  px::index_t tokens = 0, vocabulary = 0, parameters = 0;
  std::uint64_t steps = 0;
  double seconds = 0, tokens_per_second = 0, loss_first = std::nan(""), loss_last = std::nan("");
  eval::token_scores validation;
  double unigram_accuracy = 0, unigram_loss = 0, bigram_accuracy = 0, bigram_loss = 0;
};

inline std::string json(const results& r) {
  px::io::json::writer w;
  const auto number = [&](const char* name, double v) {
    w.key(name);
    if (std::isfinite(v)) w.value(v);
    else w.value(nullptr);
  };
  w.begin_object();
  w.member("data", r.data).member("tokens", static_cast<long>(r.tokens)).member("vocabulary", static_cast<long>(r.vocabulary));
  w.member("parameters", static_cast<long>(r.parameters)).member("steps", static_cast<long>(r.steps));
  number("seconds", r.seconds);
  number("tokens_per_second", r.tokens_per_second);
  number("loss_first", r.loss_first);
  number("loss_last", r.loss_last);
  number("validation_loss", r.validation.loss);
  number("perplexity", r.validation.perplexity());
  number("accuracy", r.validation.accuracy);
  number("unigram_accuracy", r.unigram_accuracy);
  number("unigram_loss", r.unigram_loss);
  number("bigram_accuracy", r.bigram_accuracy);
  number("bigram_loss", r.bigram_loss);
  w.member("checkpoint", r.checkpoint).member("model", r.model).member("sample", r.sample);
  w.end_object();
  return w.text();
}

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

/// What counting alone predicts on the part that was held out.
inline void count_words(const std::vector<std::int32_t>& known, const std::vector<std::int32_t>& unseen, px::index_t words, results& r) {
  const std::vector<std::int32_t> sequences[] = {known};
  const eval::word_counts counts(sequences, words);
  eval::word_counts::scorer scorer(counts);
  // A sample of the places is enough, and a place costs as much as there are words.
  std::vector<px::index_t> places;
  const px::index_t every = std::max<px::index_t>(1, static_cast<px::index_t>(unseen.size()) / 20000);
  for (px::index_t t = 1; t < static_cast<px::index_t>(unseen.size()); t += every) places.push_back(t);
  scorer.add(unseen, places);
  const eval::neighbour_scores scores = scorer.scores();
  r.unigram_accuracy = scores.unigram.accuracy, r.unigram_loss = std::log(scores.unigram.perplexity);
  r.bigram_accuracy = scores.left.accuracy, r.bigram_loss = std::log(scores.left.perplexity);
}

template <class Backend>
results run(const options& o, Backend& backend, const char* backend_name) {
  using trainer_type = train::trainer<small, Backend>;
  const corpus text = open_corpus(o.data);
  std::size_t cut = text.text.size() / 10 * 9;
  while (cut < text.text.size() && (static_cast<unsigned char>(text.text[cut]) & 0xC0) == 0x80) ++cut;  // never within a character
  const std::string_view whole = text.text;
  const codec words = make_codec(o, whole.substr(0, cut));
  const std::vector<std::int32_t> known = words.encode(whole.substr(0, cut)), unseen = words.encode(whole.substr(cut));
  if (known.size() < 1000 || unseen.size() < 2)
    throw usage_error(text.name + ": the text has " + std::to_string(known.size() + unseen.size()) + " tokens; give a thousand or more");

  typename trainer_type::settings_type s{};
  s.words.words = words.words;
  s.batch_size = o.batch_size;
  s.optimizer.rate = o.lr;
  s.seed = o.seed;
  s.threads = o.threads;
  child<0>(s.encoder.layers).block.dropout = o.dropout;
  trainer_type trainer(s, backend);
  results r;
  r.data = text.name;
  r.tokens = static_cast<px::index_t>(known.size() + unseen.size());
  r.vocabulary = words.words;
  r.parameters = trainer.players()[0].table.parameter_count();

  const train::notes notes{{"text", std::to_string(known.size())}};
  train::checkpoint keeper(o.out, {.every_steps = o.checkpoint_every, .keep = 2, .notes = notes});
  observer watch{keeper, static_cast<double>(s.length.value())};
  if (!o.resume.empty()) {
    const train::resume_result found = train::resume(trainer, o.resume, notes);
    if (found.resumed) watch.read_losses(found.file);
    for (const std::string& damaged : found.passed) std::fprintf(stderr, "%s\n", damaged.c_str());
    if (found.resumed)
      std::fprintf(stderr, "going on from step %llu (%s)\n", static_cast<unsigned long long>(found.step), found.file.c_str());
    else
      std::fprintf(stderr, "%s holds no whole checkpoint: starting over\n", o.resume.c_str());
  }

  static_cast<void>(px::io::make_folders(o.out));
  std::optional<report::html> page;
  if (!o.report.empty()) {
    page.emplace(o.report);
    page->document().title = "GPT-2 on " + r.data;
    page->document().subtitle = std::to_string(r.tokens) + " tokens of " + std::to_string(r.vocabulary) + " kinds, " + std::to_string(r.parameters) + " parameters";
  }
  std::optional<report::jsonl_log> log;
  if (!o.log.empty()) log.emplace(o.log);
  struct optional_page {
    report::html* page;
    void on_start(const train::start_info& i) { if (page) page->on_start(i); }
    void on_step(const train::step_report& x) { if (page) page->on_step(x); }
  } to_page{page ? &*page : nullptr};
  struct optional_log {
    report::jsonl_log* log;
    void on_start(const train::start_info& i) { if (log) log->on_start(i); }
    void on_step(const train::step_report& x) { if (log) log->on_step(x); }
    void on_end(const train::step_report& x) { if (log) log->on_end(x); }
  } to_log{log ? &*log : nullptr};
  report::progress_options bar;
  bar.quiet = o.quiet;
  train::fit_tokens(trainer, known, {.steps = o.steps}, report::progress_bar(bar), to_log, to_page, watch, keeper);

  r.steps = trainer.steps_done();
  r.seconds = watch.seconds;
  r.tokens_per_second = watch.seconds > 0 ? watch.tokens / watch.seconds : 0;
  r.loss_first = watch.loss_first;
  r.loss_last = watch.loss_last;
  r.checkpoint = keeper.last_file();
  r.model = o.out + "/model.safetensors";
  px::io::save_safetensors(r.model, train::player_model(trainer));
  r.validation = eval::next_token_scores(trainer, unseen);
  count_words(known, unseen, r.vocabulary, r);

  std::vector<std::int32_t> written = words.encode(o.prompt.empty() ? "\n" : o.prompt);
  if (o.sample > 0) {
    if (o.temperature > 0)
      eval::continue_text(trainer, written, o.sample, pretext::generate::sampling{.temperature = static_cast<float>(o.temperature), .top_k = static_cast<int>(o.top_k)}, o.seed);
    else
      eval::continue_text(trainer, written, o.sample, pretext::generate::greedy{});
    r.sample = words.decode(written);
  }
  if (!o.quiet) {
    std::printf("\n%-24s %10s %10s\n", "on the last tenth", "nats", "accuracy");
    std::printf("%-24s %10.3f %9.1f %%\n", "frequencies", r.unigram_loss, 100 * r.unigram_accuracy);
    std::printf("%-24s %10.3f %9.1f %%\n", "pairs", r.bigram_loss, 100 * r.bigram_accuracy);
    std::printf("%-24s %10.3f %9.1f %%\n", "GPT-2", r.validation.loss, 100 * r.validation.accuracy);
    if (!r.sample.empty()) std::printf("\n%s\n\n", r.sample.c_str());
  }
  if (page) {
    auto& d = page->document();
    d.state = "finished";
    const auto fixed = [](double v) {
      char number[32];
      std::snprintf(number, sizeof number, "%.3f", v);
      return std::string(number);
    };
    d.summary = {{"loss", fixed(r.validation.loss), "nats a token on the last tenth; pairs " + fixed(r.bigram_loss)},
                 {"perplexity", fixed(r.validation.perplexity()), ""},
                 {"tokens per second", std::to_string(static_cast<long>(r.tokens_per_second)), "in training"}};
    report::section quality;
    quality.title = "What was learned";
    quality.tables.push_back({.title = "On the last tenth", .columns = {"by", "nats a token", "accuracy"},
                              .rows = {{"frequencies", fixed(r.unigram_loss), fixed(r.unigram_accuracy)},
                                       {"pairs", fixed(r.bigram_loss), fixed(r.bigram_accuracy)},
                                       {"GPT-2", fixed(r.validation.loss), fixed(r.validation.accuracy)}}, .strong = {2}});
    quality.text = r.sample;
    d.sections.insert(d.sections.begin(), std::move(quality));
    report::section how;
    how.title = "How";
    report::pairs settings{.title = "Settings", .items = {}};
    train::for_each_setting(trainer.settings(), [&](const std::string& name, const std::string& value) { settings.items.emplace_back(name, value); });
    how.pairs = {settings, report::environment(backend_name, std::to_string(backend.threads()))};
    d.sections.push_back(std::move(how));
    page->on_end();
  }
  return r;
}

/// The whole program on a back end made by `make(threads)`: exit status 0, or 2 with one sentence on standard error.
template <class Make>
int run_program(int argc, char** argv, const char* backend_name, Make&& make) {
  try {
    const options o = parse(argc, argv);
    if (o.help) {
      std::fputs(usage, stdout);
      return 0;
    }
    auto backend = make(o.threads);
    const results r = run(o, *backend, backend_name);
    std::printf("%s\n", json(r).c_str());
    return 0;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}

}  // namespace gpt
