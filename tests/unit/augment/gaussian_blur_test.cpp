// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/augment/image/gaussian_blur.hpp"

#include <cmath>

#include "pictures.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;
using augment::gaussian_blur;

TEST_CASE("gaussian_blur: agrees with torchvision", "[augment][gaussian_blur][golden]") {
  const golden::file file("augment");
  for (const std::string name : {"small", "grey"})
    for (const auto& [text, kernel, sigma] : {std::tuple<std::string, int, float>{"3.0.1", 3, 0.1f}, {"3.1.0", 3, 1.0f}, {"7.2.0", 7, 2.0f}, {"9.0.5", 9, 0.5f}}) {
      INFO(name << " " << text);
      const auto in = floats(golden_image(file, name));
      const gaussian_blur blur{.kernel = kernel};
      CHECK(difference(applied(blur, {sigma, kernel}, in).values, file["blur." + name + "." + text]) < 1e-6);
      CHECK(difference(applied_in_place(blur, {sigma, kernel}, in), applied(blur, {sigma, kernel}, in)) == 0.0);
    }
}

TEST_CASE("gaussian_blur: a constant image stays constant, also one smaller than the kernel", "[augment][gaussian_blur]") {
  for (auto [h, w, c] : {std::tuple<index_t, index_t, index_t>{1, 1, 3}, {1, 9, 3}, {2, 2, 1}, {31, 13, 3}}) {
    const picture<float> in(h, w, c, 0.7f);
    for (int kernel : {1, 3, 23}) {
      const gaussian_blur blur{.kernel = kernel};
      CHECK(difference(applied(blur, blur.draw(key(4), in.size(), in.size()), in), in) < 1e-6);
    }
  }
}

TEST_CASE("gaussian_blur: a kernel of one pixel is the identity", "[augment][gaussian_blur]") {
  const auto in = floats(7, 5, 3);
  CHECK(difference(applied(gaussian_blur{.kernel = 1}, {1.0f, 1}, in), in) == 0.0);
}

TEST_CASE("gaussian_blur: without a kernel the view's size decides", "[augment][gaussian_blur]") {
  const auto kernel = [](index_t side) { return gaussian_blur{}.draw(key(0), {500, 500, 3}, {side, side / 2 + 1, 3}).kernel; };
  CHECK(kernel(1) == 3);
  CHECK(kernel(32) == 3);
  CHECK(kernel(96) == 9);
  CHECK(kernel(224) == 23);
}

TEST_CASE("gaussian_blur: sigma is uniform between its bounds", "[augment][gaussian_blur]") {
  constexpr int n = 20000;
  double mean = 0.0, square = 0.0;
  for (std::uint64_t i = 0; i < n; ++i) {
    const double s = gaussian_blur{}.draw(key(i), {8, 8, 3}, {8, 8, 3}).sigma;
    REQUIRE((s >= 0.0999999 && s < 2.0));
    mean += s / n;
    square += s * s / n;
  }
  CHECK(mean == Approx(1.05).margin(5 * 1.9 / std::sqrt(12.0 * n)));
  CHECK(square - mean * mean == Approx(1.9 * 1.9 / 12).epsilon(0.05));
}

TEST_CASE("gaussian_blur: settings that make no sense are refused", "[augment][gaussian_blur]") {
  CHECK_THROWS_WITH((gaussian_blur{.kernel = 4}.check()), Catch::Contains("augment.205"));
  CHECK_THROWS_WITH((gaussian_blur{.sigma = {0.0f, 1.0f}}.check()), Catch::Contains("augment.202"));
}
