// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
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

TEST_CASE("gaussian_blur: what it leaves out of a wide kernel changes no pixel by 1e-6", "[augment][gaussian_blur]") {
  for (const float sigma : {0.1f, 0.17f, 0.34f, 0.7f, 1.0f, 1.9f})
    for (const index_t c : {1, 3}) {
      INFO(sigma << " " << c);
      constexpr index_t side = 37;
      const std::int32_t kernel = 23;
      const auto in = floats(side, side, c);
      double weights[23], total = 0.0;
      for (int t = 0; t < kernel; ++t) total += weights[t] = std::exp(-0.5 * (t - 11) * (t - 11) / (static_cast<double>(sigma) * static_cast<double>(sigma)));
      picture<float> whole(side, side, c);
      const auto mirrored = [](index_t i) { return i < 0 ? -i : i >= side ? 2 * (side - 1) - i : i; };
      for (index_t y = 0; y < side; ++y)
        for (index_t x = 0; x < side; ++x)
          for (index_t k = 0; k < c; ++k) {
            double sum = 0.0;
            for (index_t t = 0; t < kernel; ++t)
              for (index_t s = 0; s < kernel; ++s)
                sum += weights[t] * weights[s] * static_cast<double>(in.view()(mirrored(y + t - 11), mirrored(x + s - 11), k));
            whole.target()(y, x, k) = static_cast<float>(sum / (total * total));
          }
      CHECK(difference(applied(gaussian_blur{.kernel = 23}, {sigma, kernel}, in), whole) < 5e-7);
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
