// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/synthetic/mixture.hpp"

#include <cmath>
#include <vector>

#include "pretext/core/view_of.hpp"
#include "pretext/eval/modes.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::index_t;

TEST_CASE("mixtures: points lie around their modes as they should", "[data][mixture]") {
  for (const px::data::gaussian_mixture& m : {px::data::ring(), px::data::grid(), px::data::ring(1, 0, 3)}) {
    const auto xy = m.draw(20000, 3);
    REQUIRE(xy.size() == 40000);
    const auto c = px::eval::cover_modes(px::view_of(xy), px::view_of(m.centres), 2, m.sigma);
    CHECK(c.covered == m.modes());
    CHECK(c.reached == m.modes());
    CHECK(std::fabs(c.high_quality - (1 - std::exp(-4.5))) < 0.003);  // three sigma in the plane
    for (const index_t n : c.counts)
      CHECK(std::fabs(static_cast<double>(n) - 0.989 * 20000 / static_cast<double>(m.modes())) < 5 * std::sqrt(20000.0 / static_cast<double>(m.modes())) + 70);
  }
  CHECK(px::data::ring().modes() == 8);
  CHECK(px::data::grid().modes() == 25);
  CHECK(px::data::grid(2, 3, 1).centres == std::vector<float>{-1.5f, -1.5f, -1.5f, 1.5f, 1.5f, -1.5f, 1.5f, 1.5f});
}
TEST_CASE("mixtures: a point depends on seed and number alone", "[data][mixture]") {
  const auto m = px::data::ring();
  const auto all = m.draw(50, 7), some = m.draw(20, 7, 30), other = m.draw(50, 8);
  CHECK(std::vector<float>(all.begin() + 60, all.end()) == some);
  CHECK(all != other);
}
TEST_CASE("mode coverage: by hand", "[eval][modes]") {
  const std::vector<float> centres{0, 0, 10, 0};
  const std::vector<float> points{0, 2.9f, 0, 3.1f, 10, 0, NAN, 0, 12, 1, 0.5f, 0, 0, 0, 0, 0.1f, 0.1f, 0, 0, 0};
  const auto c = px::eval::cover_modes(px::view_of(points), px::view_of(centres), 2, 1.0, 0.5);
  CHECK(c.modes == 2);
  CHECK(c.counts == std::vector<index_t>{6, 2});
  CHECK(c.reached == 2);
  CHECK(c.covered == 1);  // half a fair share of ten points is 2.5
  CHECK(c.high_quality == 0.8);
  CHECK_THROWS(px::eval::cover_modes(px::view_of(points), px::view_of(centres), 3, 1.0));
  CHECK_THROWS(px::eval::cover_modes({}, px::view_of(centres), 2, 1.0));
  CHECK_THROWS(px::data::ring(0));
}
