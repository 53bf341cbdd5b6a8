// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/lbfgs.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "eval_support.hpp"
#include "support/catch.hpp"

using namespace pretext::eval;
using eval_support::id_of;

namespace {

const auto rosenbrock = [](const std::vector<double>& x, std::vector<double>& g) {
  double sum = 0;
  g.assign(x.size(), 0.0);
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const double a = 1 - x[i], b = x[i + 1] - x[i] * x[i];
    sum += a * a + 100 * b * b;
    g[i] += -2 * a - 400 * x[i] * b;
    g[i + 1] += 200 * b;
  }
  return sum;
};

}  // namespace

TEST_CASE("minimise_lbfgs: the Rosenbrock valley ends at ones", "[eval][lbfgs]") {
  for (const std::size_t n : {std::size_t{2}, std::size_t{10}, std::size_t{31}}) {
    std::vector<double> x(n, -1.2);
    const lbfgs_result r = minimise_lbfgs(rosenbrock, x, {.tolerance = 1e-10});
    CHECK(r.converged);
    CHECK(r.iterations < 300);
    CHECK(r.evaluations < 400);
    for (const double v : x) CHECK(std::abs(v) == Approx(1).epsilon(1e-9));  // slopes of 1e-10, and the valley's curvature is 0.4
  }
}

TEST_CASE("minimise_lbfgs: a quadratic of condition 10^4 is solved exactly", "[eval][lbfgs]") {
  std::vector<double> x(20, 0.0);
  const auto f = [](const std::vector<double>& p, std::vector<double>& g) {
    double value = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double scale = std::pow(10.0, 4.0 * static_cast<double>(i) / 19), want = static_cast<double>(i) - 7;
      g[i] = scale * (p[i] - want);
      value += 0.5 * scale * (p[i] - want) * (p[i] - want);
    }
    return value;
  };
  const lbfgs_result r = minimise_lbfgs(f, x, {.max_iterations = 2000, .tolerance = 1e-9});
  CHECK(r.converged);
  CHECK(r.value < 1e-16);
  // It ends at slopes of 1e-9, and the least curvature is 1.
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(x[i] == Approx(static_cast<double>(i) - 7).epsilon(0).margin(1e-9));
}

TEST_CASE("minimise_lbfgs: every accepted step falls and meets both Wolfe conditions", "[eval][lbfgs]") {
  // A curved, badly scaled function from several starts: the value may never rise, the reported gradient is the true one.
  for (const double start : {-3.0, 0.5, 40.0}) {
    std::vector<double> x = {start, -start, 1};
    double last = std::numeric_limits<double>::infinity();
    for (int n = 1; n < 15; ++n) {
      std::vector<double> y = x, g(3);
      const lbfgs_result r = minimise_lbfgs(rosenbrock, y, {.max_iterations = n, .tolerance = 0});
      CHECK(r.value <= last);
      CHECK(r.value == rosenbrock(y, g));
      CHECK(r.gradient == detail::largest(g));
      last = r.value;
    }
  }
}

TEST_CASE("wolfe_search: the step found meets both conditions, from far too long and far too short", "[eval][lbfgs]") {
  const auto f = [](const std::vector<double>& x, std::vector<double>& g) {
    g[0] = std::cos(x[0]) + 0.2 * x[0];
    return std::sin(x[0]) + 0.1 * x[0] * x[0];
  };
  const std::vector<double> x = {0.5}, direction = {-1.0};
  std::vector<double> at(1), g(1);
  const double value = f(x, g), slope = -g[0];
  for (const double first : {1e-6, 0.1, 1.0, 30.0, 1e5}) {
    detail::wolfe_search search(f, x, direction, {0, value, slope}, 0, at, g);
    const auto found = search.run(first);
    CAPTURE(first, found.step);
    REQUIRE(found.step > 0);
    CHECK(found.value <= value + 1e-4 * found.step * slope);
    CHECK(std::abs(found.slope) <= 0.9 * std::abs(slope));
    CHECK(at[0] == Approx(0.5 - found.step).epsilon(1e-10));
  }
}

TEST_CASE("minimise_lbfgs: infinite values on the way are stepped back from", "[eval][lbfgs]") {
  const auto f = [](const std::vector<double>& x, std::vector<double>& g) {  // -log x + x, undefined at x <= 0
    if (x[0] <= 0) {
      g[0] = std::numeric_limits<double>::quiet_NaN();
      return std::numeric_limits<double>::infinity();
    }
    g[0] = 1 - 1 / x[0];
    return x[0] - std::log(x[0]);
  };
  std::vector<double> x = {1e3};
  CHECK(minimise_lbfgs(f, x).converged);
  CHECK(x[0] == Approx(1).epsilon(1e-5));  // it ends at slopes of 1e-5, and the curvature is 1
}

TEST_CASE("minimise_lbfgs: it stops where there is no minimum, on NaN, and at once at a minimum", "[eval][lbfgs]") {
  std::vector<double> x = {1.0};
  const auto falling = [](const std::vector<double>& p, std::vector<double>& g) {
    g[0] = -1;
    return -p[0];
  };
  CHECK(!minimise_lbfgs(falling, x, {.max_iterations = 5}).converged);
  const auto nothing = [](const std::vector<double>&, std::vector<double>& g) {
    g[0] = std::numeric_limits<double>::quiet_NaN();
    return g[0];
  };
  x = {1.0};
  const lbfgs_result broken = minimise_lbfgs(nothing, x);
  CHECK(!broken.converged);
  CHECK(x[0] == 1.0);
  std::vector<double> ones(4, 1.0);
  const lbfgs_result there = minimise_lbfgs(rosenbrock, ones);
  CHECK(there.converged);
  CHECK(there.evaluations == 1);
  CHECK(id_of([&] { minimise_lbfgs(rosenbrock, ones, {.max_iterations = -1}); }) == "eval.012");
  CHECK(id_of([&] { minimise_lbfgs(rosenbrock, ones, {.history = 0}); }) == "eval.012");
}
