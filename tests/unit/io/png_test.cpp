// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/png.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "pretext/io/decode_image.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace io = pretext::io;
using pretext::image_view;
using io_test::has;
using io_test::thrown;

#if PRETEXT_HAS_PNG
namespace {

std::vector<std::uint8_t> ramp(std::size_t n) {
  std::vector<std::uint8_t> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<std::uint8_t>(i * 37 + i / 7);
  return v;
}

/// A PNG with any libpng colour type and depth, written by libpng itself; rows are packed as the format wants them.
std::vector<std::byte> raw_png(unsigned w, unsigned h, int depth, int colour, std::vector<std::vector<std::uint8_t>> rows,
                               bool transparent = false, int interlace = PNG_INTERLACE_NONE) {
  std::vector<std::byte> out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep from, png_size_t n) {
        auto& to = *static_cast<std::vector<std::byte>*>(png_get_io_ptr(p));
        const auto* begin = reinterpret_cast<const std::byte*>(from);
        to.insert(to.end(), begin, begin + n);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, w, h, depth, colour, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (colour == PNG_COLOR_TYPE_PALETTE) {
    png_color palette[3] = {{255, 0, 0}, {0, 255, 0}, {10, 20, 30}};
    png_set_PLTE(png, info, palette, 3);
    png_byte alpha[2] = {255, 0};  // green is transparent
    if (transparent) png_set_tRNS(png, info, alpha, 2, nullptr);
  }
  png_write_info(png, info);
  std::vector<png_bytep> pointers;
  for (auto& r : rows) pointers.push_back(r.data());
  png_write_image(png, pointers.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return out;
}

}  // namespace

TEST_CASE("png: grey and colour come back as they went", "[io][png]") {
  for (const auto& [h, w, c] : {std::tuple<int, int, int>{1, 1, 1}, {1, 1, 3}, {7, 13, 1}, {31, 5, 3}, {257, 3, 3}}) {
    const auto pixels = ramp(static_cast<std::size_t>(h * w * c));
    const auto back = io::decode_png(io::encode_png(image_view<const std::uint8_t>{pixels.data(), h, w, c}), "x");
    CHECK(back.height == h);
    CHECK(back.width == w);
    CHECK(back.channels == c);
    CHECK(back.pixels == pixels);
  }
}

TEST_CASE("png: a transparent image is laid on white", "[io][png]") {
  const std::vector<std::uint8_t> rgba{10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128};
  const auto colour = io::decode_png(io::encode_png({rgba.data(), 1, 3, 4}), "x");
  CHECK(colour.channels == 3);
  CHECK(colour.pixels == std::vector<std::uint8_t>{10, 20, 30, 255, 255, 255, 127, 127, 127});
  const std::vector<std::uint8_t> ga{100, 255, 100, 0, 200, 51};
  const auto grey = io::decode_png(io::encode_png({ga.data(), 1, 3, 2}), "x");
  CHECK(grey.channels == 1);
  CHECK(grey.pixels == std::vector<std::uint8_t>{100, 255, 244});
}

TEST_CASE("png: palettes become colour, transparent entries white", "[io][png]") {
  const auto plain = io::decode_png(raw_png(3, 1, 8, PNG_COLOR_TYPE_PALETTE, {{0, 1, 2}}), "x");
  CHECK(plain.pixels == std::vector<std::uint8_t>{255, 0, 0, 0, 255, 0, 10, 20, 30});
  const auto holes = io::decode_png(raw_png(3, 1, 8, PNG_COLOR_TYPE_PALETTE, {{0, 1, 2}}, true), "x");
  CHECK(holes.pixels == std::vector<std::uint8_t>{255, 0, 0, 255, 255, 255, 10, 20, 30});
}

TEST_CASE("png: 16 bits are scaled to 8, 1 bit to 0 and 255", "[io][png]") {
  const auto deep = io::decode_png(raw_png(3, 1, 16, PNG_COLOR_TYPE_GRAY, {{0, 0, 0x80, 0x80, 0xFF, 0xFF}}), "x");
  CHECK(deep.pixels == std::vector<std::uint8_t>{0, 128, 255});
  const auto bits = io::decode_png(raw_png(4, 1, 1, PNG_COLOR_TYPE_GRAY, {{0xA0}}), "x");
  CHECK(bits.pixels == std::vector<std::uint8_t>{255, 0, 255, 0});
}

TEST_CASE("png: an interlaced file has the pixels of a plain one", "[io][png]") {
  std::vector<std::vector<std::uint8_t>> rows;
  std::vector<std::uint8_t> all;
  for (unsigned y = 0; y < 13; ++y) {
    rows.push_back(ramp(11 + y));
    rows.back().resize(11);
    rows.back()[0] = static_cast<std::uint8_t>(y);
    all.insert(all.end(), rows.back().begin(), rows.back().end());
  }
  CHECK(io::decode_png(raw_png(11, 13, 8, PNG_COLOR_TYPE_GRAY, rows, false, PNG_INTERLACE_ADAM7), "x").pixels == all);
}

TEST_CASE("png: a file cut off at any byte of its data is an error with its name", "[io][png]") {
  const auto pixels = ramp(9 * 9 * 3);
  const auto whole = io::encode_png({pixels.data(), 9, 9, 3});
  // The last 12 bytes are the end mark, without which libpng still notices.
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::string what = thrown([&] { (void)io::decode_png(std::span(whole).first(n), "a.png"); });
    INFO(n << " " << what);
    CHECK(has(what, "pretext[image.002] a.png: "));
  }
}

TEST_CASE("png: a flipped byte in the data is an error, not other pixels", "[io][png]") {
  const auto pixels = ramp(9 * 9 * 3);
  const auto whole = io::encode_png({pixels.data(), 9, 9, 3});
  for (std::size_t i = 41; i + 16 < whole.size(); ++i) {  // inside IDAT
    auto bad = whole;
    bad[i] ^= std::byte{0x10};
    CHECK(has(thrown([&] { (void)io::decode_png(bad, "a.png"); }), "image.002"));
  }
}

TEST_CASE("png: sizes beyond the limits are refused before memory is given", "[io][png]") {
  const auto pixels = ramp(20 * 10);
  const auto file = io::encode_png({pixels.data(), 20, 10, 1});
  CHECK(has(thrown([&] { (void)io::decode_png(file, "a.png", {.max_pixels = 199}); }), "image.003] a.png: claims 10 x 20"));
  CHECK(has(thrown([&] { (void)io::decode_png(file, "a.png", {.max_side = 19}); }), "image.003"));
  CHECK(io::decode_png(file, "a.png", {.max_side = 20, .max_pixels = 200}).height == 20);
  // 2^31 - 1 squared, claimed by a header with a right checksum
  const auto row = ramp(1);
  auto lie = io::encode_png({row.data(), 1, 1, 1});
  const std::uint8_t huge[] = {0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF};
  for (std::size_t i = 0; i < 8; ++i) lie[16 + i] = std::byte{huge[i]};
  std::uint32_t crc = 0xFFFFFFFFu;
  for (std::size_t i = 12; i < 29; ++i) {
    crc ^= std::to_integer<std::uint32_t>(lie[i]);
    for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  crc = ~crc;
  for (std::size_t i = 0; i < 4; ++i) lie[29 + i] = static_cast<std::byte>(crc >> (24 - 8 * i));
  CHECK(has(thrown([&] { (void)io::decode_png(lie, "a.png"); }), "image.003"));
}

TEST_CASE("png: what is no image cannot be encoded", "[io][png]") {
  const std::uint8_t p[8] = {};
  CHECK(has(thrown([&] { (void)io::encode_png({p, 1, 1, 5}); }), "image.004"));
  CHECK(has(thrown([&] { (void)io::encode_png({p, 0, 1, 1}); }), "image.004"));
}

TEST_CASE("decode_image: the first bytes decide", "[io][png]") {
  const auto pixels = ramp(4);
  CHECK(io::decode_image(io::encode_png({pixels.data(), 2, 2, 1}), "x.jpg").pixels == pixels);
  CHECK(has(thrown([&] { (void)io::decode_image({}, "x.png"); }), "image.007] x.png: the file is empty"));
  CHECK(has(thrown([&] { (void)io::decode_image(io_test::to_bytes("hello, world"), "x.png"); }), "neither a PNG nor a JPEG"));
}
#else
TEST_CASE("png: a build without libpng says so in a sentence", "[io][png]") {
  WARN("skipped: all other PNG tests, this build has no libpng");
  CHECK(has(thrown([] { (void)io::decode_png({}, "a.png"); }), "image.001] a.png: this build has no libpng"));
}
#endif

TEST_CASE("convert_channels: grey to colour and back is the identity", "[io][png]") {
  io::decoded_image image{{1, 2, 250, 255}, 2, 2, 1};
  io::convert_channels(image, 3);
  CHECK(image.pixels == std::vector<std::uint8_t>{1, 1, 1, 2, 2, 2, 250, 250, 250, 255, 255, 255});
  io::convert_channels(image, 1);
  CHECK(image.pixels == std::vector<std::uint8_t>{1, 2, 250, 255});
  io::decoded_image red{{255, 0, 0}, 1, 1, 3};
  io::convert_channels(red, 1);
  CHECK(red.pixels == std::vector<std::uint8_t>{76});
}
