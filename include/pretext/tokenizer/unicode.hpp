// SPDX-License-Identifier: BSD-3-Clause
// opt-in: tables of Unicode, for programs that read text
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "../io/utf8.hpp"
#include "unicode_tables.hpp"

/// What tokenizers ask of a code point. The version of Unicode is told in docs/policies/tokenizer.md.
namespace pretext::tokenizer::unicode {

/// What stands at a place of a text. Bytes that are not UTF-8 are U+FFFD, one byte each.
struct point {
  char32_t value;
  std::uint32_t bytes;
};

inline point point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
  if (byte(0) < 0x80) return {byte(0), 1};
  switch (io::utf8_length(text, at)) {
    case 2: return {(byte(0) & 0x1F) << 6 | (byte(1) & 0x3F), 2};
    case 3: return {(byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
    case 4: return {(byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
    default: return {0xFFFD, 1};
  }
}

enum flag : std::uint8_t {
  dropped = 1,      // clean_text of BERT takes it out: controls but for \t \n \r, U+0000, U+FFFD
  space = 2,        // White_Space
  punctuation = 4,  // general category P, and every printable ASCII sign
  mark = 8,         // general category Mn
  letter = 16,      // general category L
  number = 32,      // general category N
  ideograph = 64,   // what BERT puts spaces around
};

namespace detail {
/// The value of the run that a code point lies in: runs are begin << 8 | value.
template <std::size_t N>
std::uint8_t value_of_run(const std::uint32_t (&runs)[N], char32_t c) {
  const auto after = std::upper_bound(std::begin(runs), std::end(runs), static_cast<std::uint32_t>(c) << 8 | 0xFF);
  return static_cast<std::uint8_t>(*(after - 1) & 0xFF);
}

struct ascii_table {
  std::uint8_t flags[128] = {};
  constexpr ascii_table() {
    for (int c = 0; c < 128; ++c) {
      const bool small = c >= 'a' && c <= 'z', large = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
      const bool white = (c >= 9 && c <= 13) || c == ' ';
      const bool control = (c < 32 && c != '\t' && c != '\n' && c != '\r') || c == 127;
      flags[c] = static_cast<std::uint8_t>((control ? dropped : 0) | (white ? space : 0) | (small || large ? letter : 0) |
                                           (digit ? number : 0) | (c > 32 && c < 127 && !small && !large && !digit ? punctuation : 0));
    }
  }
};
inline constexpr ascii_table ascii;
}  // namespace detail

inline std::uint8_t flags_of(char32_t c) { return c < 128 ? detail::ascii.flags[c] : detail::value_of_run(tables::flags, c); }

/// The canonical combining class; 0 is a starter.
inline std::uint8_t order_of(char32_t c) { return c < 0x300 ? std::uint8_t{0} : detail::value_of_run(tables::orders, c); }

/// A code point as one to four others.
struct points {
  char32_t value[4];
  std::uint32_t count;
};

/// Lower case of one code point, without regard to its neighbours.
inline points lower_of(char32_t c) {
  if (c < 128) return {{c >= 'A' && c <= 'Z' ? c + 32 : c}, 1};
  if (c == 0x130) return {{U'i', 0x307}, 2};
  const auto after = std::upper_bound(std::begin(tables::cases), std::end(tables::cases), static_cast<std::uint32_t>(c),
                                      [](std::uint32_t x, const tables::case_run& r) { return x < r.first; });
  // Runs two apart interleave with others, so the run before may be the one.
  for (auto run = after; run != std::begin(tables::cases) && after - run < 3;) {
    --run;
    if (c <= run->last && (c - run->first) % run->step == 0)
      return {{static_cast<char32_t>(static_cast<std::int64_t>(c) + run->distance)}, 1};
  }
  return {{c}, 1};
}

/// The canonical decomposition of one code point, all the way.
inline points parts_of(char32_t c) {
  if (c < 0xC0) return {{c}, 1};
  if (c >= 0xAC00 && c < 0xD7A4) {
    const char32_t s = c - 0xAC00, tail = s % 28;
    return {{0x1100 + s / 588, 0x1161 + s % 588 / 28, 0x11A7 + tail}, tail == 0 ? 2u : 3u};
  }
  const auto found = std::lower_bound(std::begin(tables::composed), std::end(tables::composed), static_cast<std::uint32_t>(c));
  if (found == std::end(tables::composed) || *found != c) return {{c}, 1};
  const auto i = found - std::begin(tables::composed);
  points out{{}, 0};
  for (std::uint32_t k = tables::parts_begin[i]; k < tables::parts_begin[i + 1]; ++k) out.value[out.count++] = tables::parts[k];
  return out;
}

}  // namespace pretext::tokenizer::unicode
