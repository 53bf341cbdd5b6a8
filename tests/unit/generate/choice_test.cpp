// SPDX-License-Identifier: BSD-3-Clause
// The example of docs/policies/choice.md stands between the marks.
// [doc:own_choice]
#include "pretext/generate/choice.hpp"

/// The most likely token that is not the end, until the text is long enough; the step is the key's epoch.
struct long_greedy {
  std::int32_t end = 0;
  std::uint32_t least = 10;

  static constexpr const char* name = "long_greedy";
  pretext::index_t scratch_floats(pretext::index_t) const { return 0; }
  std::int32_t choose(pretext::rng::key key, pretext::generate::logit_row logits, float*) const {
    std::int32_t best = -1;
    for (std::int32_t i = 0; i < logits.size; ++i)
      if ((i != end || key.epoch >= least) && (best < 0 || logits.values[i] > logits.values[best])) best = i;
    return best;
  }
};
// [/doc:own_choice]

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "pretext/backend/context.hpp"
#include "pretext/backend/reference/reference.hpp"
#include "pretext/comm/null.hpp"
#include "pretext/core/order.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace ge = pretext::generate;
using px::index_t;

namespace {
constexpr float inf = std::numeric_limits<float>::infinity(), no_number = std::numeric_limits<float>::quiet_NaN();

template <class P>
std::int32_t choose(const P& p, const std::vector<float>& logits, std::uint64_t sample = 0, std::uint64_t step = 0, std::uint64_t seed = 1) {
  std::vector<float> scratch(static_cast<std::size_t>(p.scratch_floats(static_cast<index_t>(logits.size()))));
  return p.choose(ge::choice_key(seed, sample, step), {logits.data(), static_cast<index_t>(logits.size())}, scratch.data());
}
std::vector<double> frequencies(const ge::sampling& p, const std::vector<float>& logits, int draws) {
  std::vector<double> seen(logits.size());
  for (int i = 0; i < draws; ++i) ++seen[static_cast<std::size_t>(choose(p, logits, static_cast<std::uint64_t>(i)))];
  return seen;
}
/// What the restrictions leave, by sorting, in double.
std::vector<double> probabilities(const ge::sampling& p, const std::vector<float>& logits) {
  const std::vector<std::size_t> order = px::sorted_order(logits.size(), [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  std::vector<double> weight(logits.size());
  const std::size_t kept = p.top_k > 0 ? std::min(order.size(), static_cast<std::size_t>(p.top_k.value())) : order.size();
  double all = 0, sum = 0, rest = 0;
  for (std::size_t i = 0; i < kept; ++i)
    all += weight[order[i]] = std::exp((static_cast<double>(logits[order[i]]) - static_cast<double>(logits[order[0]])) / static_cast<double>(p.temperature.value()));
  for (std::size_t i = 0; i < kept; ++i) {
    if (p.top_p < 1 && sum >= static_cast<double>(p.top_p.value()) * all && i > 0) weight[order[i]] = 0;
    sum += weight[order[i]];
    rest += weight[order[i]];
  }
  for (double& w : weight) w /= rest;
  return weight;
}
/// Chi-square of draws against probabilities; whether it is one that a right sampler exceeds once in 10,000 runs.
bool too_far(const std::vector<double>& seen, const std::vector<double>& p, int draws) {
  double sum = 0, degrees = -1;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0) {
      if (seen[i] > 0) return true;
      continue;
    }
    const double want = p[i] * draws;
    sum += (seen[i] - want) * (seen[i] - want) / want;
    ++degrees;
  }
  if (degrees < 1) return false;
  const double a = 2 / (9 * degrees);  // Wilson and Hilferty 1931
  return sum > degrees * std::pow(1 - a + 3.719 * std::sqrt(a), 3);
}
std::vector<float> some_logits(std::size_t n, std::uint64_t seed, float width) {
  px::rng::stream draw(px::rng::key{.seed = seed});
  std::vector<float> v(n);
  for (float& x : v) x = width * draw.uniform();
  return v;
}
std::string id_of(const auto& f) {
  try {
    f();
  } catch (const px::error& e) {
    return e.id();
  }
  return "nothing thrown";
}
}  // namespace

TEST_CASE("greedy: the largest, of equals the first, never what is no number", "[generate]") {
  CHECK(choose(ge::greedy{}, {1, 3, 2, 3}) == 1);
  CHECK(choose(ge::greedy{}, {no_number, -5, no_number, -4}) == 3);
  CHECK(choose(ge::greedy{}, {-inf, -inf}) == 0);
  CHECK(choose(ge::greedy{}, {no_number}) == -1);
  CHECK(choose(ge::greedy{}, {}) == -1);
}

TEST_CASE("falling_power: 2^-x to 2^-30, falling, 0 from 32 on", "[generate]") {
  std::uint32_t before = 0xFFFFFFFFu;
  for (std::uint64_t x = 0; x < (std::uint64_t{33} << 32); x += 0x3456789) {
    const std::uint32_t w = ge::detail::falling_power(x);
    const double want = std::exp2(-static_cast<double>(x) * 0x1p-32) * 4294967296.0;
    if (std::fabs(static_cast<double>(w) - want) > 1 + want * 0x1p-30) FAIL_CHECK(x << " gives " << w << ", not " << want);
    if (w > before) FAIL_CHECK("rises at " << x);
    before = w;
  }
  CHECK(ge::detail::falling_power(0) == 0xFFFFFFFFu);
  CHECK(ge::detail::falling_power(std::uint64_t{1} << 32) == 0x80000000u);
  CHECK(ge::detail::falling_power(~std::uint64_t{0}) == 0);
}

TEST_CASE("sampling: frequencies follow softmax, at any temperature", "[generate]") {
  constexpr int draws = 20000;
  const std::vector<float> logits{0.0f, std::log(2.0f), std::log(3.0f), std::log(4.0f)};  // 1 : 2 : 3 : 4
  const auto seen = frequencies({}, logits, draws);
  CHECK_FALSE(too_far(seen, {0.1, 0.2, 0.3, 0.4}, draws));
  const auto cold = frequencies({.temperature = 0.5f}, logits, draws);  // squares
  CHECK_FALSE(too_far(cold, {1.0 / 30, 4.0 / 30, 9.0 / 30, 16.0 / 30}, draws));
  CHECK(too_far(cold, {0.1, 0.2, 0.3, 0.4}, draws));  // the measure can tell
  for (const float temperature : {0.3f, 1.0f, 2.5f}) {
    const auto many = some_logits(31, 5, 4);
    const ge::sampling p{.temperature = temperature};
    INFO(temperature);
    CHECK_FALSE(too_far(frequencies(p, many, draws), probabilities(p, many), draws));
  }
}

TEST_CASE("sampling: top_k and top_p keep what a sort keeps, alone and together", "[generate]") {
  constexpr int draws = 3000;
  for (const std::size_t n : {1, 7, 13, 31})
    for (const int k : {0, 1, 3, 40})
      for (const float mass : {1.0f, 0.9f, 0.37f, 0.0f}) {
        const auto logits = some_logits(n, n, 5);
        const ge::sampling p{.temperature = 0.8f, .top_k = k, .top_p = mass};
        INFO(n << " " << k << " " << mass);
        CHECK_FALSE(too_far(frequencies(p, logits, draws), probabilities(p, logits), draws));
      }
  // by hand: 0.4 + 0.3 is below 0.75, so the third stays too
  const std::vector<float> logits{std::log(0.1f), std::log(0.2f), std::log(0.3f), std::log(0.4f)};
  const auto seen = frequencies({.top_p = 0.75f}, logits, draws);
  CHECK(seen[0] == 0);
  CHECK_FALSE(too_far(seen, {0, 2.0 / 9, 3.0 / 9, 4.0 / 9}, draws));
}

TEST_CASE("sampling: of equal logits the first are kept", "[generate]") {
  constexpr int draws = 2000;
  const std::vector<float> equal(10, 1.5f);
  CHECK_FALSE(too_far(frequencies({.top_k = 3}, equal, draws), {1 / 3., 1 / 3., 1 / 3., 0, 0, 0, 0, 0, 0, 0}, draws));
  CHECK_FALSE(too_far(frequencies({.top_p = 0.39f}, equal, draws), {.25, .25, .25, .25, 0, 0, 0, 0, 0, 0}, draws));
  CHECK_FALSE(too_far(frequencies({.top_k = 4, .top_p = 0.5f}, equal, draws), {.5, .5, 0, 0, 0, 0, 0, 0, 0, 0}, draws));
}

TEST_CASE("sampling: with one token left it is greedy, and ruled-out tokens never come", "[generate]") {
  for (std::uint64_t s = 0; s < 200; ++s) {
    const auto logits = some_logits(57, s, 3);
    const std::int32_t best = choose(ge::greedy{}, logits);
    CHECK(choose(ge::sampling{.top_k = 1}, logits, s) == best);
    CHECK(choose(ge::sampling{.top_p = 0.0f}, logits, s) == best);
    CHECK(choose(ge::sampling{.temperature = 1e-4f}, logits, s) == best);
    CHECK(choose(ge::sampling{}, {-inf, 0, no_number, -inf, 0}, s) % 3 == 1);
    CHECK(choose(ge::sampling{}, {3, inf, 5}, s) == 1);
    CHECK(choose(ge::sampling{.temperature = 100}, {1e30f, -1e30f}, s) == 0);
  }
  CHECK(choose(ge::sampling{}, {no_number, no_number}) == -1);
  CHECK(choose(ge::sampling{}, {}) == -1);
  CHECK(choose(ge::sampling{}, {-inf, -inf}) == 0);
  CHECK(choose(ge::sampling{}, {7}) == 0);
}

TEST_CASE("sampling: settings that make no sense are refused", "[generate]") {
  const auto check = [](const ge::sampling& p) { return id_of([&] { p.check(); }); };
  CHECK(check({.temperature = 0.0f}) == "generate.101");
  CHECK(check({.temperature = no_number}) == "generate.101");
  CHECK(check({.top_k = -1}) == "generate.101");
  CHECK(check({.top_p = 1.5f}) == "generate.101");
  CHECK(check({.top_p = no_number}) == "generate.101");
  CHECK(check({}) == "nothing thrown");
  CHECK(id_of([] { ge::token_chooser(ge::sampling{.top_k = -1}, px::tensor_view<const float>{nullptr, {1, 4}}, nullptr, 0, 0); }) == "generate.101");
}

TEST_CASE("token_chooser: a function of seed, sample and step, in any batch", "[generate]") {
  constexpr index_t samples = 33, vocabulary = 57;
  const auto logits = some_logits(samples * vocabulary, 9, 4);
  const ge::sampling policy{.top_k = 20, .top_p = 0.95f};
  const auto run = [&](std::uint64_t seed, std::uint64_t step) {
    px::backend::reference be;
    alignas(64) static std::byte block[1 << 16];
    px::workspace memory(block, sizeof block);
    px::comm::null alone;
    std::vector<std::int32_t> chosen(samples, -7);
    const px::context<px::backend::reference, float> ctx{&be, &memory, &alone, nullptr};
    ctx(px::op::for_each_sample, ge::token_chooser(policy, {logits.data(), {samples, vocabulary}}, chosen.data(), seed, step), samples);
    return chosen;
  };
  const auto one = run(3, 8);
  CHECK(one != run(4, 8));
  CHECK(one != run(3, 9));
  for (std::size_t b = 0; b < samples; ++b)
    CHECK(one[b] == choose(policy, {logits.begin() + static_cast<std::ptrdiff_t>(b * vocabulary), logits.begin() + static_cast<std::ptrdiff_t>((b + 1) * vocabulary)}, b, 8, 3));
}

TEST_CASE("sampling: tokens under fixed keys are frozen", "[generate]") {
  const auto logits = some_logits(1000, 2, 6);
  std::vector<std::int32_t> text;
  for (std::uint64_t step = 0; step < 8; ++step) text.push_back(choose(ge::sampling{.top_p = 0.9f}, logits, 1, step, 42));
  CHECK(text == std::vector<std::int32_t>{63, 833, 92, 833, 788, 588, 686, 656});
}

TEST_CASE("choice page: the example does not end early", "[docs][generate]") {
  STATIC_REQUIRE(ge::Choice<long_greedy>);
  STATIC_REQUIRE(ge::Choice<ge::sampling> && ge::Choice<ge::greedy>);
  STATIC_REQUIRE_FALSE(ge::Choice<int>);
  CHECK(choose(long_greedy{}, {9, 1, 2}, 0, 3) == 2);
  CHECK(choose(long_greedy{}, {9, 1, 2}, 0, 10) == 0);
}
