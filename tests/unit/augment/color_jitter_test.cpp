// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "pretext/augment/image/color_jitter.hpp"

#include <algorithm>
#include <cmath>

#include "pictures.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;
using augment::color_jitter;

namespace {

color_jitter::record only(float brightness, float contrast, float saturation, float hue) {
  color_jitter::record r;
  r.brightness = brightness;
  r.contrast = contrast;
  r.saturation = saturation;
  r.hue = hue;
  return r;
}

}  // namespace

TEST_CASE("color_jitter: each operation agrees with torchvision", "[augment][color_jitter][golden]") {
  const golden::file file("augment");
  for (const std::string name : {"small", "grey"}) {
    const auto in = floats(golden_image(file, name));
    for (const auto& [text, f] : {std::pair<std::string, float>{"0.0", 0.0f}, {"0.6", 0.6f}, {"1.7", 1.7f}}) {
      INFO(name << " " << text);
      CHECK(difference(applied(color_jitter{}, only(f, 1, 1, 0), in).values, file["brightness." + name + "." + text]) < 1e-6);
      CHECK(difference(applied(color_jitter{}, only(1, f, 1, 0), in).values, file["contrast." + name + "." + text]) < 1e-6);
      CHECK(difference(applied(color_jitter{}, only(1, 1, f, 0), in).values, file["saturation." + name + "." + text]) < 1e-6);
    }
    for (const auto& [text, f] : {std::pair<std::string, float>{"-0.5", -0.5f}, {"-0.3", -0.3f}, {"0.05", 0.05f}, {"0.2", 0.2f}, {"0.5", 0.5f}}) {
      INFO(name << " hue " << text);
      CHECK(difference(applied(color_jitter{}, only(1, 1, 1, f), in).values, file["hue." + name + "." + text]) < 2e-6);
    }
    auto all = only(0.7f, 1.2f, 1.3f, 0.15f);
    const std::uint8_t order[4] = {color_jitter::change_saturation, color_jitter::change_brightness, color_jitter::change_hue,
                                   color_jitter::change_contrast};
    std::copy(order, order + 4, all.order);
    CHECK(difference(applied(color_jitter{}, all, in).values, file["jitter." + name + ".2031"]) < 2e-6);
    CHECK(difference(applied_in_place(color_jitter{}, all, in), applied(color_jitter{}, all, in)) == 0.0);
  }
}

TEST_CASE("color_jitter: the order of operations is the recorded one", "[augment][color_jitter]") {
  const auto in = floats(9, 5, 3);
  auto a = only(1.8f, 0.3f, 1, 0), b = a;
  std::swap(b.order[0], b.order[1]);
  CHECK(difference(applied(color_jitter{}, a, in), applied(color_jitter{}, b, in)) > 0.05);
}

TEST_CASE("color_jitter: amounts of zero are the identity", "[augment][color_jitter]") {
  const color_jitter none{.brightness = 0, .contrast = 0, .saturation = 0, .hue = 0};
  for (auto [h, w, c] : {std::tuple<index_t, index_t, index_t>{1, 1, 1}, {1, 1, 3}, {7, 13, 3}, {31, 31, 1}}) {
    const auto in = floats(h, w, c);
    CHECK(difference(applied(none, none.draw(key(1), in.size(), in.size()), in), in) == 0.0);
  }
}

TEST_CASE("color_jitter: factors fill their ranges and every order is as frequent", "[augment][color_jitter]") {
  const color_jitter jitter{.brightness = 0.4f, .contrast = 1.5f, .saturation = 0.8f, .hue = 0.2f};
  constexpr index_t n = 24000;
  std::vector<index_t> orders(256);
  double mean[4] = {}, least[4] = {9, 9, 9, 9}, most[4] = {-9, -9, -9, -9};
  for (index_t i = 0; i < n; ++i) {
    const auto r = jitter.draw(key(static_cast<std::uint64_t>(i)), {8, 8, 3}, {8, 8, 3});
    const double f[4] = {r.brightness, r.contrast, r.saturation, r.hue};
    for (int k = 0; k < 4; ++k) {
      mean[k] += f[k] / n;
      least[k] = std::fmin(least[k], f[k]);
      most[k] = std::fmax(most[k], f[k]);
    }
    ++orders[static_cast<std::size_t>(r.order[0] * 64 + r.order[1] * 16 + r.order[2] * 4 + r.order[3])];
  }
  const double low[4] = {0.6, 0.0, 0.2, -0.2}, high[4] = {1.4, 2.5, 1.8, 0.2};
  for (int k = 0; k < 4; ++k) {
    INFO(k);
    const double width = high[k] - low[k];
    CHECK(mean[k] == Approx((low[k] + high[k]) / 2).margin(5 * width / std::sqrt(12.0 * n)));
    CHECK((least[k] >= low[k] - 1e-7 && least[k] < low[k] + 0.01 * width));
    CHECK((most[k] <= high[k] + 1e-7 && most[k] > high[k] - 0.01 * width));
  }
  int kinds = 0;
  for (index_t c : orders)
    if (c > 0) {
      ++kinds;
      CHECK(plausible(c, n, 1.0 / 24));
    }
  CHECK(kinds == 24);
}

TEST_CASE("color_jitter: results lie in [0, 1], also for extreme amounts and odd sizes", "[augment][color_jitter]") {
  const color_jitter wild{.brightness = 5, .contrast = 5, .saturation = 5, .hue = 0.5f};
  for (std::uint64_t i = 0; i < 40; ++i) {
    const auto in = floats(static_cast<index_t>(1 + i % 5), static_cast<index_t>(1 + i), i % 2 ? 1 : 3, static_cast<std::uint32_t>(i));
    for (float v : applied(wild, wild.draw(key(i), in.size(), in.size()), in).values) REQUIRE((v >= 0.0f && v <= 1.0f));
  }
}

TEST_CASE("color_jitter: hue of pure colours turns through the circle", "[augment][color_jitter]") {
  picture<float> red(1, 1, 3);
  red.values = {1, 0, 0};
  const auto green = applied(color_jitter{}, only(1, 1, 1, 1.0f / 3), red);
  CHECK(green.values[0] == Approx(0).margin(1e-6));
  CHECK(green.values[1] == Approx(1));
  CHECK(green.values[2] == Approx(0).margin(1e-6));
  picture<float> grey(3, 3, 3, 0.4f);
  CHECK(difference(applied(color_jitter{}, only(1, 1, 1, 0.3f), grey), grey) == 0.0);
  picture<float> black(3, 3, 3, 0.0f);
  CHECK(difference(applied(color_jitter{}, only(1, 1, 1, -0.3f), black), black) == 0.0);
}

TEST_CASE("color_jitter: settings that make no sense are refused", "[augment][color_jitter]") {
  CHECK_THROWS_WITH((color_jitter{.brightness = -0.1f}.check()), Catch::Contains("brightness"));
  CHECK_THROWS_WITH((color_jitter{.hue = 0.6f}.check()), Catch::Contains("augment.203"));
}
