// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/svg_axis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace report = pretext::report;

namespace {

std::vector<std::string> labels(const report::svg_axis& axis) {
  std::vector<std::string> out;
  for (double t : axis.ticks) out.push_back(axis.label(t));
  return out;
}
using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("svg_axis: steps are 1, 2 or 5 times a power of ten", "[report][svg_axis]") {
  CHECK(report::nice_step(10, 5) == Approx(2));
  CHECK(report::nice_step(10, 10) == Approx(1));
  CHECK(report::nice_step(1, 4) == Approx(0.5));
  CHECK(report::nice_step(7e-9, 5) == Approx(2e-9));
  CHECK(report::nice_step(3e300, 5) == Approx(1e300));
}

TEST_CASE("svg_axis: labels have the decimals their distance needs", "[report][svg_axis]") {
  CHECK(labels(report::make_axis(0, 10, false, false, 5)) == texts{"0", "2", "4", "6", "8", "10"});
  CHECK(labels(report::make_axis(0, 1, false, false, 4)) == texts{"0", "0.5", "1.0"});
  CHECK(labels(report::make_axis(3.9, 6.3, false, true, 5)) == texts{"4", "5", "6"});
  CHECK(labels(report::make_axis(0, 50000, false, false, 5)) == texts{"0", "10k", "20k", "30k", "40k", "50k"});
  CHECK(labels(report::make_axis(0, 2e-5, false, false, 2)) == texts{"0", "1e-5", "2e-5"});
  CHECK(labels(report::make_axis(-1, 1, false, false, 2)) == texts{"-1", "0", "1"});
  CHECK(labels(report::make_axis(1e6, 3e6, false, false, 2)) == texts{"1M", "2M", "3M"});
  auto percent = report::make_axis(0, 1, false, false, 5);
  percent.percent = true;
  CHECK(labels(percent) == texts{"0%", "20%", "40%", "60%", "80%", "100%"});
}

TEST_CASE("svg_axis: no two ticks have the same label, however flat the values", "[report][svg_axis]") {
  CHECK(labels(report::make_axis(12345, 12345.1, false, false, 5)) ==
        texts{"12.345k", "12.34502k", "12.34504k", "12.34506k", "12.34508k", "12.3451k"});
  CHECK(labels(report::make_axis(0.9, 0.9 + 1e-9, false, true, 5)) == labels(report::make_axis(0.9, 0.9, false, true, 5)));
  auto share = report::make_axis(2e-6, 4e-6, false, false, 2);
  share.percent = true;
  CHECK(labels(share) == texts{"0.0002%", "0.0003%", "0.0004%"});
  for (const double low : {0.0, 0.9, 0.1234567, 1.0, 5e-4, 2e-5, 17.0, 9999.0, 12345.0, 123456789.0, -0.5, -1e5})
    for (const double span : {0.0, 1e-15, 1e-12, 1e-10, 1e-9, 2e-9, 1e-8, 1e-7, 1e-6, 2e-5, 1e-4, 1e-3, 0.05, 1.0, 1000.0})
      for (const bool percent : {false, true})
        for (const bool log : {false, true}) {
          if (log && low <= 0) continue;
          auto axis = report::make_axis(low, low + span, log, true, 5);
          axis.percent = percent;
          texts all = labels(axis);
          CAPTURE(low, span, percent, log, all);
          std::sort(all.begin(), all.end());
          CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
        }
}

TEST_CASE("svg_axis: an end near zero becomes zero", "[report][svg_axis]") {
  CHECK(report::make_axis(1, 3000, false, false, 5).low == 0);
  CHECK(report::make_axis(0.01, 1, false, true, 5).low == 0);
  CHECK(report::make_axis(-3000, -1, false, true, 5).high == 0);
  CHECK(report::make_axis(5, 6, false, true, 5).low > 4.9);
}

TEST_CASE("svg_axis: logarithmic axes have powers of ten, or 1, 2, 5 where short", "[report][svg_axis]") {
  CHECK(labels(report::make_axis(1, 100, true, false, 5)) == texts{"1", "10", "100"});
  CHECK(labels(report::make_axis(1e-5, 1e-1, true, false, 6)) == texts{"1e-5", "0.0001", "0.001", "0.01", "0.1"});
  CHECK(labels(report::make_axis(1, 8, true, false, 5)) == texts{"1", "2", "5"});
  const auto axis = report::make_axis(1e-300, 1e300, true, false, 6);
  CHECK(axis.ticks.size() >= 3);
  CHECK(axis.ticks.size() <= 9);
  CHECK_FALSE(axis.holds(0));
  CHECK_FALSE(axis.holds(-1));
  CHECK(axis.holds(1));
}

TEST_CASE("svg_axis: pixels go from end to end", "[report][svg_axis]") {
  auto axis = report::make_axis(0, 10, false, false, 5);
  axis.from = 200, axis.to = 0;
  CHECK(axis.pixel(0) == Approx(200));
  CHECK(axis.pixel(10) == Approx(0));
  CHECK(axis.pixel(5) == Approx(100));
  auto log = report::make_axis(1, 100, true, false, 5);
  log.from = 0, log.to = 100;
  CHECK(log.pixel(10) == Approx(50));
}

TEST_CASE("svg_axis: any finite ends give a few ticks inside", "[report][svg_axis]") {
  const double huge = 1e300, tiny = 1e-300;
  for (double low : {0.0, 1.0, -1.0, huge, -huge, tiny, 0.1, 123456789.0})
    for (double span : {0.0, tiny, 1e-12, 1.0, 1e5, huge})
      for (bool padded : {false, true})
        for (int count : {1, 5, 10}) {
          const auto axis = report::make_axis(low, low + span, false, padded, count);
          CAPTURE(low, span, padded, count);
          REQUIRE(std::isfinite(axis.low));
          REQUIRE(axis.low < axis.high);
          REQUIRE(axis.ticks.size() <= static_cast<std::size_t>(4 * count + 8));
          for (double t : axis.ticks) {
            REQUIRE(t >= axis.low - 1e-6 * (axis.high - axis.low));
            REQUIRE(t <= axis.high + 1e-6 * (axis.high - axis.low));
            REQUIRE(axis.label(t).size() < 24);
          }
        }
}
