// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/augment/image/gaussian_noise.hpp"

#include <cmath>

#include "pictures.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;
using augment::gaussian_noise;

TEST_CASE("normal: logarithm, sine and cosine are those of the C library", "[augment][gaussian_noise]") {
  for (double x = 1e-7; x < 1.0; x *= 1.37) {
    const float v = static_cast<float>(x);
    CHECK(augment::detail::log_of(v) == Approx(std::log(static_cast<double>(v))).epsilon(3e-7).margin(1e-7));
  }
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const auto bits = static_cast<std::uint32_t>(i * 1073741u);
    const double angle = 2.0 * 3.14159265358979323846 * static_cast<double>(bits) / 4294967296.0;
    const auto got = augment::detail::circle(bits);
    REQUIRE(got.sine == Approx(std::sin(angle)).epsilon(0).margin(4e-7));
    REQUIRE(got.cosine == Approx(std::cos(angle)).epsilon(0).margin(4e-7));
  }
}

TEST_CASE("gaussian_noise: has the moments of the normal distribution", "[augment][gaussian_noise]") {
  const gaussian_noise noise{.sigma = {0.05f, 0.05f}};
  const picture<float> in(200, 167, 3, 0.5f);
  const auto out = applied(noise, noise.draw(key(2), in.size(), in.size()), in);
  const double n = static_cast<double>(out.values.size());
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0, next = 0;
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const double z = (static_cast<double>(out.values[i]) - 0.5) / 0.05;
    m1 += z / n;
    m2 += z * z / n;
    m3 += z * z * z / n;
    m4 += z * z * z * z / n;
    if (i > 0) next += z * (static_cast<double>(out.values[i - 1]) - 0.5) / 0.05 / n;
  }
  CHECK(m1 == Approx(0).margin(5 / std::sqrt(n)));
  CHECK(m2 == Approx(1).margin(5 * std::sqrt(2 / n)));
  CHECK(m3 == Approx(0).margin(5 * std::sqrt(15 / n)));
  CHECK(m4 == Approx(3).margin(5 * std::sqrt(96 / n)));
  CHECK(next == Approx(0).margin(5 / std::sqrt(n)));
}

TEST_CASE("gaussian_noise: cuts to [0, 1]; no sigma is the identity; the record replays it", "[augment][gaussian_noise]") {
  const auto in = floats(5, 7, 3);
  const gaussian_noise strong{.sigma = {2, 3}};
  const auto drawn = strong.draw(key(9), in.size(), in.size());
  const auto out = applied(strong, drawn, in);
  for (float v : out.values) REQUIRE((v >= 0.0f && v <= 1.0f));
  CHECK(difference(out, in) > 0.3);
  CHECK(difference(applied_in_place(strong, drawn, in), out) == 0.0);
  CHECK(difference(applied(strong, strong.draw(key(10), in.size(), in.size()), in), out) > 0.3);
  const gaussian_noise none{.sigma = {0, 0}};
  CHECK(difference(applied(none, none.draw(key(1), in.size(), in.size()), in), in) == 0.0);
  CHECK_THROWS_WITH((gaussian_noise{.sigma = {0.2f, 0.1f}}.check()), Catch::Contains("augment.202"));
}
