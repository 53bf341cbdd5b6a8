// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/rng.hpp"

#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "support/catch.hpp"

namespace rng = pretext::rng;
using rng::counter_type;

// Random123 1.14, tests/kat_vectors, philox4x32-10
static_assert(rng::philox4x32({0, 0, 0, 0}, {0, 0}) == counter_type{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(rng::philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              counter_type{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(rng::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              counter_type{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

namespace {
constexpr rng::key full{.seed = 0x299f31d0a4093822, .sample = 0x1385a308d3, .epoch = 0x198a2e, .occurrence = 0x7344, .view = 0x70, .use = 0x03};
}

TEST_CASE("philox: the published vectors hold at run time too", "[core][rng]") {
  volatile std::uint32_t zero = 0;  // not a constant for the compiler
  CHECK(rng::philox4x32({zero, zero, zero, zero}, {zero, zero}) == counter_type{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
}

TEST_CASE("key: the places of seed, sample, epoch, occurrence, view and purpose in the counter are frozen", "[core][rng][golden]") {
  // The fields above fill exactly the counter and key of Random123's third vector, except the high byte of word 2.
  CHECK(full.block(0x243f6a88) == rng::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}));
  CHECK(full.block(0x243f6a88) == counter_type{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  CHECK(rng::key{}.block(0) == counter_type{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
}

TEST_CASE("key: every field changes the draw, and what is beyond its width wraps as said", "[core][rng]") {
  std::set<counter_type> seen{full.block(1), full.block(2)};
  const auto with = [&](auto&& change) {
    rng::key k = full;
    change(k);
    seen.insert(k.block(1));
  };
  with([](auto& k) { k.seed ^= 1; });
  with([](auto& k) { k.seed ^= std::uint64_t{1} << 63; });
  with([](auto& k) { k.sample ^= 1; });
  with([](auto& k) { k.sample ^= std::uint64_t{1} << 39; });
  with([](auto& k) { k.epoch ^= 1; });
  with([](auto& k) { k.epoch ^= 1u << 23; });
  with([](auto& k) { k.occurrence ^= 1; });
  with([](auto& k) { k.occurrence ^= 1u << 15; });
  with([](auto& k) { k.view ^= 0x80; });
  with([](auto& k) { k.use ^= 0x80; });
  CHECK(seen.size() == 12);
  with([](auto& k) { k.epoch ^= 1u << 24; });
  with([](auto& k) { k.sample ^= std::uint64_t{1} << 40; });
  seen.insert(full.block(1));
  CHECK(seen.size() == 12);
}

TEST_CASE("key: purposes have the numbers they were given once", "[core][rng][golden]") {
  const auto number = [](rng::purpose p, unsigned step = 0) { return static_cast<int>(rng::key{}.with_purpose(p, step).use); };
  CHECK(number(rng::purpose::initialise) == 0);
  CHECK(number(rng::purpose::shuffle) == 1);
  CHECK(number(rng::purpose::split) == 2);
  CHECK(number(rng::purpose::augment) == 16);
  CHECK(number(rng::purpose::augment, 111) == 127);
  CHECK(number(rng::purpose::dropout) == 128);
  CHECK(number(rng::purpose::noise) == 129);
  CHECK(number(rng::purpose::corrupt) == 130);
  CHECK(number(rng::purpose::synthetic) == 131);
  CHECK(number(rng::purpose::probe) == 132);
  CHECK(number(rng::purpose::user) == 192);
  CHECK(rng::key{}.with_sample(7).sample == 7);
  CHECK(rng::key{}.with_view(3).view == 3);
}

TEST_CASE("stream: the words of the blocks in order, and a copy replays them", "[core][rng]") {
  rng::stream s(full);
  std::vector<std::uint32_t> drawn;
  for (int i = 0; i < 4; ++i) drawn.push_back(s.bits());
  rng::stream copy = s;
  for (int i = 0; i < 7; ++i) drawn.push_back(s.bits());
  for (std::uint32_t i = 0; i < 11; ++i) CHECK(drawn[i] == full.block(i / 4)[i % 4]);
  for (std::size_t i = 4; i < 11; ++i) CHECK(copy.bits() == drawn[i]);
  rng::stream wide(full);
  CHECK(wide.bits64() == (drawn[0] | std::uint64_t{drawn[1]} << 32));
}

TEST_CASE("stream: uniform numbers lie in their range, with the mean and variance they should have", "[core][rng]") {
  rng::stream s(rng::key{.seed = 5});
  constexpr int n = 1 << 16;
  double sum = 0, squares = 0, low = 1, high = 0;
  for (int i = 0; i < n; ++i) {
    const double u = static_cast<double>(s.uniform());
    REQUIRE((u >= 0 && u < 1));
    REQUIRE(u * 0x1p24 == std::floor(u * 0x1p24));
    sum += u;
    squares += u * u;
    low = std::min(low, u);
    high = std::max(high, u);
  }
  // five standard errors
  CHECK(std::fabs(sum / n - 0.5) < 5 * std::sqrt(1.0 / 12 / n));
  CHECK(std::fabs(squares / n - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / n));
  CHECK(low < 0.001);
  CHECK(high > 0.999);
  for (int i = 0; i < 1000; ++i) {
    const double u = s.uniform(-3, 5);
    REQUIRE((u >= -3 && u < 5));
  }
}

TEST_CASE("stream: below(n) reaches every number and none beyond; accept is exact at 0 and 1", "[core][rng]") {
  rng::stream s(rng::key{.seed = 6});
  std::array<int, 7> count{};
  for (int i = 0; i < 7000; ++i) {
    const std::uint32_t v = s.below(7);
    REQUIRE(v < 7);
    ++count[v];
  }
  for (const int c : count) CHECK(std::abs(c - 1000) < 150);
  for (int i = 0; i < 100; ++i) {
    CHECK(s.below(1) == 0);
    CHECK(s.below(0xFFFFFFFFu) < 0xFFFFFFFFu);
    CHECK(!s.accept(0));
    CHECK(s.accept(1));
  }
  int accepted = 0;
  for (int i = 0; i < 10000; ++i) accepted += s.accept(0.3);
  CHECK(std::abs(accepted - 3000) < 230);
}
