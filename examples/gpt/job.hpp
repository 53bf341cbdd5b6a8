// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <pretext/eval/continue_text.hpp>
#include <pretext/eval/language_model.hpp>
#include <pretext/eval/word_counts.hpp>
#include <pretext/io/model.hpp>
#include <pretext/report/console_table.hpp>
#include <pretext/train/fit_tokens.hpp>
#include <pretext/train/player_model.hpp>

#include "../text/corpus.hpp"
#include "../text/watch.hpp"
#include "options.hpp"
#include "recipe.hpp"

/// Train on nine tenths of a text, measure on the last, keep the model, write. The same text for every back end.
namespace gpt {

namespace px = pretext;
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
  const text_programs::split_text text = text_programs::open_text(o.data, o.tokenizer, o.vocabulary, o.out);
  typename trainer_type::settings_type s{};
  s.words.words = text.words.words;
  s.batch_size = o.batch_size;
  s.optimizer.rate = o.lr;
  s.seed = o.seed;
  s.threads = o.threads;
  child<0>(s.encoder.layers).block.dropout = o.dropout;
  trainer_type trainer(s, backend);
  results r;
  r.data = text.name;
  r.tokens = static_cast<px::index_t>(text.known.size() + text.unseen.size());
  r.vocabulary = text.words.words;
  r.parameters = trainer.players()[0].table.parameter_count();

  const train::notes notes{{"text", std::to_string(text.known.size())}};
  train::checkpoint keeper(o.out, {.every_steps = o.checkpoint_every, .keep = 2, .notes = notes});
  text_programs::observer watch{keeper, static_cast<double>(s.length.value())};
  text_programs::resume_from(trainer, o.resume, notes, watch);
  static_cast<void>(px::io::make_folders(o.out));
  text_programs::pages pages(o.report, o.log);
  if (pages.page) {
    pages.page->document().title = "GPT-2 on " + r.data;
    pages.page->document().subtitle =
        std::to_string(r.tokens) + " tokens of " + std::to_string(r.vocabulary) + " kinds, " + std::to_string(r.parameters) + " parameters";
  }
  report::progress_options bar;
  bar.quiet = o.quiet;
  train::fit_tokens(trainer, text.known, {.steps = o.steps}, report::progress_bar(bar), pages, watch, keeper);

  r.steps = trainer.steps_done();
  r.seconds = watch.seconds;
  r.tokens_per_second = watch.seconds > 0 ? watch.tokens / watch.seconds : 0;
  r.loss_first = watch.loss_first;
  r.loss_last = watch.loss_last;
  r.checkpoint = keeper.last_file();
  r.model = o.out + "/model.safetensors";
  px::io::save_safetensors(r.model, train::player_model(trainer));
  r.validation = eval::next_token_scores(trainer, text.unseen);
  count_words(text.known, text.unseen, r.vocabulary, r);

  std::vector<std::int32_t> written = text.words.encode(o.prompt.empty() ? "\n" : o.prompt);
  if (o.sample > 0) {
    if (o.temperature > 0)
      eval::continue_text(trainer, written, o.sample,
                          pretext::generate::sampling{.temperature = static_cast<float>(o.temperature), .top_k = static_cast<int>(o.top_k)}, o.seed);
    else
      eval::continue_text(trainer, written, o.sample, pretext::generate::greedy{});
    r.sample = text.words.decode(written);
  }
  report::table scores{.title = "On the last tenth", .columns = {"by", "nats a token", "accuracy"}, .rows = {}, .strong = {2}};
  scores.rows = {{"frequencies", text_programs::fixed(r.unigram_loss), text_programs::fixed(r.unigram_accuracy)},
                 {"pairs", text_programs::fixed(r.bigram_loss), text_programs::fixed(r.bigram_accuracy)},
                 {"GPT-2", text_programs::fixed(r.validation.loss), text_programs::fixed(r.validation.accuracy)}};
  if (!o.quiet) std::printf("\n%s\n%s\n\n", report::console_table(scores).c_str(), r.sample.c_str());
  if (pages.page) {
    auto& d = pages.page->document();
    d.state = "finished";
    d.summary = {{"loss", text_programs::fixed(r.validation.loss), "nats a token on the last tenth; pairs " + text_programs::fixed(r.bigram_loss)},
                 {"perplexity", text_programs::fixed(r.validation.perplexity()), ""},
                 {"tokens per second", std::to_string(static_cast<long>(r.tokens_per_second)), "in training"}};
    report::section quality;
    quality.title = "What was learned";
    quality.tables.push_back(std::move(scores));
    quality.text = r.sample;
    d.sections.insert(d.sections.begin(), std::move(quality));
    d.sections.push_back(text_programs::how_it_was_done(trainer, backend_name));
    pages.page->on_end();
  }
  return r;
}

/// The whole program on a back end made by `make(threads)`.
template <class Make>
int run_program(int argc, char** argv, const char* backend_name, Make&& make) {
  return command_line::run_program(argc, argv, usage, parse, [&](const options& o) {
    auto backend = make(o.threads);
    const results r = run(o, *backend, backend_name);
    return json(r);
  });
}

}  // namespace gpt
