// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
namespace synthetic = pretext::data::synthetic;
using data_test::has;
using data_test::thrown;
using pretext::index_t;

namespace {

/// FNV-1a, 64 bits, over all pixels.
std::uint64_t hash(const data::image_set& s) {
  std::uint64_t h = 1469598103934665603u;
  for (index_t i = 0; i < s.size(); ++i)
    for (index_t k = 0; k < s.image(i).size(); ++k) h = (h ^ s.image(i).data[k]) * 1099511628211u;
  return h;
}

}  // namespace

TEST_CASE("glyphs: the pictures are frozen", "[data][synthetic]") {
  // Every accuracy in the documentation rests on these bytes. They must not change.
  CHECK(hash(data::glyphs({.count = 20})) == 0x9e363e7ffa1677d0u);
  CHECK(hash(data::glyphs({.count = 20, .seed = 7})) == 0xe5e35c1ffc25ae70u);
  CHECK(hash(data::glyphs({.count = 20, .size = 28, .channels = 1})) == 0xeb3c2a192576055cu);
  CHECK(hash(data::glyphs({.count = 20, .size = 128, .first = std::uint64_t{1} << 32})) == 0x77aa3a154934b127u);
  const auto s = data::glyphs({.count = 20});
  const int labels[] = {2, 4, 6, 0, 1, 3, 7, 5, 9, 8, 2, 4, 0, 5, 9, 8, 1, 7, 3, 6};
  for (index_t i = 0; i < 20; ++i) CHECK(s.label(i) == labels[i]);
}

TEST_CASE("glyphs: a picture depends on its number, not on how many there are", "[data][synthetic]") {
  const auto few = data::glyphs({.count = 7, .seed = 3, .size = 20}), many = data::glyphs({.count = 33, .seed = 3, .size = 20});
  const auto late = data::glyphs({.count = 3, .seed = 3, .size = 20, .first = 4});
  for (index_t i = 0; i < 7; ++i) {
    CHECK(few.label(i) == many.label(i));
    CHECK(std::equal(few.image(i).data, few.image(i).data + few.image(i).size(), many.image(i).data));
  }
  CHECK(std::equal(late.image(0).data, late.image(0).data + late.image(0).size(), many.image(4).data));
  CHECK(late.label(2) == many.label(6));
}

TEST_CASE("glyphs: ten in a row hold every class once", "[data][synthetic]") {
  const auto s = data::glyphs({.count = 100, .size = 16});
  CHECK(s.classes() == 10);
  CHECK(s.class_names().size() == 10);
  CHECK(s.labelled());
  for (index_t block = 0; block < 10; ++block) {
    std::vector<int> seen(10);
    for (index_t i = 0; i < 10; ++i) ++seen[static_cast<std::size_t>(s.label(10 * block + i))];
    CHECK(seen == std::vector<int>(10, 1));
  }
}

TEST_CASE("glyphs: class means say little about the class", "[data][synthetic]") {
  const auto train = data::glyphs({.count = 2000}), test = data::glyphs({.count = 500, .first = std::uint64_t{1} << 32});
  const auto n = static_cast<std::size_t>(train.shape(0).size());
  std::vector<std::vector<double>> mean(10, std::vector<double>(n));
  for (index_t i = 0; i < train.size(); ++i)
    for (std::size_t k = 0; k < n; ++k) mean[static_cast<std::size_t>(train.label(i))][k] += train.image(i).data[k] / 200.0;
  int right = 0;
  for (index_t i = 0; i < test.size(); ++i) {
    double best = HUGE_VAL;
    int guess = -1;
    for (int c = 0; c < 10; ++c) {
      double d = 0;
      for (std::size_t k = 0; k < n; ++k) {
        const double e = test.image(i).data[k] - mean[static_cast<std::size_t>(c)][k];
        d += e * e;
      }
      if (d < best) best = d, guess = c;
    }
    right += guess == test.label(i);
  }
  CHECK(right < 150);  // 30 %; chance is 10 %
}

TEST_CASE("glyphs: grey pictures keep the contrast of coloured ones", "[data][synthetic]") {
  const auto grey = data::glyphs({.count = 50, .channels = 1});
  for (index_t i = 0; i < grey.size(); ++i) {
    const auto v = grey.image(i);
    std::vector<std::uint8_t> p(v.data, v.data + v.size());
    std::sort(p.begin(), p.end());
    CHECK(p[p.size() - 1] - p[0] > 50);
  }
}

TEST_CASE("glyphs: settings out of range are refused", "[data][synthetic]") {
  for (const data::glyph_settings& s : {data::glyph_settings{.count = 0}, {.size = 15}, {.size = 129}, {.channels = 2}, {.count = -4}})
    CHECK(has(thrown([&] { (void)data::glyphs(s); }), "data.060"));
  CHECK(data::glyphs({.count = 1, .size = 16, .channels = 1}).size() == 1);
}

TEST_CASE("fixed point: sines and roots are near the real ones", "[data][synthetic]") {
  double worst = 0;
  for (int t = -70000; t < 140000; t += 7)
    worst = std::max(worst, std::fabs(synthetic::sin_q14(t) - 16384.0 * std::sin(t * 3.14159265358979323846 / 32768.0)));
  CHECK(worst < 11);
  CHECK(std::abs(synthetic::sin_q14(16384) - 16384) <= 2);
  CHECK(synthetic::sin_q14(0) == 0);
  for (const std::uint64_t v : {0ull, 1ull, 2ull, 3ull, 4ull, 99ull, 100ull, 1ull << 32, (1ull << 40) + 1}) {
    const std::uint64_t r = synthetic::root(v);
    CHECK(r * r <= v);
    CHECK((r + 1) * (r + 1) > v);
  }
}

TEST_CASE("stroke raster: a line covers its own pixels and no others", "[data][synthetic]") {
  synthetic::stroke_raster r(16);
  constexpr int u = synthetic::stroke_raster::unit;
  r.line({4 * u + u / 2, 8 * u + u / 2}, {11 * u + u / 2, 8 * u + u / 2}, 2 * u);  // along the middle of row 8
  const synthetic::stroke_raster::cover cover(u);                                  // two pixels wide
  CHECK(cover(r.row(8)[7]) == 256);
  CHECK(cover(r.row(8)[4]) == 256);
  CHECK(cover(r.row(9)[7]) == 128);  // its middle lies on the edge
  CHECK(cover(r.row(7)[7]) == 128);
  CHECK(cover(r.row(10)[7]) == 0);
  CHECK(cover(r.row(8)[13]) == 0);
  r.clear();
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x) CHECK(r.row(y)[x] == synthetic::stroke_raster::far_away);
}
