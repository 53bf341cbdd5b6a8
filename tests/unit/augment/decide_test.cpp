// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/augment/detail/decide.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

using namespace pretext;
using namespace pretext::augment::detail;

TEST_CASE("decide: logarithms in fixed point are those of the C library", "[augment][decide]") {
  for (std::uint64_t x : {1ull, 2ull, 3ull, 7ull, 1000ull, 50176ull, 16777215ull, 1ull << 47}) {
    const double got = std::ldexp(static_cast<double>(log2_q32(x, 0)), -32);
    // 32 bits behind the point, the last cut off.
    CHECK(std::fabs(got - std::log2(static_cast<double>(x))) <= std::ldexp(1.0, -31));
  }
  CHECK(log2_q32(std::uint64_t{1} << 20, 0) == q32{20} << 32);
  CHECK(log2_q32(std::uint64_t{3} << 30, 32) == log2_q32(3, 2));
  CHECK(std::ldexp(static_cast<double>(log2_q32(1, 32)), -32) == -32.0);
}

TEST_CASE("decide: powers of two round to the nearest integer", "[augment][decide]") {
  for (double x : {-0.9, -0.3, 0.0, 0.4, 0.6, 1.0, 4.9, 7.77, 15.3, 23.99}) {
    INFO(x);
    CHECK(exp2_rounded(to_q32(x)) == std::llround(std::exp2(x)));
  }
  CHECK(exp2_rounded(-(q32_one * 2)) == 0);
  CHECK(exp2_rounded(q32_one * 24) == 1 << 24);
  for (std::int64_t side = 1; side < 5000; ++side) {  // the root of a square is exact
    const q32 area = log2_q32(static_cast<std::uint64_t>(side * side), 0);
    if (exp2_rounded(area / 2) != side) FAIL("side " << side << " became " << exp2_rounded(area / 2));
  }
}

TEST_CASE("decide: the high half of a product is exact", "[augment][decide]") {
  CHECK(multiply_high(~0ull, ~0ull) == ~0ull - 1);
  CHECK(multiply_high(1ull << 63, 2) == 1);
  CHECK(multiply_high(0x123456789ABCDEF0ull, 0x0FEDCBA987654321ull) == 0x0121FA00AD77D742ull);
}

TEST_CASE("decide: uniform draws stay in their range and fill it", "[augment][decide]") {
  rng::stream draws(rng::key{3});
  const q32 low = to_q32(-2.5), high = to_q32(7.25);
  double sum = 0.0, least = 100.0, most = -100.0;
  for (int i = 0; i < 20000; ++i) {
    const q32 x = uniform_q32(draws, low, high);
    REQUIRE((x >= low && x < high));
    const double v = static_cast<double>(to_float(x));
    sum += v;
    least = std::fmin(least, v);
    most = std::fmax(most, v);
  }
  CHECK(sum / 20000 == Approx(2.375).margin(5 * 9.75 / std::sqrt(12.0 * 20000)));
  CHECK(least < -2.49);
  CHECK(most > 7.24);
  CHECK(uniform_q32(draws, high, low) == high);
}

TEST_CASE("decide: numbers that are no settings are cut, not undefined", "[augment][decide]") {
  CHECK(to_q32(std::numeric_limits<double>::quiet_NaN()) == -(q32_one << 30));
  CHECK(to_q32(1e300) == q32_one << 30);
  CHECK(to_q32(-std::numeric_limits<double>::infinity()) == -(q32_one << 30));
  CHECK(round_q32(to_q32(-0.5)) == 0);
  CHECK(round_q32(to_q32(2.5)) == 3);
}

static_assert(exp2_rounded(log2_q32(224, 0)) == 224, "works in constant evaluation");
