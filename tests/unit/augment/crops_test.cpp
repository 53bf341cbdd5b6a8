// SPDX-License-Identifier: BSD-3-Clause
// resize, resized_center_crop, center_crop, random_crop: the steps that choose a box without a random size.
#include <cmath>
#include <set>

#include "pictures.hpp"
#include "pretext/augment/image/center_crop.hpp"
#include "pretext/augment/image/random_crop.hpp"
#include "pretext/augment/image/resize.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;

TEST_CASE("center_crop: agrees with torchvision, also on images smaller than the view", "[augment][center_crop][golden]") {
  const golden::file file("augment");
  for (const char* which : {"0.photo", "1.photo", "2.small", "3.grey"}) {
    INFO(which);
    const auto wanted = file[std::string("center.") + which];
    const auto in = golden_image(file, std::string(which).substr(2));
    const augment::center_crop crop;
    const auto drawn = crop.draw(key(0), in.size(), {wanted.extents[0], wanted.extents[1], in.channels});
    CHECK(difference(applied(crop, drawn, in, wanted.extents[0], wanted.extents[1]).values, wanted) < 1e-7);
  }
}

TEST_CASE("resize: is the crop of everything", "[augment][resize][golden]") {
  const golden::file file("augment");
  const auto wanted = file["crop.1.photo.out"];
  CHECK(difference(applied(augment::resize{}, {}, golden_image(file, "photo"), wanted.extents[0], wanted.extents[1]).values, wanted) < 2e-6);
}

TEST_CASE("resize: a constant image stays constant at every size", "[augment][resize]") {
  for (index_t from : {1, 7, 13, 31, 257})
    for (index_t to : {1, 7, 13, 31, 64}) {
      const auto out = applied(augment::resize{}, {}, picture<float>(from, 5, 1, 0.3f), to, to);
      for (float v : out.values) REQUIRE(v == Approx(0.3f).epsilon(1e-6));
    }
}

TEST_CASE("resized_center_crop: takes the middle in the view's shape", "[augment][resize]") {
  const augment::resized_center_crop all{.keep = 1.0f};
  CHECK(all.draw(key(0), {100, 60, 3}, {32, 32, 3}).part == augment::box{20, 0, 60, 60});
  CHECK(all.draw(key(0), {60, 100, 3}, {32, 64, 3}).part == augment::box{5, 0, 50, 100});
  CHECK(all.draw(key(0), {32, 32, 3}, {32, 32, 3}).part == augment::box{0, 0, 32, 32});
  CHECK(augment::resized_center_crop{}.draw(key(0), {256, 256, 3}, {224, 224, 3}).part == augment::box{16, 16, 224, 224});
  CHECK(augment::resized_center_crop{.keep = 0.01f}.draw(key(0), {1, 9, 3}, {8, 8, 3}).part == augment::box{0, 4, 1, 1});
  CHECK_THROWS_WITH((augment::resized_center_crop{.keep = 0.0f}.check()), Catch::Contains("augment.203"));
}

TEST_CASE("random_crop: every place is reached equally often", "[augment][random_crop]") {
  const augment::random_crop crop{.padding = 2};
  std::vector<index_t> counts(5 * 5);
  constexpr index_t n = 25000;
  for (index_t i = 0; i < n; ++i) {
    const auto part = crop.draw(key(static_cast<std::uint64_t>(i)), {8, 8, 3}, {8, 8, 3}).part;
    REQUIRE((part.top >= -2 && part.top <= 2 && part.left >= -2 && part.left <= 2 && part.height == 8));
    ++counts[static_cast<std::size_t>((part.top + 2) * 5 + part.left + 2)];
  }
  for (index_t c : counts) CHECK(plausible(c, n, 1.0 / 25));
}

TEST_CASE("random_crop: shows the source inside and the fill outside", "[augment][random_crop]") {
  const auto in = floats(3, 4, 3);
  const augment::random_crop crop{.padding = 0, .fill = 0.5f};
  const auto out = applied(crop, {{-1, 2, 5, 5}}, in, 5, 5);
  for (index_t y = 0; y < 5; ++y)
    for (index_t x = 0; x < 5; ++x)
      for (index_t c = 0; c < 3; ++c) {
        const bool inside = y >= 1 && y <= 3 && x <= 1;
        CHECK(out.view()(y, x, c) == (inside ? in.view()(y - 1, x + 2, c) : 0.5f));
      }
}

TEST_CASE("random_crop: a view larger than the padded image is filled around it", "[augment][random_crop]") {
  const augment::random_crop crop{.padding = 1};
  std::set<std::int32_t> tops;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto part = crop.draw(key(i), {1, 1, 1}, {9, 9, 1}).part;
    REQUIRE((part.top <= 0 && part.top >= -8));  // the one pixel is always inside
    tops.insert(part.top);
  }
  CHECK(tops.size() > 3);
  const auto same = augment::random_crop{.padding = 0}.draw(key(0), {6, 6, 1}, {6, 6, 1}).part;
  CHECK((same.top == 0 && same.left == 0));
  CHECK_THROWS_WITH((augment::random_crop{.padding = -1}.check()), Catch::Contains("augment.203"));
}
