// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/curve_recorder.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "support/catch.hpp"

namespace report = pretext::report;

TEST_CASE("curve_recorder: a short curve is kept as it is", "[report][curve_recorder]") {
  report::curve_recorder r;
  CHECK(r.empty());
  CHECK(r.raw("a").x.empty());
  CHECK(r.smooth("a").x.empty());
  for (int i = 1; i <= 10; ++i) r.add(i, i * i);
  const auto c = r.raw("a");
  CHECK(c.name == "a");
  REQUIRE(c.x.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(c.x[i] == static_cast<double>(i + 1));
    CHECK(c.y[i] == static_cast<double>((i + 1) * (i + 1)));
  }
  r.clear();
  CHECK(r.empty());
}

TEST_CASE("curve_recorder: memory is bounded, and the spikes stay where they were", "[report][curve_recorder]") {
  report::curve_recorder r(64);
  for (int i = 0; i < 1000000; ++i) r.add(i, i == 777777 ? 50 : i == 123456 ? -50 : 0);
  CHECK(r.parts() <= 64);
  const auto c = r.raw("");
  CHECK(c.x.size() <= 128);
  const auto high = static_cast<std::size_t>(std::max_element(c.y.begin(), c.y.end()) - c.y.begin());
  const auto low = static_cast<std::size_t>(std::min_element(c.y.begin(), c.y.end()) - c.y.begin());
  CHECK(c.x[high] == 777777);
  CHECK(c.y[high] == 50);
  CHECK(c.x[low] == 123456);
  CHECK(c.y[low] == -50);
  CHECK(std::is_sorted(c.x.begin(), c.x.end()));
}

TEST_CASE("curve_recorder: NaN is a gap in the raw curve and left out of the smooth one", "[report][curve_recorder]") {
  report::curve_recorder r;
  r.add(1, 1);
  r.add(2, std::nan(""));
  r.add(3, std::numeric_limits<double>::infinity());
  r.add(4, 3);
  const auto raw = r.raw("");
  REQUIRE(raw.y.size() == 4);
  CHECK(std::isnan(raw.y[1]));
  CHECK(std::isnan(raw.y[2]));
  CHECK(raw.y[3] == 3);
  CHECK(r.smooth("").y.size() == 2);
  report::curve_recorder only;
  only.add(1, std::nan(""));
  CHECK(only.smooth("").y.empty());
  CHECK(only.raw("").y.size() == 1);
}

TEST_CASE("curve_recorder: a NaN survives the halving", "[report][curve_recorder]") {
  report::curve_recorder r(4);
  for (int i = 0; i < 1000; ++i) r.add(i, i == 500 ? std::nan("") : 1);
  const auto c = r.raw("");
  CHECK(std::count_if(c.y.begin(), c.y.end(), [](double v) { return std::isnan(v); }) == 1);
  const auto gap = std::find_if(c.y.begin(), c.y.end(), [](double v) { return std::isnan(v); }) - c.y.begin();
  CHECK(c.x[static_cast<std::size_t>(gap)] == 500);
}

TEST_CASE("curve_recorder: smoothing keeps a constant, the order of a ramp, and calms noise", "[report][curve_recorder]") {
  report::curve_recorder constant, ramp, noise;
  for (int i = 0; i < 5000; ++i) {
    constant.add(i, 3);
    ramp.add(i, i);
    noise.add(i, i % 2 != 0 ? 1 : -1);
  }
  for (double v : constant.smooth("").y) REQUIRE(v == Approx(3));
  const auto c = ramp.smooth("");
  CHECK(std::is_sorted(c.y.begin(), c.y.end()));
  const std::size_t middle = c.y.size() / 2;
  CHECK(c.y[middle] == Approx(c.x[middle]).epsilon(0.002));  // no delay
  for (double v : noise.smooth("").y) REQUIRE(std::fabs(v) < 0.2);
}
