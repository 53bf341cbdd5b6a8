// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/span_scores.hpp"

#include <vector>

#include "eval_support.hpp"
#include "support/catch.hpp"
#include "text_support.hpp"

using namespace pretext::eval;
using eval_support::id_of;

namespace {
const std::vector<std::string> names{"O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-X-Y", "I-X-Y"};
using spans = std::vector<token_span>;
spans found(const std::vector<int>& tags, span_rule rule = span_rule::strict) { return find_spans(tags, read_tags(names), rule); }
}  // namespace

TEST_CASE("read_tags: types in the order they come, with their own dashes", "[eval][span_scores]") {
  const tag_set set = read_tags(names);
  CHECK(set.types == std::vector<std::string>{"PER", "LOC", "X-Y"});
  CHECK(set.tags[0].type == -1);
  CHECK(set.tags[4].type == 1);
  CHECK_FALSE(set.tags[4].begins);
  CHECK(set.tags[5].begins);
  for (const char* wrong : {"", "B", "B-", "X-PER", "BPER", "o"}) CHECK(id_of([&] { read_tags(std::vector<std::string>{wrong}); }) == "eval.021");
}

TEST_CASE("find_spans: by hand, broken sequences by either rule", "[eval][span_scores]") {
  CHECK(found({}).empty());
  CHECK(found({0, 0}).empty());
  CHECK(found({1, 2, 0, 3, 3, 4}) == spans{{0, 0, 2}, {1, 3, 4}, {1, 4, 6}});
  // an I after the outside, after another type, at the start
  CHECK(found({2, 2, 0, 4}).empty());
  CHECK(found({2, 2, 0, 4}, span_rule::conlleval) == spans{{0, 0, 2}, {1, 3, 4}});
  CHECK(found({1, 4, 4, 1}) == spans{{0, 0, 1}, {0, 3, 4}});
  CHECK(found({1, 4, 4, 1}, span_rule::conlleval) == spans{{0, 0, 1}, {1, 1, 3}, {0, 3, 4}});
  CHECK(found({1, 4, 2}) == spans{{0, 0, 1}});  // an I of the first type again does not go on
  CHECK(id_of([] { found({7}); }) == "eval.005");
  CHECK(id_of([] { found({-1}); }) == "eval.005");
}

TEST_CASE("span_counter: only the same ends and type count", "[eval][span_scores]") {
  span_counter c(read_tags(names));
  //         labels: PER [0,2), LOC [3,4), LOC [4,6);  predicted: PER [0,2), PER [3,4), LOC [4,5)
  c.add(std::vector<int>{1, 2, 0, 1, 3, 0}, std::vector<int>{1, 2, 0, 3, 3, 4});
  c.add(std::vector<int>{}, std::vector<int>{});
  const span_scores& s = c.scores();
  CHECK(s.total().hits == 1);
  CHECK(s.micro_f1() == Approx(1.0 / 3).epsilon(1e-15));
  CHECK(s.macro_f1() == Approx((2.0 / 3 + 0) / 2).epsilon(1e-15));  // X-Y does not occur
  CHECK(span_counter(read_tags(names)).scores().micro_f1() == 0.0);
  CHECK(span_counter(read_tags(names)).scores().macro_f1() == 0.0);
  CHECK(id_of([&] { c.add(std::vector<int>{0}, std::vector<int>{0, 0}); }) == "eval.010");
}

TEST_CASE("span_counter: equal seqeval's, strict and as conlleval", "[eval][span_scores][golden]") {
  const auto labels = text_support::pieces<int>("tags.labels", "tags.ends"), predicted = text_support::pieces<int>("tags.predicted", "tags.ends");
  for (const auto& [rule, name] : {std::pair{span_rule::strict, std::string("strict")}, {span_rule::conlleval, std::string("conlleval")}}) {
    span_counter c(read_tags(names), rule);
    for (std::size_t i = 0; i < labels.size(); ++i) c.add(predicted[i], labels[i]);
    INFO(name);
    const auto want = [&](const char* what) { return Approx(text_support::file().number("tags." + name + "." + what)).epsilon(1e-12); };
    CHECK(c.scores().total().precision() == want("precision"));
    CHECK(c.scores().total().recall() == want("recall"));
    CHECK(c.scores().micro_f1() == want("micro"));
    CHECK(c.scores().macro_f1() == want("macro"));
  }
}
