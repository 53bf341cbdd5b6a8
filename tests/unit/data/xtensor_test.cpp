// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/xtensor.hpp"

#include <xtensor/xview.hpp>

#include <cstdint>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;

namespace {

template <class Array>
void fill(Array& a) {
  for (std::size_t i = 0; i < a.size(); ++i) a.data()[i] = static_cast<std::uint8_t>(i);
}

}  // namespace

TEST_CASE("from_xtensor: the layouts of an array are read", "[data][xtensor]") {
  xt::xtensor<std::uint8_t, 4> a = xt::xtensor<std::uint8_t, 4>::from_shape({2, 3, 4, 5});
  fill(a);
  const int labels[] = {0, 1};
  const auto planes = data::from_xtensor(a, data::pixel_order::nchw, labels);
  CHECK(planes.shape(0) == data::image_shape{4, 5, 3});
  CHECK(planes.image(1)(2, 3, 1) == a(1, 1, 2, 3));
  CHECK(planes.label(1) == 1);
  const auto mixed = data::from_xtensor(a);
  CHECK(mixed.shape(0) == data::image_shape{3, 4, 5});
  CHECK(mixed.image(1)(2, 3, 4) == a(1, 2, 3, 4));
  xt::xtensor<std::uint8_t, 3> grey = xt::xtensor<std::uint8_t, 3>::from_shape({2, 3, 4});
  fill(grey);
  CHECK(data::from_xtensor(grey).image(1)(2, 3, 0) == 23);
}

TEST_CASE("from_xtensor: columns first and views are read in their logical order", "[data][xtensor]") {
  xt::xtensor<std::uint8_t, 3, xt::layout_type::column_major> a({2, 3, 4});
  fill(a);
  const auto s = data::from_xtensor(a);
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 4; ++x) CHECK(s.image(1)(y, x, 0) == a(1, y, x));
  const auto last = data::from_xtensor(xt::view(a, xt::range(1, 2), xt::all(), xt::range(1, 3)));
  CHECK(last.size() == 1);
  CHECK(last.image(0)(2, 1, 0) == a(1, 2, 2));
}

TEST_CASE("from_xtensor: an array of two dimensions is refused", "[data][xtensor]") {
  const xt::xtensor<std::uint8_t, 2> flat{{1, 2}, {3, 4}};
  CHECK(data_test::has(data_test::thrown([&] { (void)data::from_xtensor(flat); }), "data.051"));
}
