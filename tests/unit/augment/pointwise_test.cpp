// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
// flip, grayscale, solarize, normalize, cutout: steps with a yes-or-no or a box.
#include <cmath>

#include "pictures.hpp"
#include "pretext/augment/image/cutout.hpp"
#include "pretext/augment/image/flip.hpp"
#include "pretext/augment/image/grayscale.hpp"
#include "pretext/augment/image/normalize.hpp"
#include "pretext/augment/image/solarize.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;

TEST_CASE("flip: mirrors one axis, and twice is the identity", "[augment][flip]") {
  for (auto [h, w, c] : {std::tuple<index_t, index_t, index_t>{1, 1, 1}, {1, 7, 3}, {7, 1, 3}, {6, 13, 3}, {31, 4, 1}}) {
    const auto in = floats(h, w, c);
    const auto across = applied(augment::horizontal_flip{}, {true}, in), down = applied(augment::vertical_flip{}, {true}, in);
    for (index_t y = 0; y < h; ++y)
      for (index_t x = 0; x < w; ++x)
        for (index_t k = 0; k < c; ++k) {
          REQUIRE(across.view()(y, x, k) == in.view()(y, w - 1 - x, k));
          REQUIRE(down.view()(y, x, k) == in.view()(h - 1 - y, x, k));
        }
    CHECK(difference(applied_in_place(augment::horizontal_flip{}, {true}, across), in) == 0.0);
    CHECK(difference(applied_in_place(augment::vertical_flip{}, {true}, down), in) == 0.0);
    CHECK(difference(applied(augment::horizontal_flip{}, {false}, in), in) == 0.0);
    CHECK(difference(applied(augment::vertical_flip{}, {false}, in), in) == 0.0);
  }
}

TEMPLATE_TEST_CASE("probability: a step happens as often as it says", "[augment][flip][grayscale][solarize]", augment::horizontal_flip,
                   augment::vertical_flip, augment::grayscale, augment::solarize) {
  constexpr index_t n = 20000;
  for (float p : {0.0f, 0.2f, 0.5f, 0.93f, 1.0f}) {
    TestType step;
    step.p = p;
    index_t hits = 0;
    for (index_t i = 0; i < n; ++i) {
      const auto r = step.draw(key(static_cast<std::uint64_t>(i)), {4, 4, 3}, {4, 4, 3});
      const auto& [happened] = r;
      hits += happened ? 1 : 0;
    }
    CHECK(plausible(hits, n, static_cast<double>(p)));
    if (p == 0.0f) CHECK(hits == 0);
    if (p == 1.0f) CHECK(hits == n);
  }
  TestType wrong;
  wrong.p = 1.5f;
  CHECK_THROWS_WITH(wrong.check(), Catch::Contains("augment.201"));
  wrong.p = NAN;
  CHECK_THROWS_WITH(wrong.check(), Catch::Contains(std::string(TestType::name)));
}

TEST_CASE("grayscale: agrees with torchvision; grey of grey is grey", "[augment][grayscale][golden]") {
  const golden::file file("augment");
  const auto in = floats(golden_image(file, "small"));
  const auto grey = applied(augment::grayscale{}, {true}, in);
  CHECK(difference(grey.values, file["grayscale.small"]) < 1e-6);
  CHECK(difference(applied_in_place(augment::grayscale{}, {true}, grey), grey) < 1.01e-4);  // 0.2989 + 0.587 + 0.114 = 0.9999
  const auto single = floats(5, 9, 1);
  CHECK(difference(applied(augment::grayscale{}, {true}, single), single) == 0.0);
  CHECK(difference(applied(augment::grayscale{}, {false}, in), in) == 0.0);
}

TEST_CASE("solarize: agrees with torchvision", "[augment][solarize][golden]") {
  const golden::file file("augment");
  for (const std::string name : {"small", "grey"}) {
    const auto in = floats(golden_image(file, name));
    CHECK(difference(applied(augment::solarize{}, {true}, in).values, file["solarize." + name]) < 1e-7);
    CHECK(difference(applied_in_place(augment::solarize{}, {true}, in).values, file["solarize." + name]) < 1e-7);
    CHECK(difference(applied(augment::solarize{}, {false}, in), in) == 0.0);
  }
  picture<float> edge(1, 3, 1);
  edge.values = {0.29f, 0.3f, 0.31f};
  CHECK(applied(augment::solarize{.threshold = 0.3f}, {true}, edge).values == std::vector<float>{0.29f, 1.0f - 0.3f, 1.0f - 0.31f});
}

TEST_CASE("normalize: agrees with torchvision, and its inverse brings the image back", "[augment][normalize][golden]") {
  const golden::file file("augment");
  const auto in = floats(golden_image(file, "small")), grey = floats(golden_image(file, "grey"));
  const auto forward = augment::normalize::imagenet();
  const auto out = applied(forward, {}, in);
  CHECK(difference(out.values, file["normalize.small"]) < 2e-6);
  CHECK(difference(applied(augment::normalize::mnist(), {}, grey).values, file["normalize.grey"]) < 2e-6);
  augment::normalize back;  // (y - (-m/d)) / (1/d) = y d + m
  back.mean = {-0.485f / 0.229f, -0.456f / 0.224f, -0.406f / 0.225f};
  back.deviation = {1 / 0.229f, 1 / 0.224f, 1 / 0.225f};
  CHECK(difference(applied_in_place(back, {}, out), in) < 1e-6);
  augment::normalize zero;
  zero.deviation.second = 0.0f;
  CHECK_THROWS_WITH(zero.check(), Catch::Contains("deviation"));
}

TEST_CASE("cutout: covers a square around a uniform pixel, cut at the borders", "[augment][cutout]") {
  const augment::cutout hole{.side = 0.5f, .fill = 0.25f};
  const auto in = floats(9, 14, 3);
  std::vector<index_t> covered(9 * 14);
  constexpr index_t n = 20000;
  for (index_t i = 0; i < n; ++i) {
    const auto b = hole.draw(key(static_cast<std::uint64_t>(i)), in.size(), in.size()).covered;
    REQUIRE((b.top >= 0 && b.left >= 0 && b.height >= 2 && b.height <= 5 && b.width <= 5 && b.top + b.height <= 9 && b.left + b.width <= 14));
    ++covered[static_cast<std::size_t>(b.top * 14 + b.left)];
    if (i < 5) {
      const auto out = applied(hole, {b}, in);
      for (index_t y = 0; y < 9; ++y)
        for (index_t x = 0; x < 14; ++x) {
          const bool inside = y >= b.top && y < b.top + b.height && x >= b.left && x < b.left + b.width;
          REQUIRE(out.view()(y, x, 1) == (inside ? 0.25f : in.view()(y, x, 1)));
        }
    }
  }
  CHECK(plausible(covered[0], n, 9.0 / (9 * 14)));            // three rows by three columns of middles start at the corner
  CHECK(plausible(covered[3 * 14 + 5], n, 1.0 / (9 * 14)));
  CHECK(difference(applied(augment::cutout{.side = 0}, augment::cutout{.side = 0}.draw(key(1), in.size(), in.size()), in), in) == 0.0);
  const auto one = augment::cutout{.side = 1}.draw(key(1), {1, 1, 3}, {1, 1, 3}).covered;
  CHECK(one == augment::box{0, 0, 1, 1});
  CHECK_THROWS_WITH((augment::cutout{.side = 1.1f}.check()), Catch::Contains("augment.203"));
}
