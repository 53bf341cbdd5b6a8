// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/pixels.hpp"

#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using ops = simd::pixel_ops<native>;

TEST_CASE("pixel_ops: bytes become the whole numbers they are", "[backend][simd][pixels]") {
  std::uint8_t bytes[256 + ops::width];
  for (int i = 0; i < 256 + static_cast<int>(ops::width); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  for (index_t begin = 0; begin < 256; ++begin) {
    float values[ops::width];
    ops::O::store(values, ops::load(bytes + begin));
    for (index_t i = 0; i < ops::width; ++i) REQUIRE(values[i] == static_cast<float>(bytes[begin + i]));
  }
}

TEST_CASE("pixel_ops: colours are taken apart lane by lane and put back where they were", "[backend][simd][pixels]") {
  const auto in = random_values<float>(3 * ops::width, 1);
  auto out = empty<float>(3 * ops::width, -7.0f);
  const auto colours = ops::load_rgb(in.data());
  float c[3][ops::width];
  ops::O::store(c[0], colours.r);
  ops::O::store(c[1], colours.g);
  ops::O::store(c[2], colours.b);
  for (index_t lane = 0; lane < ops::width; ++lane) {  // each lane holds the three values of some pixel
    bool found = false;
    for (index_t p = 0; p < ops::width; ++p) {
      const float* pixel = in.data() + 3 * p;
      found = found || (c[0][lane] == pixel[0] && c[1][lane] == pixel[1] && c[2][lane] == pixel[2]);
    }
    CHECK(found);
  }
  ops::store_rgb(out.data(), colours);
  CHECK(std::memcmp(out.data(), in.data(), in.size() * sizeof(float)) == 0);
  CHECK(out[in.size()] == -7.0f);
}
