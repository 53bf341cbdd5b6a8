// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "../core/error.hpp"
#include "picture.hpp"

// A PNG encoder that needs no library, for pictures inside a report. It finds repetitions (DEFLATE with the fixed
// codes), which is what drawings and dark borders have; for photographs it is about as large as the pixels.
namespace pretext::report {

namespace detail {

inline std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

inline std::uint32_t adler32(std::string_view bytes) {
  std::uint32_t a = 1, b = 0;
  for (const char c : bytes) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

inline void append_big_endian(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(static_cast<unsigned char>(value >> shift & 255));
}

/// One DEFLATE block with the fixed codes (RFC 1951, 3.2.6).
class fixed_deflate {
 public:
  static std::string pack(std::string_view data) {
    fixed_deflate packer;
    packer.bits(1, 1);  // last block
    packer.bits(1, 2);  // fixed codes
    packer.run(data);
    packer.symbol(256);
    if (packer.used_ > 0) packer.bits(0, 8 - packer.used_);
    return std::move(packer.out_);
  }

 private:
  static constexpr std::size_t max_match = 258, max_distance = 32768;

  void run(std::string_view data) {
    std::vector<std::size_t> last(1u << 12, data.size());  // where a hash of three bytes was seen last
    const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(data[i]); };
    for (std::size_t at = 0; at < data.size();) {
      std::size_t length = 0, distance = 0;
      if (at + 3 <= data.size()) {
        const auto hash = (byte(at) * 2654435761u ^ byte(at + 1) * 40503u * 7u ^ byte(at + 2) * 69069u) >> 3 & 0xFFFu;
        const std::size_t before = last[hash];
        last[hash] = at;
        if (before < at && at - before <= max_distance) {
          while (length < max_match && at + length < data.size() && data[before + length] == data[at + length]) ++length;
          distance = at - before;
        }
      }
      if (length >= 4) {
        match(length, distance);
        at += length;
      } else {
        symbol(byte(at));
        ++at;
      }
    }
  }

  void match(std::size_t length, std::size_t distance) {
    // Lengths 3..258 in groups of 4 codes, each group with one more extra bit; distances in groups of 2.
    if (length == max_match) {
      symbol(285);
    } else {
      const auto [code, extra, rest] = group(static_cast<unsigned>(length - 3), 4);
      symbol(257 + code);
      bits(rest, extra);
    }
    const auto [code, extra, rest] = group(static_cast<unsigned>(distance - 1), 2);
    huffman(code, 5);
    bits(rest, extra);
  }

  struct grouped_value {
    unsigned code;
    int extra;
    unsigned rest;
  };
  static grouped_value group(unsigned value, unsigned codes) {
    int extra = 0;
    while (value >> extra >= 2 * codes) ++extra;
    return {static_cast<unsigned>(extra) * codes + (value >> extra), extra, value & ((1u << extra) - 1)};
  }

  void symbol(unsigned s) {
    if (s < 144) huffman(0x30 + s, 8);
    else if (s < 256) huffman(0x190 + s - 144, 9);
    else if (s < 280) huffman(s - 256, 7);
    else huffman(0xC0 + s - 280, 8);
  }
  // Codes go into the stream from their most significant bit, everything else from the least.
  void huffman(unsigned code, int length) {
    for (int i = length - 1; i >= 0; --i) bits(code >> i & 1, 1);
  }
  void bits(unsigned value, int count) {
    held_ |= static_cast<std::uint64_t>(value) << used_;
    used_ += count;
    for (; used_ >= 8; used_ -= 8, held_ >>= 8) out_ += static_cast<char>(static_cast<unsigned char>(held_ & 255));
  }

  std::string out_;
  std::uint64_t held_ = 0;
  int used_ = 0;
};

/// The same without compression (RFC 1951, 3.2.4).
inline std::string stored_deflate(std::string_view data) {
  std::string out;
  do {
    const std::string_view block = data.substr(0, 65535);
    data.remove_prefix(block.size());
    const auto size = static_cast<unsigned>(block.size());
    out += data.empty() ? '\1' : '\0';
    for (const unsigned v : {size & 255, size >> 8, ~size & 255, ~size >> 8 & 255}) out += static_cast<char>(static_cast<unsigned char>(v));
    out += block;
  } while (!data.empty());
  return out;
}

inline void append_png_chunk(std::string& out, std::string_view name, std::string_view data) {
  append_big_endian(out, static_cast<std::uint32_t>(data.size()));
  const std::string content = std::string(name).append(data);
  out += content;
  append_big_endian(out, crc32(content));
}

}  // namespace detail

/// The bytes of a PNG file.
/// errors  report.110 a picture that is empty, is neither grey nor RGB, or has not as many bytes as pixels
inline std::string encode_png(const picture& image) {
  const auto row = static_cast<std::size_t>(image.width * image.channels);
  if (image.height < 1 || image.width < 1 || (image.channels != 1 && image.channels != 3) ||
      image.pixels.size() != row * static_cast<std::size_t>(image.height))
    throw_error("report.110", "a picture needs at least one pixel, 1 or 3 channels, and a byte for each; check the image's shape");
  // Two candidates: rows as they are (drawings repeat themselves), and differences to the pixel on the left (gradients).
  std::string plain, sub;
  const auto step = static_cast<std::size_t>(image.channels);
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y) {
    plain += '\0';
    sub += '\1';
    for (std::size_t i = 0; i < row; ++i) {
      const std::uint8_t value = image.pixels[y * row + i];
      const std::uint8_t left = i >= step ? image.pixels[y * row + i - step] : std::uint8_t{0};
      plain += static_cast<char>(value);
      sub += static_cast<char>(static_cast<std::uint8_t>(value - left));
    }
  }
  std::string data = detail::stored_deflate(plain);
  const std::string* source = &plain;
  for (const std::string* candidate : {&plain, &sub}) {
    std::string packed = detail::fixed_deflate::pack(*candidate);
    if (packed.size() < data.size()) data = std::move(packed), source = candidate;
  }

  std::string header;
  detail::append_big_endian(header, static_cast<std::uint32_t>(image.width));
  detail::append_big_endian(header, static_cast<std::uint32_t>(image.height));
  header += '\x08';                                // bits per channel
  header += image.channels == 1 ? '\0' : '\2';     // grey, RGB
  header += std::string_view("\0\0\0", 3);         // the only compression and filter method, no interlacing
  std::string stream = "\x78\x01" + data;          // zlib's header: 32 KiB window
  detail::append_big_endian(stream, detail::adler32(*source));

  std::string out = "\x89PNG\r\n\x1a\n";
  detail::append_png_chunk(out, "IHDR", header);
  detail::append_png_chunk(out, "IDAT", stream);
  detail::append_png_chunk(out, "IEND", {});
  return out;
}

}  // namespace pretext::report
