// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/augment/text/hide.hpp"

#include <cmath>
#include <string>

#include "hidden.hpp"
#include "pretext/core/error.hpp"
#include "support/catch.hpp"

using namespace hidden;
namespace choose = pretext::augment::choose;
namespace show = pretext::augment::show;

namespace {

std::string id_of(const auto& f) {
  try {
    f();
  } catch (const pretext::error& e) {
    return e.id();
  }
  return "nothing thrown";
}

/// sum (seen - expected)^2 / expected
double chi_square(const std::vector<double>& seen, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) sum += (seen[i] - expected[i]) * (seen[i] - expected[i]) / expected[i];
  return sum;
}
/// What a chi-square of so many degrees exceeds once in 10,000 draws (Wilson and Hilferty 1931).
double limit(double degrees) {
  const double a = 2 / (9 * degrees);
  return degrees * std::pow(1 - a + 3.719 * std::sqrt(a), 3);
}

}  // namespace

TEST_CASE("token_ids: special tokens are never ordinary, and every ordinary one can be drawn", "[augment][text]") {
  constexpr au::token_ids few(10, 3, {7, 0, 3, 9});
  STATIC_REQUIRE(few.fixed_count == 4);
  std::vector<int> seen(10);
  for (std::uint64_t i = 0; i < 6144; ++i) ++seen[static_cast<std::size_t>(few.drawn(static_cast<std::uint32_t>((i << 32) / 6144 + 1)))];
  CHECK(seen == std::vector<int>{0, 1024, 1024, 0, 1024, 1024, 1024, 0, 1024, 0});
  for (const std::int32_t t : {-5, -1, 0, 3, 7, 9, 10, 4000}) CHECK_FALSE(few.ordinary(t));
  for (const std::int32_t t : {1, 2, 4, 8}) CHECK(few.ordinary(t));
  CHECK(few.drawn(0) == 1);
  CHECK(few.drawn(0xFFFFFFFFu) == 8);
}

TEST_CASE("token_ids: wrong vocabularies are refused", "[augment][text]") {
  CHECK(id_of([] { au::token_ids(10, 10); }) == "augment.301");
  CHECK(id_of([] { au::token_ids(10, -1, {-2}); }) == "augment.301");
  CHECK(id_of([] { au::token_ids(2, 0, {1}); }) == "augment.301");
  CHECK(id_of([] { au::token_ids(0, -1); }) == "augment.301");
  CHECK(id_of([] { au::token_ids(50, 8, {0, 1, 2, 3, 4, 5, 6, 7, 9}); }) == "augment.301");
  CHECK(au::token_ids(50, 8, {0, 1, 2, 3, 4, 5, 6, 7, 8, 0}).fixed_count == 9);
  CHECK(id_of([] { au::check_corruption(au::bert_masking{}, au::token_ids{}); }) == "augment.301");
  CHECK(id_of([] { au::check_corruption(au::bert_masking{}, au::token_ids(10, -1)); }) == "augment.302");
  CHECK(id_of([] { au::check_corruption(au::hidden_embeddings{}, au::token_ids(10, -1)); }) == "nothing thrown");
  CHECK(id_of([] { au::check_corruption(au::bert_masking{.choose = {.share = 1.5f}}, ids); }) == "augment.203");
  CHECK(id_of([] { au::check_corruption(au::bert_masking{.show = {.mask = 0.8f, .random = 0.3f}}, ids); }) == "augment.203");
  CHECK(id_of([] { au::check_corruption(au::span_masking{.choose = {.longest = 0}}, ids); }) == "augment.203");
}

TEST_CASE("bert_masking: 15 % of the ordinary tokens to the nearest, at least one, in every size", "[augment][text]") {
  const au::bert_masking policy;
  for (const int n : {0, 1, 2, 3, 6, 7, 9, 10, 13, 31, 100, 257, 512, 4097}) {
    const auto tokens = sentence(n);
    const auto exact = 0.15 * n;
    for (std::uint64_t sample = 0; sample < 5; ++sample) {
      const row r = corrupt(policy, tokens, key(sample));
      INFO(n);
      CHECK(r.count == (n == 0 ? 0 : std::max(1, static_cast<int>(std::floor(exact + 0.5000001)))));
      CHECK(r.count <= policy.capacity(static_cast<index_t>(tokens.size())));
    }
  }
  CHECK(policy.capacity(0) == 0);
  CHECK(policy.capacity(1) == 1);
  CHECK(policy.capacity(512) == 77);
  const au::bert_masking none{.choose = {.share = 0.0f}}, all{.choose = {.share = 1.0f}};
  CHECK(corrupt(none, sentence(40), key(0)).count == 0);
  CHECK(corrupt(all, sentence(40), key(0)).count == 40);
}

TEMPLATE_TEST_CASE("corruptions: special tokens stay, places ascend, and what is listed is what is gone", "[augment][text]", au::bert_masking,
                   au::whole_word_masking, au::span_masking, au::hidden_embeddings, au::random_replacement, au::electra_input) {
  const TestType policy;
  std::vector<std::uint8_t> starts;
  for (int i = 0; i < 66; ++i) starts.push_back(i % 3 != 1);
  auto tokens = sentence(64);
  tokens[10] = mask, tokens[11] = pad, tokens[40] = 5000, tokens[41] = -1;  // none of them may be hidden
  for (std::uint64_t sample = 0; sample < 200; ++sample) {
    const row r = corrupt(policy, tokens, key(sample), starts);
    CHECK(r.count == 9);
    std::vector<std::int32_t> restored = r.shown;
    std::int32_t before = -1;
    for (std::size_t k = 0; k < r.place.size(); ++k) {
      CHECK(r.place[k] > before);
      before = r.place[k];
      CHECK(ids.ordinary(r.token[k]));
      const std::int32_t there = r.shown[static_cast<std::size_t>(before)];
      CHECK((there == -1 || there == mask || ids.ordinary(there)));
      restored[static_cast<std::size_t>(before)] = r.token[k];
    }
    CHECK(restored == tokens);
  }
  // nothing, one token, only special ones
  CHECK(corrupt(policy, {}, key(0)).count == 0);
  CHECK(corrupt(policy, {cls, sep, pad, pad}, key(0)).count == 0);
  CHECK(corrupt(policy, {cls, sep, pad, pad}, key(0)).shown == std::vector<std::int32_t>{cls, sep, pad, pad});
  const row one = corrupt(policy, {500}, key(0));
  CHECK(one.count == 1);
  CHECK(one.place == std::vector<std::int32_t>{0});
  CHECK(one.token == std::vector<std::int32_t>{500});
}

TEMPLATE_TEST_CASE("corruptions: a function of seed, epoch and sample, drawn anew for each", "[augment][text]", au::bert_masking,
                   au::whole_word_masking, au::span_masking, au::hidden_embeddings, au::random_replacement, au::electra_input) {
  const TestType policy;
  const auto tokens = sentence(100);
  CHECK(corrupt(policy, tokens, key(3, 5)) == corrupt(policy, tokens, key(3, 5)));
  CHECK_FALSE(corrupt(policy, tokens, key(3, 5)) == corrupt(policy, tokens, key(3, 6)));
  CHECK_FALSE(corrupt(policy, tokens, key(3, 5)) == corrupt(policy, tokens, key(4, 5)));
  CHECK_FALSE(corrupt(policy, tokens, key(3, 5, 1)) == corrupt(policy, tokens, key(3, 5, 2)));
  // Over the epochs every token is hidden some time.
  std::vector<int> hidden(tokens.size());
  for (std::uint32_t epoch = 0; epoch < 200; ++epoch)
    for (const std::int32_t t : corrupt(policy, tokens, key(3, epoch)).place) ++hidden[static_cast<std::size_t>(t)];
  for (std::size_t t = 1; t + 1 < hidden.size(); ++t) CHECK(hidden[t] > 0);
}

TEST_CASE("choose::tokens: every set of places is equally likely", "[augment][text]") {
  const au::electra_input policy{.choose = {.share = 0.4f}};  // 2 of 5: ten sets
  std::vector<double> seen(25);
  constexpr int draws = 20000;
  for (std::uint64_t sample = 0; sample < draws; ++sample) {
    const row r = corrupt(policy, {200, 201, 202, 203, 204}, key(sample));
    REQUIRE(r.count == 2);
    ++seen[static_cast<std::size_t>(5 * r.place[0] + r.place[1])];
  }
  std::erase(seen, 0.0);
  REQUIRE(seen.size() == 10);
  CHECK(chi_square(seen, std::vector<double>(10, draws / 10.0)) < limit(9));
}

TEST_CASE("show::mixture: 80 % masks, 10 % random, 10 % as they were", "[augment][text]") {
  std::vector<double> seen(3), drawn(words);
  double all = 0;
  const auto tokens = sentence(200);
  for (std::uint64_t sample = 0; sample < 1000; ++sample) {
    const row r = corrupt(au::bert_masking{}, tokens, key(sample));
    for (std::size_t k = 0; k < r.place.size(); ++k) {
      const std::int32_t there = r.shown[static_cast<std::size_t>(r.place[k])];
      ++seen[there == mask ? 0 : there == r.token[k] ? 1 : 2];
      ++all;
    }
  }
  const double same = 0.1 / (words - 4);  // a random token that is the one which stood there
  CHECK(chi_square(seen, {0.8 * all, (0.1 + same) * all, (0.1 - same) * all}) < limit(2));
  // Random tokens are uniform over the ordinary ones.
  const au::token_ids small(12, 0, {5, 11});
  std::vector<double> counts(12);
  for (std::uint64_t sample = 0; sample < 9000; ++sample)
    ++counts[static_cast<std::size_t>(corrupt(au::random_replacement{}, {3}, key(sample), {}, small).shown[0])];
  CHECK(counts[0] + counts[5] + counts[11] == 0);
  std::erase(counts, 0.0);
  REQUIRE(counts.size() == 9);
  CHECK(chi_square(counts, std::vector<double>(9, 1000.0)) < limit(8));
}

TEST_CASE("hidden_embeddings, electra_input: nothing and masks are shown", "[augment][text]") {
  const auto tokens = sentence(50);
  for (std::uint64_t sample = 0; sample < 20; ++sample) {
    const row none = corrupt(au::hidden_embeddings{}, tokens, key(sample)), masks = corrupt(au::electra_input{}, tokens, key(sample));
    CHECK(none.place == masks.place);  // the choice does not depend on what is shown
    for (const std::int32_t t : none.place) CHECK(none.shown[static_cast<std::size_t>(t)] == -1);
    for (const std::int32_t t : masks.place) CHECK(masks.shown[static_cast<std::size_t>(t)] == mask);
  }
}

TEST_CASE("whole_words: a word is hidden with all its tokens, and only what does not fit is left", "[augment][text]") {
  const au::hide<choose::whole_words, show::mask> policy{.choose = {.share = 0.3f}};
  // Words of 1, 3, 2, 1, 4, 1, 1 tokens; [SEP] inside ends a word although nothing starts after it.
  const std::vector<std::int32_t> tokens{cls, 200, 201, 202, 203, 204, 205, 206, sep, 207, 208, 209, 210, 211, 212, sep};
  const std::vector<std::uint8_t> starts{1, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1};
  const std::vector<std::vector<std::int32_t>> whole{{1}, {2, 3, 4}, {5, 6}, {7}, {9, 10, 11, 12}, {13}, {14}};
  std::vector<double> first(7);
  for (std::uint64_t sample = 0; sample < 2000; ++sample) {
    const row r = corrupt(policy, tokens, key(sample), starts);
    const int wanted = 4;  // 0.3 of 13
    CHECK(r.count <= wanted);
    std::size_t at = 0;
    for (std::size_t w = 0; w < whole.size(); ++w) {
      const bool in = at < r.place.size() && r.place[at] == whole[w][0];
      if (in) {
        REQUIRE(at + whole[w].size() <= r.place.size());
        for (const std::int32_t t : whole[w]) CHECK(r.place[at++] == t);
        ++first[w];
      } else {
        CHECK(static_cast<int>(whole[w].size()) > wanted - r.count);  // it would not have fitted
      }
    }
    CHECK(at == r.place.size());
  }
  for (const double n : first) CHECK(n > 100);
  // A word longer than what may be hidden: nothing is.
  CHECK(corrupt(policy, {200, 201, 202}, key(1), {1, 0, 0}).count == 0);
  // Without starts every token is a word.
  CHECK(corrupt(policy, sentence(20), key(1)).count == 6);
}

TEST_CASE("spans: lengths are geometric, cut at ten, 3.8 words on average", "[augment][text]") {
  const choose::spans s;
  pretext::rng::stream draw(key(7));
  std::vector<double> seen(10), expected(10);
  constexpr int draws = 50000;
  double mean = 0, sum = 0;
  for (int i = 0; i < draws; ++i) {
    const int n = s.length(draw);
    REQUIRE(n >= 1);
    REQUIRE(n <= 10);
    ++seen[static_cast<std::size_t>(n - 1)];
    mean += n / static_cast<double>(draws);
  }
  for (int k = 0; k < 10; ++k) sum += expected[static_cast<std::size_t>(k)] = std::pow(0.8, k);
  for (double& e : expected) e *= draws / sum;
  CHECK(chi_square(seen, expected) < limit(9));
  CHECK(mean == Approx(3.797).margin(0.05));
  CHECK(choose::spans{.p = 1.0f}.length(draw) == 1);
  CHECK(choose::spans{.longest = 1}.length(draw) == 1);
}

TEST_CASE("spans: runs begin with words, are cut where the share is reached, and share their fate", "[augment][text]") {
  const au::span_masking policy;
  const auto tokens = sentence(400);
  std::vector<std::uint8_t> starts(tokens.size());
  for (std::size_t t = 0; t < starts.size(); ++t) starts[t] = t % 4 == 1;
  double runs = 0, begun = 0, hidden = 0, masked_neighbours = 0, neighbours = 0;
  for (std::uint64_t sample = 0; sample < 300; ++sample) {
    const row r = corrupt(policy, tokens, key(sample), starts);
    REQUIRE(r.count == 60);
    for (std::size_t k = 0; k < r.place.size(); ++k, ++hidden) {
      const auto t = static_cast<std::size_t>(r.place[k]);
      if (k == 0 || r.place[k - 1] != r.place[k] - 1) {
        ++runs;
        begun += starts[t];
      } else if (!starts[t]) {  // one word, one span: one fate
        ++neighbours;
        masked_neighbours += (r.shown[t] == mask) == (r.shown[t - 1] == mask);
      }
    }
  }
  CHECK(begun == runs);
  CHECK(masked_neighbours == neighbours);
  CHECK(hidden / runs > 8);  // 3.8 words of 4 tokens, neighbours joined, the last one cut
}

TEST_CASE("corruptions: the tokens hidden under fixed keys are frozen", "[augment][text]") {
  // Changing any of these changes every run that was ever started.
  const std::vector<std::uint8_t> starts{1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1};
  const auto tokens = sentence(20);
  const auto places = [&](const auto& policy) { return corrupt(policy, tokens, key(11, 2, 42), starts).place; };
  using list = std::vector<std::int32_t>;
  CHECK(places(au::bert_masking{.choose = {.share = 0.25f}}) == list{2, 5, 8, 11, 13});
  CHECK(places(au::whole_word_masking{.choose = {.share = 0.25f}}) == list{3, 7, 15, 16, 17});
  CHECK(places(au::span_masking{.choose = {.share = 0.25f}}) == list{1, 2, 3, 18, 19});
  const row r = corrupt(au::bert_masking{.choose = {.share = 1.0f}, .show = {.mask = 0.4f, .random = 0.3f}}, tokens, key(11, 2, 42));
  CHECK(r.shown == list{101, 143, 103, 202, 203, 103, 103, 206, 796, 378, 103, 912, 579, 956, 213, 761, 215, 103, 217, 865, 169, 102});
}
