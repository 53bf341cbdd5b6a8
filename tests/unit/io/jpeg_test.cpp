// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/jpeg.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace io = pretext::io;
using io_test::has;
using io_test::thrown;

#if PRETEXT_HAS_JPEG
namespace {

std::vector<std::uint8_t> smooth(int h, int w, int c) {
  std::vector<std::uint8_t> v;
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x)
      for (int k = 0; k < c; ++k) v.push_back(static_cast<std::uint8_t>(40 + 150 * y / h + 30 * x / w + 10 * k));
  return v;
}

}  // namespace

TEST_CASE("jpeg: pixels come back within a few levels", "[io][jpeg]") {
  for (const int c : {1, 3})
    for (const auto& [h, w] : {std::pair{1, 1}, {7, 13}, {16, 16}, {31, 65}}) {
      const auto pixels = smooth(h, w, c);
      const auto back = io::decode_jpeg(io::encode_jpeg({pixels.data(), h, w, c}, 98), "x");
      REQUIRE(back.height == h);
      REQUIRE(back.width == w);
      REQUIRE(back.channels == c);
      int worst = 0;
      for (std::size_t i = 0; i < pixels.size(); ++i) worst = std::max(worst, std::abs(int{pixels[i]} - int{back.pixels[i]}));
      CHECK(worst <= 8);
    }
}

TEST_CASE("jpeg: a file cut off at any byte is an error, not a grey area", "[io][jpeg]") {
  const auto pixels = smooth(24, 24, 3);
  const auto whole = io::encode_jpeg({pixels.data(), 24, 24, 3});
  for (std::size_t n = 0; n + 2 < whole.size(); ++n) {  // without the end mark alone all pixels are still there
    const std::string what = thrown([&] { (void)io::decode_jpeg(std::span(whole).first(n), "a.jpg"); });
    INFO(n << " of " << whole.size() << " " << what);
    CHECK(has(what, "pretext[image.002] a.jpg: no readable JPEG image ("));
  }
}

TEST_CASE("jpeg: sizes beyond the limits are refused", "[io][jpeg]") {
  const auto pixels = smooth(20, 10, 1);
  const auto file = io::encode_jpeg({pixels.data(), 20, 10, 1});
  CHECK(has(thrown([&] { (void)io::decode_jpeg(file, "a.jpg", {.max_pixels = 199}); }), "image.003"));
  CHECK(io::decode_jpeg(file, "a.jpg", {.max_pixels = 200}).width == 10);
}

TEST_CASE("jpeg: CMYK is refused by name", "[io][jpeg]") {
  const auto pixels = smooth(8, 8, 4);
  const auto file = io::encode_jpeg({pixels.data(), 8, 8, 4});
  CHECK(has(thrown([&] { (void)io::decode_jpeg(file, "a.jpg"); }), "image.006] a.jpg: a JPEG with 4 components"));
}

TEST_CASE("jpeg: what is no image can be neither read nor written", "[io][jpeg]") {
  const std::uint8_t p[8] = {};
  CHECK(has(thrown([&] { (void)io::encode_jpeg({p, 1, 1, 2}); }), "image.004"));
  CHECK(has(thrown([&] { (void)io::encode_jpeg({p, 1, 70000, 1}); }), "image.005"));
  CHECK(has(thrown([&] { (void)io::decode_jpeg(io_test::to_bytes("not a JPEG"), "a.jpg"); }), "image.002"));
}
#else
TEST_CASE("jpeg: a build without libjpeg says so in a sentence", "[io][jpeg]") {
  WARN("skipped: all other JPEG tests, this build has no libjpeg");
  CHECK(has(thrown([] { (void)io::decode_jpeg({}, "a.jpg"); }), "image.001] a.jpg: this build has no libjpeg"));
}
#endif
