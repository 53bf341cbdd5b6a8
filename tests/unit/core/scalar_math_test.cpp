// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/scalar_math.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

using M = pretext::scalar_math;

static_assert(M::max(2, 3) == 3 && M::max(3, 2) == 3 && M::min(2, 3) == 2 && M::min(3, 2) == 2);
static_assert(M::select(true, 1, 2) == 1 && M::select(false, 1, 2) == 2);

namespace {
/// Found by argument-dependent lookup: a functor works on numbers of a user's own.
struct dual {
  double v;
};
[[maybe_unused]] dual exp(const dual& x) { return {100 + x.v}; }
}  // namespace

TEST_CASE("scalar_math: the functions of <cmath> in the type of the argument", "[core][scalar_math]") {
  CHECK(M::exp(1.0) == std::exp(1.0));
  CHECK(M::log(2.0f) == std::log(2.0f));
  CHECK(M::tanh(0.3) == std::tanh(0.3));
  CHECK(M::erf(0.3f) == std::erf(0.3f));
  CHECK(M::sqrt(2.0) == std::sqrt(2.0));
  static_assert(std::is_same_v<decltype(M::exp(1.0f)), float>);
}

TEST_CASE("scalar_math: a NaN as second argument comes through max and min, as first it does not", "[core][scalar_math]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(M::max(0.0, nan)));
  CHECK(std::isnan(M::min(0.0, nan)));
  CHECK(M::max(nan, 0.0) == 0.0);
  CHECK(M::min(nan, 0.0) == 0.0);
  CHECK(M::max(-std::numeric_limits<double>::infinity(), -1.0) == -1.0);
}

TEST_CASE("scalar_math: numbers of a user's own are found by lookup", "[core][scalar_math]") {
  CHECK(M::exp(dual{1}).v == 101);
}
