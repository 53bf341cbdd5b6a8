// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/picture.hpp"

#include <cstdint>
#include <limits>
#include <vector>

#include "support/catch.hpp"

namespace report = pretext::report;
using bytes = std::vector<std::uint8_t>;

TEST_CASE("picture: real numbers are scaled, clamped, and NaN is black", "[report][picture]") {
  const float inf = std::numeric_limits<float>::infinity();
  const float values[] = {0, 1, 0.5f, -3, 7, std::numeric_limits<float>::quiet_NaN(), inf, -inf};
  const auto p = report::to_picture(pretext::image_view<const float>{values, 2, 4, 1});
  CHECK(p.height == 2);
  CHECK(p.width == 4);
  CHECK(p.channels == 1);
  CHECK(p.pixels == bytes{0, 255, 128, 0, 255, 0, 255, 0});
  CHECK(report::to_picture(pretext::image_view<const float>{values, 1, 3, 1}, -1, 1).pixels == bytes{128, 255, 191});
  CHECK(report::to_picture(pretext::image_view<const float>{values, 1, 2, 1}, 1, 1).pixels == bytes{0, 0});  // no range: black
}

TEST_CASE("picture: two channels show the first, more than three the first three", "[report][picture]") {
  const std::uint8_t values[] = {1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(report::to_picture(pretext::image_view<const std::uint8_t>{values, 1, 4, 2}).pixels == bytes{1, 3, 5, 7});
  CHECK(report::to_picture(pretext::image_view<const std::uint8_t>{values, 2, 1, 4}).pixels == bytes{1, 2, 3, 5, 6, 7});
}

TEST_CASE("picture: planes become interleaved pixels", "[report][picture]") {
  const float values[] = {0, 1, 1, 0, 0, 0};  // (3, 1, 2)
  CHECK(report::planes_to_picture(values, 3, 1, 2).pixels == bytes{0, 255, 0, 255, 0, 0});
}

TEST_CASE("picture: shrinking takes means over areas and never enlarges", "[report][picture]") {
  const report::picture p{2, 4, 1, {0, 10, 20, 30, 0, 10, 20, 30}};
  const auto half = report::shrink(p, 2);
  CHECK(half.height == 1);
  CHECK(half.width == 2);
  CHECK(half.pixels == bytes{5, 25});
  CHECK(report::shrink(p, 4).pixels == p.pixels);
  CHECK(report::shrink(p, 100).width == 4);
  const auto thin = report::shrink({1, 1000, 3, bytes(3000, 77)}, 10);
  CHECK(thin.height == 1);
  CHECK(thin.width == 10);
  CHECK(thin.pixels == bytes(30, 77));
  CHECK(report::shrink({}, 10).empty());
}

TEST_CASE("picture: wrong sizes are one sentence", "[report][picture]") {
  const auto id = [](pretext::index_t h, pretext::index_t w, pretext::index_t c) {
    try {
      report::to_picture(pretext::image_view<const float>{nullptr, h, w, c});
    } catch (const pretext::error& e) {
      return e.id();
    }
    return std::string("none");
  };
  CHECK(id(-1, 1, 1) == "report.110");
  CHECK(id(1, -1, 1) == "report.110");
  CHECK(id(1, 1, 0) == "report.110");
  CHECK(id(0, 5, 1) == "none");
}
