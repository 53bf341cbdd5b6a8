// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "pretext/augment/image/random_resized_crop.hpp"

#include <algorithm>
#include <cmath>

#include "pictures.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;
using augment::random_resized_crop;

TEST_CASE("random_resized_crop: pixels are torchvision's antialiased bilinear", "[augment][random_resized_crop][golden]") {
  const golden::file file("augment");
  int seen = 0;
  for (const char* which : {"0.photo", "1.photo", "2.photo", "3.photo", "4.grey", "5.one", "6.line", "7.small"}) {
    INFO(which);
    const std::string at = std::string("crop.") + which;
    const auto b = file[at + ".box"];
    const auto wanted = file[at + ".out"];
    const auto in = golden_image(file, std::string(which).substr(2));
    const random_resized_crop::record drawn{{static_cast<std::int32_t>(b[0]), static_cast<std::int32_t>(b[1]),
                                             static_cast<std::int32_t>(b[2]), static_cast<std::int32_t>(b[3])}};
    CHECK(difference(applied(random_resized_crop{}, drawn, in, wanted.extents[0], wanted.extents[1]).values, wanted) < 2e-6);
    CHECK(difference(applied(random_resized_crop{}, drawn, floats(in), wanted.extents[0], wanted.extents[1]).values, wanted) < 2e-6);
    ++seen;
  }
  CHECK(seen == 8);
}

TEST_CASE("random_resized_crop: boxes are distributed as torchvision's", "[augment][random_resized_crop][golden]") {
  const golden::file file("augment");
  const random_resized_crop crop;
  constexpr int n = 50000;
  std::vector<double> area(n), log_ratio(n);
  double top = 0.0, left = 0.0, mean_area = 0.0;
  for (int i = 0; i < n; ++i) {
    const auto part = crop.draw(key(static_cast<std::uint64_t>(i)), {40, 56, 3}, {32, 32, 3}).part;
    REQUIRE((part.top >= 0 && part.left >= 0 && part.height > 0 && part.width > 0));
    REQUIRE((part.top + part.height <= 40 && part.left + part.width <= 56));
    const auto j = static_cast<std::size_t>(i);
    area[j] = part.height * part.width / (40.0 * 56.0);
    log_ratio[j] = std::log(static_cast<double>(part.width) / part.height);
    mean_area += area[j] / n;
    top += part.top / static_cast<double>(n);
    left += part.left / static_cast<double>(n);
  }
  std::sort(area.begin(), area.end());
  std::sort(log_ratio.begin(), log_ratio.end());
  const auto areas = file["distribution.area"], ratios = file["distribution.log_ratio"];
  for (index_t q = 0; q < 19; ++q) {
    // The share below torchvision's quantile, ties counted half on each side: both samples are on the same grid.
    const auto share = [&](const std::vector<double>& v, double x) {
      const auto low = std::lower_bound(v.begin(), v.end(), x - 1e-9) - v.begin(), high = std::upper_bound(v.begin(), v.end(), x + 1e-9) - v.begin();
      return std::pair(static_cast<double>(low) / n, static_cast<double>(high) / n);
    };
    const double wanted = static_cast<double>(q + 1) / 20.0;
    INFO("quantile " << wanted);
    const auto [area_low, area_high] = share(area, areas[q]);
    CHECK((area_low < wanted + 0.012 && area_high > wanted - 0.012));
    const auto [ratio_low, ratio_high] = share(log_ratio, ratios[q]);
    CHECK((ratio_low < wanted + 0.012 && ratio_high > wanted - 0.012));
  }
  CHECK(mean_area == Approx(file.number("distribution.mean_area")).margin(0.006));
  CHECK(top == Approx(file["distribution.mean_top_left"][0]).margin(0.25));
  CHECK(left == Approx(file["distribution.mean_top_left"][1]).margin(0.35));
}

TEST_CASE("random_resized_crop: scale and ratio of one give the image itself", "[augment][random_resized_crop]") {
  const random_resized_crop crop{.scale = {1.0f, 1.0f}, .ratio = {1.0f, 1.0f}};
  for (index_t side : {1, 2, 7, 31, 257}) {
    const auto in = floats(side, side, 3);
    const auto drawn = crop.draw(key(5), in.size(), in.size());
    CHECK(drawn.part == augment::box{0, 0, static_cast<std::int32_t>(side), static_cast<std::int32_t>(side)});
    CHECK(difference(applied(crop, drawn, in), in) == 0.0);
  }
}

TEST_CASE("random_resized_crop: shapes that fit no box fall back to the largest central one", "[augment][random_resized_crop]") {
  const random_resized_crop crop;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto tall = crop.draw(key(i), {1000, 1, 3}, {32, 32, 3}).part;
    CHECK((tall.width == 1 && tall.height >= 1 && tall.top + tall.height <= 1000));
    const auto wide = crop.draw(key(i), {2, 3000, 3}, {32, 32, 3}).part;
    CHECK((wide.height <= 2 && wide.width <= 3 && wide.left + wide.width <= 3000));
  }
  const auto fallback = random_resized_crop{.scale = {1.0f, 1.0f}}.draw(key(1), {4, 100, 3}, {8, 8, 3}).part;
  CHECK(fallback == augment::box{0, 47, 4, 5});  // 4 * 4/3 rounds to 5, centred
  const auto upright = random_resized_crop{.scale = {1.0f, 1.0f}}.draw(key(1), {100, 3, 3}, {8, 8, 3}).part;
  CHECK(upright == augment::box{48, 0, 4, 3});
  CHECK(crop.draw(key(2), {1, 1, 1}, {32, 32, 1}).part == augment::box{0, 0, 1, 1});
  CHECK(random_resized_crop{.scale = {0.0f, 0.0f}}.draw(key(2), {9, 9, 1}, {32, 32, 1}).part == augment::box{0, 0, 9, 9});
}

TEST_CASE("random_resized_crop: huge and tiny sources give values in [0, 1]", "[augment][random_resized_crop]") {
  for (auto [h, w] : {std::pair<index_t, index_t>{1, 1}, {1, 2000}, {2000, 1}, {3, 700}, {700, 501}}) {
    picture<std::uint8_t> white(h, w, 3, 255);
    const random_resized_crop crop;
    const auto out = applied(crop, crop.draw(key(3), white.size(), {13, 31, 3}), white, 13, 31);
    for (float v : out.values) REQUIRE((v > 0.999999f && v <= 1.0f));
  }
}

TEST_CASE("random_resized_crop: a smaller source fits into the memory of a larger", "[augment][random_resized_crop]") {
  const random_resized_crop crop;
  for (index_t out : {1, 2, 5, 16})
    for (index_t h = 1; h <= 33; ++h)
      for (index_t w : {1, 2, 3, 16, 17, 33})
        REQUIRE(crop.scratch_floats({h, w, 3}, {out, out, 3}) <= crop.scratch_floats({33, 33, 3}, {out, out, 3}));
}

TEST_CASE("random_resized_crop: settings that make no sense are refused", "[augment][random_resized_crop]") {
  CHECK_THROWS_WITH((random_resized_crop{.scale = {0.9f, 0.2f}}.check()), Catch::Contains("augment.202"));
  CHECK_THROWS_WITH((random_resized_crop{.scale = {0.5f, 1.5f}}.check()), Catch::Contains("augment.202"));
  CHECK_THROWS_WITH((random_resized_crop{.ratio = {0.0f, 1.0f}}.check()), Catch::Contains("ratio"));
  CHECK_THROWS_WITH((random_resized_crop{.scale = {NAN, 1.0f}}.check()), Catch::Contains("scale"));
}
