// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "../io/utf8.hpp"
#include "unicode.hpp"

namespace pretext::tokenizer {

/// GPT-2's way to write bytes as printable characters: 33-126, 161-172 and 174-255 are themselves, the other 68 in their
/// order U+0100 and upward.
class byte_alphabet {
 public:
  constexpr byte_alphabet() {
    for (std::int16_t& b : byte_) b = -1;
    char32_t next = 0x100;
    for (unsigned b = 0; b < 256; ++b) {
      const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      character_[b] = printable ? b : next++;
      byte_[character_[b]] = static_cast<std::int16_t>(b);
    }
  }
  constexpr char32_t character(unsigned char byte) const { return character_[byte]; }
  /// The byte of a character, or -1.
  constexpr int byte(char32_t c) const { return c < 324 ? byte_[c] : -1; }

 private:
  char32_t character_[256] = {};
  std::int16_t byte_[324] = {};
};
inline constexpr byte_alphabet alphabet;

/// Bytes written in the alphabet.
inline std::string to_alphabet(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) io::append_utf8(out, alphabet.character(static_cast<unsigned char>(c)));
  return out;
}
/// Adds the bytes that a text of the alphabet stands for; false where a character is not of the alphabet.
inline bool from_alphabet(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    const unicode::point p = unicode::point_at(text, at);
    const int byte = alphabet.byte(p.value);
    if (byte < 0) return false;
    out += static_cast<char>(static_cast<unsigned char>(byte));
    at += p.bytes;
  }
  return true;
}

/// The end of GPT-2's piece that begins at `at`, which is the leftmost match of
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// in text[0, end). Bytes that are not UTF-8 are of the third kind.
inline std::size_t next_piece(std::string_view text, std::size_t at, std::size_t end) {
  enum kind : std::uint8_t { letters, numbers, others, white };
  const auto kind_at = [&](std::size_t i, std::uint32_t& bytes) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    std::uint8_t flags = 0;
    if (c < 128) {
      bytes = 1;
      flags = unicode::detail::ascii.flags[c];
    } else {
      const unicode::point p = unicode::point_at(text.substr(0, end), i);
      bytes = p.bytes;
      flags = unicode::flags_of(p.value);
    }
    if ((flags & unicode::letter) != 0) return letters;
    if ((flags & unicode::number) != 0) return numbers;
    return (flags & unicode::space) != 0 ? white : others;
  };
  const auto next = [&](std::size_t i) { return i < end ? text[i] : '\0'; };
  if (text[at] == '\'') {
    const char a = next(at + 1), b = next(at + 2);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return at + 3;
  }
  std::uint32_t bytes = 0;
  std::size_t begin = at;
  kind first = kind_at(at, bytes);
  if (text[at] == ' ' && at + 1 < end) {
    const kind second = kind_at(at + 1, bytes);
    if (second != white) {
      begin = at + 1;
      first = second;
    }
  }
  std::size_t i = begin;
  std::size_t last = begin;  // begin of the last character of the run
  do {
    last = i;
    kind_at(i, bytes);
    i += bytes;
  } while (i < end && kind_at(i, bytes) == first);
  // White space before something else leaves its last character to that, unless it is the only one.
  if (first == white && i < end && last > begin) return last;
  return i;
}

}  // namespace pretext::tokenizer
