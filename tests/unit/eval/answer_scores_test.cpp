// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/answer_scores.hpp"

#include <vector>

#include "eval_support.hpp"
#include "pretext/core/rng.hpp"
#include "support/catch.hpp"
#include "text_support.hpp"

using namespace pretext::eval;
using eval_support::id_of;
using pretext::index_t;

TEST_CASE("answer_words: case, punctuation and articles go, by hand", "[eval][answer_scores]") {
  using list = std::vector<std::string>;
  CHECK(answer_words("The  Eiffel Tower, in a  park!") == list{"eiffel", "tower", "in", "park"});
  CHECK(answer_words("an anthem for THE U.S.") == list{"anthem", "for", "us"});
  CHECK(answer_words("co-op the_a $1,234") == list{"coop", "thea", "1234"});
  CHECK(answer_words("\xE2\x80\x9Cthe\xE2\x80\x9D") == list{"\xE2\x80\x9C", "\xE2\x80\x9D"});  // curly quotes stay, the article goes
  CHECK(answer_words("\xC3\x89T\xC3\x89") == list{"\xC3\xA9t\xC3\xA9"});
  CHECK(answer_words("").empty());
  CHECK(answer_words(" the. A, ").empty());
  CHECK(answer_words("\xC3") == list{"\xC3"});  // broken UTF-8 stays as it is
  CHECK(answer_words("x\xE2\x80") == list{"x\xE2\x80"});
}

TEST_CASE("score_answer: equal words are exact, else words in common, the best of several", "[eval][answer_scores]") {
  CHECK(score_answer("The cat", "cat!").exact == 1.0);
  CHECK(score_answer("black black cat", "black cat").exact == 0.0);
  CHECK(score_answer("black black cat", "black cat").f1 == Approx(2.0 * 2 / 5).epsilon(1e-15));  // the second "black" has no partner
  CHECK(score_answer("dog", "cat").f1 == 0.0);
  CHECK(score_answer("the", "a").f1 == 1.0);
  CHECK(score_answer("", "cat").f1 == 0.0);
  const answer_score best = score_answer("red cat", std::vector<std::string>{"dog", "cat", "a red cat sat"});
  CHECK(best.exact == 0.0);
  CHECK(best.f1 == Approx(0.8).epsilon(1e-15));
  CHECK(id_of([] { score_answer("x", std::vector<std::string>{}); }) == "eval.022");
}

TEST_CASE("score_answer: equals SQuAD's script", "[eval][answer_scores][golden]") {
  const auto given = text_support::texts("answer.given"), right = text_support::texts("answer.right"), words = text_support::texts("answer.words");
  const auto exact = text_support::file()["answer.exact"], f1 = text_support::file()["answer.f1"];
  REQUIRE(given.size() == 400);
  for (std::size_t i = 0; i < given.size(); ++i) {
    INFO(given[i] << " | " << right[i]);
    std::string joined;
    for (const std::string& w : answer_words(given[i])) joined += (joined.empty() ? "" : " ") + w;
    CHECK(joined == words[i]);
    const answer_score s = score_answer(given[i], right[i]);
    CHECK(s.exact == exact[static_cast<index_t>(i)]);
    CHECK(s.f1 == Approx(f1[static_cast<index_t>(i)]).epsilon(1e-12));
  }
}

TEST_CASE("best_span: the best of all allowed spans", "[eval][answer_scores]") {
  pretext::rng::stream draw(pretext::rng::key{.seed = 4});
  for (int trial = 0; trial < 500; ++trial) {
    const index_t n = 1 + draw.below(31), begin = draw.below(static_cast<std::uint32_t>(n)),
                  end = begin + draw.below(static_cast<std::uint32_t>(n - begin + 1)), longest = 1 + draw.below(9);
    std::vector<float> start, last;
    for (index_t i = 0; i < n; ++i) start.push_back(static_cast<float>(draw.below(7))), last.push_back(static_cast<float>(draw.below(7)));
    answer_span best;
    for (index_t i = begin; i < end; ++i)
      for (index_t j = i; j < end && j < i + longest; ++j)
        if (const float s = start[static_cast<std::size_t>(i)] + last[static_cast<std::size_t>(j)]; best.first < 0 || s > best.score) best = {i, j, s};
    const answer_span got = best_span(start, last, begin, end, longest);
    INFO(n << " " << begin << " " << end << " " << longest);
    CHECK(got.first == best.first);
    CHECK(got.last == best.last);
    CHECK(got.score == best.score);
  }
  const std::vector<float> start{9, 0, 1, 0}, last{0, 0, 0, 8};  // the best start lies in the question, the best end before any start
  CHECK(best_span(start, last, 1, 4, 30).first == 2);
  CHECK(best_span(start, last, 2, 2, 30).first == -1);
  CHECK(id_of([&] { best_span(start, last, 1, 5, 3); }) == "eval.023");
  CHECK(id_of([&] { best_span(start, last, 1, 4, 0); }) == "eval.023");
  CHECK(id_of([&] { best_span(start, std::vector<float>{1}, 0, 1, 3); }) == "eval.023");
}
