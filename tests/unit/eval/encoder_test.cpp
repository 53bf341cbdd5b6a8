// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/encoder.hpp"

#include "../train/tiny.hpp"
#include "pretext/backend/reference/reference.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace eval = pretext::eval;
using px::index_t;

namespace {
using trainer = px::train::trainer<tiny::simclr, px::backend::reference>;
trainer::settings_type settings() { return tiny::settings<trainer>(10); }
}  // namespace

TEST_CASE("features: a row an image, with its label where the set has labels", "[eval][encoder]") {
  const trainer t(settings());
  const auto labelled = tiny::bars(10);
  const auto h = eval::features(t.encoder(), labelled);
  CHECK(h.rows == 10);
  CHECK(h.columns == 7);
  CHECK(h.values == t.encoder().embed(labelled));
  CHECK(h.labels == std::vector<int>{0, 1, 2, 0, 1, 2, 0, 1, 2, 0});
  CHECK(eval::features(t.encoder(), tiny::pictures(4)).labels.empty());
  CHECK(eval::features(t.encoder(), labelled.first(0)).rows == 0);
}

TEST_CASE("pixels: bytes divided by 255 where the size fits, resized where not", "[eval][encoder]") {
  const auto data = tiny::pictures(300);  // more than one gather
  const auto p = eval::pixels(data, {9, 7, 1});
  REQUIRE(p.rows == 300);
  REQUIRE(p.columns == 63);
  bool equal = true;
  for (index_t i = 0; i < 300; ++i)
    for (index_t k = 0; k < 63; ++k)
      equal = equal && p.values[static_cast<std::size_t>(i * 63 + k)] == Approx(static_cast<float>(data.image(i).data[k]) / 255.0f).epsilon(1e-6);
  CHECK(equal);
  const std::vector<std::uint8_t> grey(2 * 12 * 10, 51);  // a constant stays one at any size
  for (const px::augment::image_size size : {px::augment::image_size{9, 7, 1}, {30, 41, 1}, {1, 1, 1}})
    for (const float v : eval::pixels(px::data::in_memory(grey, 2, 12, 10, 1), size).values) CHECK(v == Approx(0.2f).epsilon(1e-5));
}

TEST_CASE("linear_probe and knn of an encoder are those of its features", "[eval][encoder]") {
  trainer t(settings());
  const auto train = tiny::bars(30, 5), test = tiny::bars(45, 77);
  t.encoder().update_statistics(train, 30);
  const auto a = eval::features(t.encoder(), train), b = eval::features(t.encoder(), test);
  CHECK(eval::linear_probe(t.encoder(), train, test).accuracy == eval::linear_probe(a, b, {.classes = 3}).accuracy);
  CHECK(eval::knn(t.encoder(), train, test, {.k = 5}).accuracy == eval::knn(a, b, {.k = 5, .classes = 3}).accuracy);
  CHECK(eval::linear_probe(t.encoder(), train, test).accuracy > 0.6);  // an untrained encoder, chance is a third
  CHECK(eval::knn(t.encoder(), train, test, {.k = 5}).accuracy > 0.5);
  CHECK(eval::linear_probe(eval::pixels(train, {9, 7, 1}), eval::pixels(test, {9, 7, 1}), {.classes = 3}).accuracy == 1);
}
