// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/word_counts.hpp"

#include <cmath>
#include <vector>

#include "eval_support.hpp"
#include "support/catch.hpp"
#include "text_support.hpp"

using namespace pretext::eval;
using eval_support::id_of;
using sequences = std::vector<std::vector<std::int32_t>>;

namespace {
neighbour_scores score_all(const word_counts& counts, const sequences& test) {
  word_counts::scorer s(counts);
  for (const auto& sequence : test) {
    std::vector<pretext::index_t> places;
    for (std::size_t t = 0; t < sequence.size(); ++t) places.push_back(static_cast<pretext::index_t>(t));
    s.add(sequence, places);
  }
  return s.scores();
}
}  // namespace

TEST_CASE("word_counts: probabilities by hand", "[eval][word_counts]") {
  const word_counts c(sequences{{0, 1, 0, 1}, {0, 2}, {}}, 4);
  CHECK(c.probability(0) == Approx(4.0 / 10).epsilon(1e-15));
  CHECK(c.probability(3) == Approx(1.0 / 10).epsilon(1e-15));
  // After 0: 1 twice, 2 once, two kinds.
  CHECK(c.after(0, 1) == Approx((2 + 2 * 0.3) / 5).epsilon(1e-15));
  CHECK(c.after(0, 3) == Approx(2 * 0.1 / 5).epsilon(1e-15));
  CHECK(c.after(2, 1) == c.probability(1));  // nothing ever follows 2
  CHECK(c.after(-1, 1) == c.probability(1));
  CHECK(c.before(2, 0) == Approx((1 + 1 * 0.4) / 2).epsilon(1e-15));
  for (std::int32_t given = -1; given < 4; ++given) {
    double sum = 0, back = 0;
    for (std::int32_t w = 0; w < 4; ++w) sum += c.after(given, w), back += c.before(given, w);
    CHECK(sum == Approx(1).epsilon(1e-14));
    CHECK(back == Approx(1).epsilon(1e-14));
  }
}

TEST_CASE("word_counts: on a text without chance the neighbours say all", "[eval][word_counts]") {
  sequences text(1);
  for (int i = 0; i < 400; ++i) text[0].push_back(i % 8);
  const neighbour_scores s = score_all(word_counts(text, 8), text);
  CHECK(s.unigram.words == 400);
  CHECK(s.unigram.accuracy == Approx(1.0 / 8).epsilon(1e-12));
  CHECK(s.unigram.perplexity == Approx(8).epsilon(1e-6));
  CHECK(s.left.accuracy == Approx(1 - 0.0).margin(1.0 / 400 + 1e-12));  // the first word has no left neighbour
  CHECK(s.both.accuracy == 1.0);
  CHECK(s.both.perplexity < s.left.perplexity);
}

TEST_CASE("word_counts: equals dense tables in NumPy", "[eval][word_counts][golden]") {
  const auto train = text_support::pieces<std::int32_t>("counts.train", "counts.train.ends"), test = text_support::pieces<std::int32_t>("counts.test", "counts.test.ends");
  const neighbour_scores s = score_all(word_counts(train, 23), test);
  for (const auto& [name, got] : {std::pair{"unigram", s.unigram}, {"left", s.left}, {"right", s.right}, {"both", s.both}}) {
    const auto want = text_support::file()[std::string("counts.") + name];
    INFO(name);
    CHECK(got.accuracy == Approx(want[0]).epsilon(1e-12));
    CHECK(got.top5 == Approx(want[1]).epsilon(1e-12));
    CHECK(got.perplexity == Approx(want[2]).epsilon(1e-10));
  }
}

TEST_CASE("word_counts: wrong words and places are refused, an empty test gives zeros", "[eval][word_counts]") {
  CHECK(id_of([] { word_counts(sequences{{}}, 3); }) == "eval.025");
  CHECK(id_of([] { word_counts(sequences{{3}}, 3); }) == "eval.025");
  CHECK(id_of([] { word_counts(sequences{{-1}}, 3); }) == "eval.025");
  const word_counts c(sequences{{0, 1}}, 3);
  word_counts::scorer s(c);
  CHECK(s.scores().both.words == 0);
  CHECK(s.scores().both.accuracy == 0.0);
  CHECK(id_of([&] { s.add(std::vector<std::int32_t>{0, 1}, std::vector<pretext::index_t>{2}); }) == "eval.025");
  CHECK(id_of([&] { s.add(std::vector<std::int32_t>{0, 3}, std::vector<pretext::index_t>{0}); }) == "eval.025");
}
