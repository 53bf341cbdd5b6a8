// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

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

/// Train on nine tenths of a text, measure on the last against what counting knows, keep the model. The same text for every back end.
namespace masked_lm {

namespace eval = pretext::eval;
namespace train = pretext::train;
namespace report = pretext::report;

struct results {
  std::string data, model, checkpoint, file;
  px::index_t tokens = 0, vocabulary = 0, parameters = 0;
  std::uint64_t steps = 0;
  double seconds = 0, tokens_per_second = 0, loss_first = std::nan(""), loss_last = std::nan("");
  eval::token_scores masked, untrained;
  eval::neighbour_scores counted;
};

inline std::string json(const results& r) {
  px::io::json::writer w;
  const auto number = [&](const char* name, double v) {
    w.key(name);
    if (std::isfinite(v)) w.value(v);
    else w.value(nullptr);
  };
  w.begin_object();
  w.member("data", r.data).member("model", r.model).member("tokens", static_cast<long>(r.tokens)).member("vocabulary", static_cast<long>(r.vocabulary));
  w.member("parameters", static_cast<long>(r.parameters)).member("steps", static_cast<long>(r.steps));
  number("seconds", r.seconds);
  number("tokens_per_second", r.tokens_per_second);
  number("loss_first", r.loss_first);
  number("loss_last", r.loss_last);
  number("perplexity", r.masked.perplexity());
  number("masked_accuracy", r.masked.accuracy);
  number("untrained_accuracy", r.untrained.accuracy);
  number("unigram_accuracy", r.counted.unigram.accuracy);
  number("left_bigram_accuracy", r.counted.left.accuracy);
  number("both_bigram_accuracy", r.counted.both.accuracy);
  w.member("checkpoint", r.checkpoint).member("file", r.file);
  w.end_object();
  return w.text();
}

/// What counts of words and neighbours say at places like those that are hidden: every seventh, two thousand of them at most, since a place costs as
/// much as there are words.
inline eval::neighbour_scores count_neighbours(const std::vector<std::int32_t>& known, const std::vector<std::int32_t>& unseen, px::index_t words,
                                               const px::augment::token_ids& ids) {
  const std::vector<std::int32_t> sequences[] = {known};
  const eval::word_counts counts(sequences, words);
  eval::word_counts::scorer scorer(counts);
  std::vector<px::index_t> places;
  const px::index_t every = std::max<px::index_t>(7, static_cast<px::index_t>(unseen.size()) / 2000);
  for (px::index_t t = 1; t + 1 < static_cast<px::index_t>(unseen.size()); t += every)
    if (ids.ordinary(unseen[static_cast<std::size_t>(t)])) places.push_back(t);
  scorer.add(unseen, places);
  return scorer.scores();
}

template <class Recipe, class Backend>
results run(const options& o, Backend& backend, const char* backend_name) {
  using trainer_type = train::trainer<Recipe, Backend>;
  const text_programs::split_text text = text_programs::open_text(o.data, o.tokenizer, o.vocabulary, o.out);
  typename trainer_type::settings_type s{};
  s.words.words = text.words.words;
  const auto& special = text.words.special;
  std::vector<std::int32_t> fixed;
  for (const std::int32_t id : {special.unknown, special.padding, special.first, special.separator, special.last})
    if (id >= 0) fixed.push_back(id);
  s.ids = {static_cast<std::int32_t>(text.words.words), special.mask, fixed};
  s.corruption.choose.share = static_cast<float>(o.share);
  s.length = o.length;
  s.batch_size = o.batch_size;
  s.optimizer.rate = o.lr;
  s.seed = o.seed;
  s.threads = o.threads;
  trainer_type trainer(s, backend);
  results r;
  r.data = text.name;
  r.model = o.model;
  r.tokens = static_cast<px::index_t>(text.known.size() + text.unseen.size());
  r.vocabulary = text.words.words;
  r.parameters = trainer.players()[0].table.parameter_count();

  const train::notes notes{{"text", std::to_string(text.known.size())}};
  train::checkpoint keeper(o.out, {.every_steps = o.checkpoint_every, .keep = 2, .notes = notes});
  text_programs::observer watch{keeper, static_cast<double>(o.length)};
  r.untrained = eval::masked_token_scores(trainer, text.unseen);
  text_programs::resume_from(trainer, o.resume, notes, watch);
  static_cast<void>(px::io::make_folders(o.out));
  text_programs::pages pages(o.report, o.log);
  if (pages.page) {
    pages.page->document().title = "Hidden words of " + r.data;
    pages.page->document().subtitle =
        o.model + ", " + std::to_string(r.tokens) + " tokens of " + std::to_string(r.vocabulary) + " kinds, " + std::to_string(r.parameters) + " parameters";
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
  r.file = o.out + "/model.safetensors";
  px::io::save_safetensors(r.file, train::player_model(trainer));
  r.masked = eval::masked_token_scores(trainer, text.unseen);
  r.counted = count_neighbours(text.known, text.unseen, r.vocabulary, s.ids);

  const auto percent = [](double v) {
    char number[16];
    std::snprintf(number, sizeof number, "%.1f %%", 100 * v);
    return std::string(number);
  };
  report::table scores{.title = "Hidden words of the last tenth that are said right", .columns = {"by", "accuracy"}, .rows = {}, .strong = {5}};
  scores.rows = {{"the most frequent word", percent(r.counted.unigram.accuracy)}, {"the word before it", percent(r.counted.left.accuracy)},
                 {"the word behind it", percent(r.counted.right.accuracy)},       {"both neighbours", percent(r.counted.both.accuracy)},
                 {"the network untrained", percent(r.untrained.accuracy)},        {"the network", percent(r.masked.accuracy)}};
  if (!o.quiet) std::printf("\n%s\n", report::console_table(scores).c_str());
  if (pages.page) {
    auto& d = pages.page->document();
    d.state = "finished";
    d.summary = {{"accuracy", percent(r.masked.accuracy), "of hidden words; both neighbours " + percent(r.counted.both.accuracy)},
                 {"perplexity", text_programs::fixed(r.masked.perplexity()), ""},
                 {"tokens per second", std::to_string(static_cast<long>(r.tokens_per_second)), "in training"}};
    report::section quality;
    quality.title = "What was learned";
    quality.tables.push_back(std::move(scores));
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
    const results r = o.model == "bert"   ? run<bert>(o, *backend, backend_name)
                      : o.model == "lstm" ? run<lstm>(o, *backend, backend_name)
                                          : run<bilstm>(o, *backend, backend_name);
    return json(r);
  });
}

}  // namespace masked_lm
