// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/method/hide_tokens.hpp"

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::index_t;

namespace {
constexpr std::int32_t mask = 99;
/// What of a step's scope the draws read.
template <class B>
struct small_scope {
  px::context<B, float> ctx;
  px::step_inputs* inputs;
};
struct found {
  std::vector<std::int32_t> shown, place, owner, token;
  friend bool operator==(const found&, const found&) = default;
};
template <class B = px::backend::reference, class... A>
found hide(const px::method::token_batch& in, index_t count, std::uint64_t seed, std::uint64_t step, A... a) {
  B be(a...);
  alignas(64) static std::byte block[1 << 16];
  px::workspace memory(block, sizeof block);
  px::comm::null alone;
  px::step_inputs inputs{};
  inputs.seed = seed;
  inputs.step = step;
  const small_scope<B> s{{&be, &memory, &alone, &inputs}, &inputs};
  const auto h = px::method::hide_tokens(s, in, count, mask);
  const auto all = [](const px::tensor_view<std::int32_t>& v) { return std::vector<std::int32_t>(v.data, v.data + v.size()); };
  return {all(h.shown), all(h.place), all(h.owner), all(h.token)};
}
struct samples {
  std::vector<std::int32_t> tokens, lengths;
  index_t length;
  samples(index_t n, index_t longest) : length(longest) {
    for (index_t b = 0; b < n; ++b) {
      lengths.push_back(static_cast<std::int32_t>(b % (longest + 1)));
      for (index_t t = 0; t < longest; ++t) tokens.push_back(static_cast<std::int32_t>(t < lengths.back() ? 10 * b + t : 100000));
    }
  }
  px::method::token_batch batch() const { return {tokens.data(), lengths.data(), static_cast<index_t>(lengths.size()), length}; }
};
}  // namespace

TEST_CASE("hide_tokens: every slot says what it hid, nothing else changes, padding is -1", "[method][hide_tokens]") {
  const samples s(60, 6);
  const index_t count = 3;
  const found f = hide(s.batch(), count, 1, 0);
  std::vector<std::int32_t> restored = f.shown;
  index_t hidden = 0;
  for (std::size_t slot = 0; slot < f.place.size(); ++slot) {
    const bool empty = f.place[slot] < 0;
    CHECK((f.owner[slot] < 0) == empty);
    CHECK((f.token[slot] < 0) == empty);
    if (empty) continue;
    ++hidden;
    CHECK(f.owner[slot] == static_cast<std::int32_t>(slot) / count);
    CHECK(f.place[slot] / s.length == f.owner[slot]);
    auto& there = restored[static_cast<std::size_t>(f.place[slot])];
    CHECK(there == mask);  // no place is hidden twice
    there = f.token[slot];
  }
  CHECK(hidden > 60);
  for (std::size_t i = 0; i < restored.size(); ++i) {
    const auto b = i / static_cast<std::size_t>(s.length), t = i % static_cast<std::size_t>(s.length);
    CHECK(restored[i] == (static_cast<std::int32_t>(t) < s.lengths[b] ? s.tokens[i] : -1));
  }
}

TEST_CASE("hide_tokens: a function of seed, step and sample on every back end", "[method][hide_tokens]") {
  const samples s(60, 6);
  const found f = hide(s.batch(), 2, 1, 5);
  CHECK(f == hide(s.batch(), 2, 1, 5));
  CHECK_FALSE(f == hide(s.batch(), 2, 2, 5));
  CHECK_FALSE(f == hide(s.batch(), 2, 1, 6));
  for (const int threads : {1, 2, 5}) CHECK(f == hide<px::backend::simd<>>(s.batch(), 2, 1, 5, threads));
  const found fewer = hide(samples(10, 6).batch(), 2, 1, 5);  // a sample does not know how many there are
  CHECK(std::equal(fewer.shown.begin(), fewer.shown.end(), f.shown.begin()));
}

TEST_CASE("hide_tokens: samples without a token and slots for nobody", "[method][hide_tokens]") {
  const samples s(1, 4);  // of length 0
  const found f = hide(s.batch(), 2, 1, 0);
  CHECK(f.shown == std::vector<std::int32_t>(4, -1));
  CHECK(f.place == std::vector<std::int32_t>(2, -1));
  CHECK(hide(samples(5, 4).batch(), 0, 1, 0).place.empty());
}
