// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/in_memory.hpp"

#include <cstdint>
#include <array>
#include <numeric>
#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::has;
using data_test::thrown;
using pretext::index_t;

TEST_CASE("in_memory: planes are interleaved when asked", "[data][in_memory]") {
  std::vector<std::uint8_t> p(2 * 3 * 2 * 2);
  std::iota(p.begin(), p.end(), std::uint8_t{0});
  const auto nhwc = data::in_memory(p, 2, 2, 2, 3);
  const auto nchw = data::in_memory(p, 2, 2, 2, 3, {}, 0, data::pixel_order::nchw);
  for (index_t n = 0; n < 2; ++n)
    for (index_t y = 0; y < 2; ++y)
      for (index_t x = 0; x < 2; ++x)
        for (index_t c = 0; c < 3; ++c) {
          CHECK(nhwc.image(n)(y, x, c) == ((n * 2 + y) * 2 + x) * 3 + c);
          CHECK(nchw.image(n)(y, x, c) == ((n * 3 + c) * 2 + y) * 2 + x);
        }
  CHECK(!nhwc.labelled());
}

TEST_CASE("in_memory: it is a copy", "[data][in_memory]") {
  std::vector<std::uint8_t> p{1, 2};
  const auto s = data::in_memory(p, 2, 1, 1, 1);
  p[0] = 9;
  CHECK(s.image(0)(0, 0, 0) == 1);
}

TEST_CASE("in_memory: sizes that do not fit are refused, also those that would wrap", "[data][in_memory]") {
  const std::vector<std::uint8_t> p(12);
  CHECK(data::in_memory(p, 3, 2, 2, 1).size() == 3);
  for (const auto& [n, h, w, c] : {std::array<index_t, 4>{3, 2, 2, 2}, {0, 2, 2, 3}, {-3, -2, 2, 1}, {12, 1, 1, 0}, {5, 2, 1, 1}, {1, 1, 1, 1}})
    CHECK(has(thrown([&] { (void)data::in_memory(p, n, h, w, c); }), "data.050] in_memory: 12 bytes are not"));
  const index_t big = index_t{1} << 32;
  CHECK(has(thrown([&] { (void)data::in_memory({}, big, big, 1, 1); }), "data.050"));
  CHECK(has(thrown([&] { (void)data::in_memory({}, 1, 1, 1, 1); }), "data.050"));
}

TEST_CASE("in_memory: labels are checked against the classes", "[data][in_memory]") {
  const std::vector<std::uint8_t> p(2);
  const int good[] = {0, 6}, few[] = {1}, wrong[] = {0, -2};
  CHECK(data::in_memory(p, 2, 1, 1, 1, good).classes() == 7);
  CHECK(data::in_memory(p, 2, 1, 1, 1, good, 9).classes() == 9);
  CHECK(has(thrown([&] { (void)data::in_memory(p, 2, 1, 1, 1, good, 6); }), "data.003"));
  CHECK(has(thrown([&] { (void)data::in_memory(p, 2, 1, 1, 1, few); }), "data.002"));
  CHECK(has(thrown([&] { (void)data::in_memory(p, 2, 1, 1, 1, wrong); }), "data.003"));
}
