// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/xtensor.hpp"

#include <cstdint>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;

TEST_CASE("from_xtensor: the three layouts of an array are read", "[data][xtensor]") {
  xt::xtensor<std::uint8_t, 4> a = xt::xtensor<std::uint8_t, 4>::from_shape({2, 3, 4, 5});
  for (std::size_t i = 0; i < a.size(); ++i) a.data()[i] = static_cast<std::uint8_t>(i);
  const int labels[] = {0, 1};
  const auto planes = data::from_xtensor(a, data::pixel_order::nchw, labels);
  CHECK(planes.shape(0) == data::image_shape{4, 5, 3});
  CHECK(planes.image(1)(2, 3, 1) == a(1, 1, 2, 3));
  CHECK(planes.label(1) == 1);
  const auto mixed = data::from_xtensor(a);
  CHECK(mixed.shape(0) == data::image_shape{3, 4, 5});
  CHECK(mixed.image(1)(2, 3, 4) == a(1, 2, 3, 4));
  const xt::xarray<std::uint8_t> grey{{{1, 2}, {3, 4}}};
  CHECK(data::from_xtensor(grey).image(0)(1, 0, 0) == 3);
}

TEST_CASE("from_xtensor: an array of two dimensions is refused", "[data][xtensor]") {
  const xt::xarray<std::uint8_t> flat{{1, 2}, {3, 4}};
  CHECK(data_test::has(data_test::thrown([&] { (void)data::from_xtensor(flat); }), "data.051"));
}
