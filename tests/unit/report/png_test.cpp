// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/png.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace report = pretext::report;

namespace {

/// A decoder for stored and fixed-code blocks, written from RFC 1951 with its tables rather than with formulas.
std::string inflate(std::string_view in) {
  static constexpr unsigned length_base[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
  static constexpr unsigned length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
  static constexpr unsigned distance_base[] = {1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
  static constexpr unsigned distance_extra[] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
  std::size_t bit = 0;
  const auto take = [&](unsigned n) {
    unsigned v = 0;
    for (unsigned i = 0; i < n; ++i, ++bit) {
      if (bit / 8 >= in.size()) throw std::runtime_error("cut off");
      v |= (static_cast<unsigned>(static_cast<unsigned char>(in[bit / 8])) >> bit % 8 & 1u) << i;
    }
    return v;
  };
  const auto code = [&](unsigned n) {
    unsigned v = 0;
    while (n-- > 0) v = v << 1 | take(1);
    return v;
  };
  std::string out;
  for (bool last = false; !last;) {
    last = take(1) == 1;
    const unsigned type = take(2);
    if (type == 0) {
      bit = (bit + 7) / 8 * 8;
      const unsigned size = take(16);
      if ((take(16) ^ size) != 0xFFFF) throw std::runtime_error("stored sizes");
      for (unsigned i = 0; i < size; ++i) out += static_cast<char>(take(8));
      continue;
    }
    if (type != 1) throw std::runtime_error("block type");
    for (;;) {
      unsigned symbol = code(7);
      if (symbol < 24) symbol += 256;
      else {
        symbol = symbol << 1 | code(1);
        if (symbol >= 0x30 && symbol < 0xC0) symbol -= 0x30;
        else if (symbol >= 0xC0 && symbol < 0xC8) symbol = symbol - 0xC0 + 280;
        else symbol = (symbol << 1 | code(1)) - 0x190 + 144;
      }
      if (symbol == 256) break;
      if (symbol < 256) {
        out += static_cast<char>(symbol);
        continue;
      }
      const unsigned length = length_base[symbol - 257] + take(length_extra[symbol - 257]);
      const unsigned d = code(5);
      const unsigned distance = distance_base[d] + take(distance_extra[d]);
      if (distance > out.size()) throw std::runtime_error("distance");
      for (unsigned i = 0; i < length; ++i) out += out[out.size() - distance];
    }
  }
  return out;
}

unsigned number(std::string_view s, std::size_t at) {
  unsigned v = 0;
  for (std::size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(s[at + i]);
  return v;
}

/// Reads back what encode_png writes, checking every frame on the way.
report::picture decode(const std::string& png) {
  REQUIRE(png.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  report::picture p;
  std::string stream;
  std::size_t at = 8;
  std::string names;
  while (at < png.size()) {
    const std::size_t size = number(png, at);
    const std::string name = png.substr(at + 4, 4), data = png.substr(at + 8, size);
    REQUIRE(number(png, at + 8 + size) == report::detail::crc32(name + data));
    names += name;
    if (name == "IHDR") {
      p.width = number(data, 0), p.height = number(data, 4);
      REQUIRE(data[8] == 8);
      p.channels = data[9] == 0 ? 1 : 3;
      REQUIRE(data.substr(10) == std::string(3, '\0'));
    }
    if (name == "IDAT") stream = data;
    at += size + 12;
  }
  REQUIRE(names == "IHDRIDATIEND");
  REQUIRE((static_cast<unsigned char>(stream[0]) * 256 + static_cast<unsigned char>(stream[1])) % 31 == 0);
  const std::string rows = inflate(std::string_view(stream).substr(2, stream.size() - 6));
  REQUIRE(number(stream, stream.size() - 4) == report::detail::adler32(rows));
  const auto row = static_cast<std::size_t>(p.width * p.channels);
  REQUIRE(rows.size() == static_cast<std::size_t>(p.height) * (row + 1));
  for (std::size_t y = 0; y < static_cast<std::size_t>(p.height); ++y)
    for (std::size_t i = 0; i < row; ++i) {
      auto v = static_cast<std::uint8_t>(rows[y * (row + 1) + 1 + i]);
      const bool sub = rows[y * (row + 1)] == 1;
      if (sub && i >= static_cast<std::size_t>(p.channels)) v = static_cast<std::uint8_t>(v + p.pixels[p.pixels.size() - static_cast<std::size_t>(p.channels)]);
      p.pixels.push_back(v);
    }
  return p;
}

}  // namespace

TEST_CASE("png: checksums are the published ones", "[report][png]") {
  CHECK(report::detail::crc32("123456789") == 0xCBF43926u);
  CHECK(report::detail::crc32("") == 0);
  CHECK(report::detail::adler32("Wikipedia") == 0x11E60398u);
  CHECK(report::detail::adler32("") == 1);
}

TEST_CASE("png: one grey pixel has the expected bytes", "[report][png]") {
  const std::string png = report::encode_png({1, 1, 1, {0x5A}});
  CHECK(png.substr(0, 33) == std::string("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0\x3a\x7e\x9b\x55", 33));
  CHECK(png.substr(png.size() - 12) == std::string("\0\0\0\0IEND\xae\x42\x60\x82", 12));
}

TEST_CASE("png: pictures come back bit for bit", "[report][png]") {
  std::uint32_t state = 1;
  const auto random = [&] { return (state = state * 1664525u + 1013904223u) >> 24; };
  for (int kind = 0; kind < 4; ++kind)
    for (pretext::index_t channels : {1, 3})
      for (auto [h, w] : {std::pair<int, int>{1, 1}, {1, 300}, {300, 1}, {7, 13}, {28, 28}, {257, 130}}) {
        report::picture p{h, w, channels, {}};
        for (pretext::index_t i = 0; i < h * w * channels; ++i)
          p.pixels.push_back(static_cast<std::uint8_t>(kind == 0   ? 0
                                                       : kind == 1 ? random()
                                                       : kind == 2 ? i / channels * 2
                                                                   : (i / 50) % 3 * 100));
        const std::string png = report::encode_png(p);
        const report::picture back = decode(png);
        CHECK(back.height == h);
        CHECK(back.width == w);
        CHECK(back.channels == channels);
        CHECK(back.pixels == p.pixels);
        CHECK(png.size() <= p.pixels.size() + static_cast<std::size_t>(h) + 100);  // noise does not grow
        if (kind == 0 && h > 200 && w > 100) CHECK(png.size() < p.pixels.size() / 50);
      }
}

TEST_CASE("png: every length and distance of a match is coded right", "[report][png]") {
  for (std::size_t run = 1; run < 600; ++run) {
    const std::string data = "x" + std::string(run, 'y') + "z";
    CHECK(inflate(report::detail::fixed_deflate::pack(data)) == data);
  }
  for (std::size_t gap = 1; gap < 33000; gap = gap * 5 / 4 + 1) {
    std::string data = "\xfe\xfd\xfc\xfb\xfa";
    std::uint32_t state = 7;
    for (std::size_t i = 0; i < gap; ++i) data += static_cast<char>((state = state * 1664525u + 1013904223u) >> 25);
    data += "\xfe\xfd\xfc\xfb\xfa";
    CHECK(inflate(report::detail::fixed_deflate::pack(data)) == data);
  }
  for (std::size_t size : {0u, 1u, 65535u, 65536u, 200000u}) {
    const std::string data(size, 'q');
    CHECK(inflate(report::detail::stored_deflate(data)) == data);
    CHECK(inflate(report::detail::fixed_deflate::pack(data)) == data);
  }
}

TEST_CASE("png: a picture without pixels, with other channels or missing bytes is one sentence", "[report][png]") {
  for (const report::picture& p : {report::picture{}, report::picture{0, 3, 1, {}}, report::picture{1, 1, 2, {1, 2}}, report::picture{2, 2, 1, {1, 2, 3}},
                                   report::picture{1, 1, 1, {1, 2}}, report::picture{-1, -1, 1, {1}}})
    CHECK_THROWS_AS(report::encode_png(p), pretext::error);
}
