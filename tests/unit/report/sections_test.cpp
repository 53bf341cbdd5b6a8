// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/report/sections.hpp"

#include <set>

#include "../train/tiny.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace report = pretext::report;
namespace augment = pretext::augment;
using px::index_t;

namespace {
using cropped = augment::as_views<augment::chain<augment::random_resized_crop, augment::horizontal_flip>>;
using plain = augment::as_views<augment::chain<augment::gaussian_noise>>;

/// Rows whose first two columns carry everything.
px::eval::feature_matrix rows(index_t n, index_t columns) {
  px::eval::feature_matrix m{{}, n, columns, {}};
  for (index_t i = 0; i < n; ++i) {
    for (index_t j = 0; j < columns; ++j) m.values.push_back(j == 0 ? static_cast<float>(10 * i) : j == 1 ? static_cast<float>(i % 2) : 0.0f);
    m.labels.push_back(static_cast<int>(i % 3));
  }
  return m;
}
}  // namespace

TEST_CASE("view_grid: a row a sample: the source with its boxes, then the views the trainer makes", "[report][sections]") {
  const auto data = tiny::pictures(20, 12, 10);
  const cropped views{};
  const augment::image_size input{9, 7, 1};
  const auto grid = report::view_grid(views, data, input, 3, 4);
  REQUIRE(grid.groups.size() == 4);
  for (std::size_t s = 0; s < 4; ++s) {
    const auto& row = grid.groups[s];
    REQUIRE(row.size() == 3);
    CHECK(row[0].picture.height == 12);
    CHECK(row[0].picture.width == 10);
    const auto source = data.image(static_cast<index_t>(5 * s));
    CHECK(std::equal(row[0].picture.pixels.begin(), row[0].picture.pixels.end(), source.data));
    REQUIRE(row[0].boxes.size() == 2);
    for (const auto& b : row[0].boxes) {
      CHECK(b.x >= 0);
      CHECK(b.y >= 0);
      CHECK(b.width >= 1);
      CHECK(b.height >= 1);
      CHECK(b.x + b.width <= 10);
      CHECK(b.y + b.height <= 12);
    }
    CHECK(row[1].picture.height == 9);
    CHECK(row[2].picture.width == 7);
    CHECK(row[1].colour != row[2].colour);
  }
  // the pixels are those of a step in epoch 0
  std::vector<float> scratch(static_cast<std::size_t>(views.scratch_floats({12, 10, 1}, input))), pixels(63);
  augment::context memory{scratch};
  const px::image_view<float> out{pixels.data(), 9, 7, 1};
  views.write<0>(memory, px::rng::key{.seed = 3, .sample = 5}, 1, data.image(5), out);
  CHECK(grid.groups[1][2].picture.pixels == report::to_picture(px::image_view<const float>(out)).pixels);
}

TEST_CASE("view_grid: chains without a crop have no boxes; few or no images give few or no rows", "[report][sections]") {
  const auto grid = report::view_grid(plain{}, tiny::pictures(2), {9, 7, 1}, 0);
  REQUIRE(grid.groups.size() == 2);
  CHECK(grid.groups[0][0].boxes.empty());
  CHECK(report::view_grid(plain{}, px::data::image_set(), {9, 7, 1}, 0).groups.empty());
}

TEST_CASE("embedding_map: the principal components of the rows, with their labels", "[report][sections]") {
  const auto map = report::embedding_map(rows(30, 5), {"a", "b", "c"});
  REQUIRE(map.x.size() == 30);
  REQUIRE(map.y.size() == 30);
  CHECK(map.label_names == std::vector<std::string>{"a", "b", "c"});
  CHECK(map.labels[4] == 1);
  for (std::size_t i = 1; i < 30; ++i) CHECK(std::fabs(std::fabs(map.x[i] - map.x[i - 1]) - 10) < 0.5);  // the first column, up to sign
  const auto fewer = report::embedding_map(rows(30, 5), {}, 7);
  CHECK(fewer.x.size() == 7);
  CHECK(fewer.labels == std::vector<int>{0, 1, 2, 0, 2, 0, 1});  // spread over all: rows 0, 4, 8, 12, 17, 21, 25
}

TEST_CASE("embedding_map: too few rows or columns give an empty map", "[report][sections]") {
  CHECK(report::embedding_map(rows(2, 5), {}).x.empty());
  CHECK(report::embedding_map(rows(5, 1), {}).x.empty());
  CHECK(report::embedding_map(px::eval::feature_matrix{{}, 0, 4, {}}, {}).x.empty());
}

TEST_CASE("neighbours: each query with the images nearest by cosine, best first", "[report][sections]") {
  const auto train = tiny::bars(12, 5), test = tiny::bars(3, 9);
  px::eval::feature_matrix near{{}, 12, 3, {}}, asked{{}, 3, 3, {}};
  for (index_t i = 0; i < 12; ++i)
    for (index_t j = 0; j < 3; ++j) near.values.push_back(j == i % 3 ? 1.0f : 0.01f * static_cast<float>(i));
  for (index_t i = 0; i < 3; ++i)
    for (index_t j = 0; j < 3; ++j) asked.values.push_back(j == i ? 1.0f : 0.0f);
  const auto found = report::neighbours(train, near, test, asked, 3, 4);
  REQUIRE(found.rows.size() == 3);
  for (std::size_t q = 0; q < 3; ++q) {
    CHECK(found.rows[q].label == std::to_string(q));
    REQUIRE(found.rows[q].found.size() == 4);
    for (std::size_t k = 0; k < 4; ++k) CHECK(found.rows[q].found[k].label == std::to_string(q));
    for (std::size_t k = 1; k < 4; ++k) CHECK(found.rows[q].found[k].similarity <= found.rows[q].found[k - 1].similarity);
    const auto source = test.image(static_cast<index_t>(q));
    CHECK(std::equal(found.rows[q].query.pixels.begin(), found.rows[q].query.pixels.end(), source.data));
  }
  CHECK(report::neighbours(train, near, test, asked, 3, 13).rows.empty());  // fewer images than neighbours
  CHECK(report::neighbours(train, near, px::data::image_set(), px::eval::feature_matrix{{}, 0, 3, {}}).rows.empty());
}
