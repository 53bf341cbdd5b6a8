// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/nn/activation.hpp"

#include <cmath>
#include <string>

#include "pretext/backend/reference/reference.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace f = pretext::nn::functor;
using px::scalar_math;

namespace {
/// Derivatives against differences, where the function has them.
template <class F>
void check_derivatives(bool twice) {
  for (const double x : {-30.0, -3.0, -0.7, -1e-3, 1e-3, 0.4, 2.0, 40.0}) {
    const double h = 1e-6 * std::fmax(1.0, std::fabs(x)) * (std::fabs(x) < 0.01 ? 0.1 : 1);
    const double slope = (F::template value<scalar_math>(x + h) - F::template value<scalar_math>(x - h)) / (2 * h);
    CHECK(std::fabs(F::template derivative<scalar_math>(x) - slope) < 1e-8);
    if constexpr (requires { F::template second_derivative<scalar_math>(x); }) {
      const double bend = (F::template derivative<scalar_math>(x + h) - F::template derivative<scalar_math>(x - h)) / (2 * h);
      CHECK(std::fabs(F::template second_derivative<scalar_math>(x) - bend) < 1e-8);
    } else {
      CHECK(!twice);
    }
  }
}
}  // namespace

TEST_CASE("functors: first and second derivatives agree with differences", "[nn][activation]") {
  check_derivatives<f::tanh>(true);
  check_derivatives<f::sigmoid>(true);
  check_derivatives<f::gelu>(true);
  check_derivatives<f::relu>(false);
  check_derivatives<f::leaky_relu<1, 5>>(false);
}
TEST_CASE("sigmoid: symmetric, and sure without overflow", "[nn][activation]") {
  CHECK(f::sigmoid::value<scalar_math>(0.0) == 0.5);
  CHECK(f::sigmoid::value<scalar_math>(1e30f) == 1.0f);
  CHECK(f::sigmoid::value<scalar_math>(-1e30f) == 0.0f);
  for (const double x : {0.1, 1.0, 7.0}) {
    CHECK(std::fabs(f::sigmoid::value<scalar_math>(x) - 1 / (1 + std::exp(-x))) < 1e-15);
    CHECK(std::fabs(f::sigmoid::value<scalar_math>(x) + f::sigmoid::value<scalar_math>(-x) - 1) < 1e-15);
  }
}
TEST_CASE("leaky_relu: its slope is in its name, and the gradient follows from the value", "[nn][activation]") {
  CHECK(std::string(f::leaky_relu<1, 5>::name) == "leaky_relu 1/5");
  CHECK(std::string(px::nn::leaky_relu<>::name) == "leaky_relu 1/100");
  CHECK(std::string(px::nn::leaky_relu<999, 120>::name) == "leaky_relu 999/120");
  for (const double x : {-3.0, -0.0, 0.0, 2.0}) {
    const double y = f::leaky_relu<1, 5>::value<scalar_math>(x);
    CHECK(y == (x > 0 ? x : 0.2 * x));
    CHECK((f::leaky_relu<1, 5>::gradient<scalar_math>(x, 3.0) == f::leaky_relu<1, 5>::gradient<scalar_math>(y, 3.0)));
  }
  CHECK(std::isnan(f::leaky_relu<1, 5>::value<scalar_math>(NAN)));
}
