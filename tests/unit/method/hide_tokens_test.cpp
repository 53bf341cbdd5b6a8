// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/method/hide_tokens.hpp"

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::index_t;

namespace au = px::augment;

namespace {
constexpr std::int32_t mask = 99;
constexpr au::token_ids ids(1000, mask, {0});
/// What of a step's scope the draws read.
template <class B>
struct small_scope {
  px::context<B, float> ctx;
  px::step_inputs* inputs;
};
struct found {
  std::vector<std::int32_t> shown, place, owner, token, count;
  friend bool operator==(const found&, const found&) = default;
};
struct when {
  std::uint64_t seed = 1, epoch = 0, step = 0;
};
template <class B = px::backend::reference, class P, class... A>
found hide(const px::method::token_batch& in, const P& policy, const when& w, A... a) {
  B be(a...);
  alignas(64) static std::byte block[1 << 17];
  px::workspace memory(block, sizeof block);
  px::comm::null alone;
  px::step_inputs inputs{};
  inputs.seed = w.seed, inputs.epoch = w.epoch, inputs.step = w.step;
  const small_scope<B> s{{&be, &memory, &alone, &inputs}, &inputs};
  const auto h = px::method::hide_tokens(s, policy, ids, in);
  const auto all = [](const px::tensor_view<std::int32_t>& v) { return std::vector<std::int32_t>(v.data, v.data + v.size()); };
  return {all(h.shown), all(h.place), all(h.owner), all(h.token), all(h.count)};
}
/// Samples of 0, 1, ... tokens; what lies behind them is an id of nothing.
struct samples {
  std::vector<std::int32_t> tokens, lengths;
  std::vector<std::uint64_t> numbers;
  index_t length;
  samples(index_t n, index_t longest) : length(longest) {
    for (index_t b = 0; b < n; ++b) {
      lengths.push_back(static_cast<std::int32_t>(b % (longest + 1)));
      numbers.push_back(static_cast<std::uint64_t>(1000 + 7 * b));
      for (index_t t = 0; t < longest; ++t) tokens.push_back(static_cast<std::int32_t>(t < lengths.back() ? 100 + 10 * b + t : 100000));
    }
  }
  px::method::token_batch batch() const { return {tokens.data(), lengths.data(), static_cast<index_t>(lengths.size()), length}; }
  px::method::token_batch numbered() const {
    px::method::token_batch b = batch();
    b.ids = numbers.data();
    return b;
  }
};
const au::bert_masking third{.choose = {.share = 0.34f}};
const au::electra_input masks{.choose = {.share = 0.34f}};
}  // namespace

TEST_CASE("hide_tokens: the first slots say what was hidden, nothing else changes, padding is -1", "[method][hide_tokens]") {
  const samples s(60, 6);
  const found f = hide(s.batch(), masks, {});
  REQUIRE(f.place.size() == 60 * 2);
  const auto count = static_cast<std::size_t>(f.count[0]);
  CHECK(count == 60 / 7 * (0 + 1 + 1 + 1 + 1 + 2 + 2) + (0 + 1 + 1 + 1));
  std::vector<std::int32_t> restored = f.shown;
  for (std::size_t slot = 0; slot < f.place.size(); ++slot) {
    const bool used = slot < count;
    CHECK((f.owner[slot] >= 0) == used);
    CHECK((f.token[slot] >= 0) == used);
    CHECK((f.place[slot] >= 0) == used);
    if (!used) continue;
    CHECK(f.place[slot] / s.length == f.owner[slot]);
    if (slot > 0) CHECK(f.place[slot] > f.place[slot - 1]);
    auto& there = restored[static_cast<std::size_t>(f.place[slot])];
    CHECK(there == mask);
    there = f.token[slot];
  }
  for (std::size_t i = 0; i < restored.size(); ++i) {
    const auto b = i / static_cast<std::size_t>(s.length), t = i % static_cast<std::size_t>(s.length);
    CHECK(restored[i] == (static_cast<std::int32_t>(t) < s.lengths[b] ? s.tokens[i] : -1));
  }
}

TEST_CASE("hide_tokens: without ids a function of seed, step and place in the batch, on every back end", "[method][hide_tokens]") {
  const samples s(60, 6);
  const found f = hide(s.batch(), third, {.step = 5});
  CHECK(f == hide(s.batch(), third, {.step = 5}));
  CHECK_FALSE(f == hide(s.batch(), third, {.seed = 2, .step = 5}));
  CHECK_FALSE(f == hide(s.batch(), third, {.step = 6}));
  for (const int threads : {1, 2, 5}) CHECK(f == hide<px::backend::simd<>>(s.batch(), third, {.step = 5}, threads));
}

TEST_CASE("hide_tokens: with ids a sample is hidden alike at any step and place in a batch, and anew every epoch", "[method][hide_tokens]") {
  const samples s(60, 6);
  const found f = hide(s.numbered(), third, {.epoch = 3, .step = 5});
  CHECK(f == hide(s.numbered(), third, {.epoch = 3, .step = 9}));
  CHECK_FALSE(f == hide(s.numbered(), third, {.epoch = 4, .step = 5}));
  for (const int threads : {1, 3}) CHECK(f == hide<px::backend::simd<>>(s.numbered(), third, {.epoch = 3}, threads));
  samples back = s;  // the same samples in another order
  const auto row = [&](const std::vector<std::int32_t>& v, index_t b) {
    return std::vector<std::int32_t>(v.begin() + b * s.length, v.begin() + (b + 1) * s.length);
  };
  for (index_t b = 0; b < 60; ++b) {
    const auto to = static_cast<std::size_t>(b), from = static_cast<std::size_t>(59 - b);
    back.lengths[to] = s.lengths[from], back.numbers[to] = s.numbers[from];
    for (std::size_t t = 0; t < 6; ++t) back.tokens[6 * to + t] = s.tokens[6 * from + t];
  }
  const found g = hide(back.numbered(), third, {.epoch = 3});
  for (index_t b = 0; b < 60; ++b) CHECK(row(g.shown, b) == row(f.shown, 59 - b));
  CHECK(g.count == f.count);
}

TEST_CASE("hide_tokens: words are hidden whole where the batch says where they begin", "[method][hide_tokens]") {
  samples s(8, 7);
  std::vector<std::uint8_t> starts;
  for (std::size_t i = 0; i < s.tokens.size(); ++i) starts.push_back(i % 7 % 2 == 0);
  px::method::token_batch in = s.batch();
  in.starts = starts.data();
  const found f = hide(in, au::hide<au::choose::whole_words, au::show::nothing>{.choose = {.share = 0.5f}}, {});
  CHECK(f.count[0] > 8);
  for (std::size_t slot = 0; slot < static_cast<std::size_t>(f.count[0]); ++slot) {
    const auto t = f.place[slot] % 7, b = f.place[slot] / 7;
    const auto partner = t % 2 == 0 ? t + 1 : t - 1;
    if (partner < s.lengths[static_cast<std::size_t>(b)]) CHECK(f.shown[static_cast<std::size_t>(7 * b + partner)] == -1);
  }
}

TEST_CASE("hide_tokens: samples without a token, a share of nothing, and a vocabulary without a mask", "[method][hide_tokens]") {
  const samples s(1, 4);  // of length 0
  const found f = hide(s.batch(), third, {});
  CHECK(f.shown == std::vector<std::int32_t>(4, -1));
  CHECK(f.place == std::vector<std::int32_t>(1, -1));
  CHECK(f.count[0] == 0);
  CHECK(hide(samples(5, 4).batch(), au::bert_masking{.choose = {.share = 0.0f}}, {}).place.empty());
  CHECK_THROWS_WITH(hide(s.batch(), au::bert_masking{.choose = {.share = 2.0f}}, {}), Catch::Contains("pretext[augment.203]"));
}
