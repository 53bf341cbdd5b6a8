// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "../config.hpp"

namespace pretext {

/// A part of a text: characters, or a number to be written as std::to_string does, whatever the locale.
///   append(out, {"<b>", name, "</b> has ", rows, " rows"});
/// A chain of string operators leaves a temporary and its clean-up per operator in the caller's code; a list of parts is
/// one call. Over a training program that is a large part of what there is to compile.
class piece {
 public:
  constexpr piece(std::string_view s) : data_(s.data()), size_(s.size()) {}
  constexpr piece(const char* s) : piece(std::string_view(s)) {}
  piece(const std::string& s) : data_(s.data()), size_(s.size()) {}
  template <class N>
    requires(std::is_arithmetic_v<N> && !std::is_same_v<N, bool> && !std::is_same_v<N, char>)
  constexpr piece(N number) : kind_(std::is_floating_point_v<N> ? real : std::is_signed_v<N> ? negative_too : positive) {
    if constexpr (std::is_floating_point_v<N>)
      real_ = static_cast<double>(number);
    else
      size_ = static_cast<std::uint64_t>(number);
  }

 private:
  friend void append(std::string& out, std::initializer_list<piece> parts);
  enum kind : std::uint8_t { characters, negative_too, positive, real };

  const char* data_ = nullptr;
  union {
    std::uint64_t size_;  // or a whole number
    double real_;
  };
  kind kind_ = characters;
};

/// Adds the parts to the end of `out`, which they must not be parts of.
PRETEXT_COLD inline void append(std::string& out, std::initializer_list<piece> parts) {
  for (const piece& p : parts) {
    char digits[330];  // the largest double has 309 before the point
    char* const end = digits + sizeof digits;
    std::string_view s;
    switch (p.kind_) {
      case piece::characters: s = {p.data_, static_cast<std::size_t>(p.size_)}; break;
      case piece::negative_too: s = {digits, static_cast<std::size_t>(std::to_chars(digits, end, static_cast<std::int64_t>(p.size_)).ptr - digits)}; break;
      case piece::positive: s = {digits, static_cast<std::size_t>(std::to_chars(digits, end, p.size_).ptr - digits)}; break;
      case piece::real: s = {digits, static_cast<std::size_t>(std::to_chars(digits, end, p.real_, std::chars_format::fixed, 6).ptr - digits)}; break;
    }
    out.append(s);
  }
}

/// The parts as one text.
PRETEXT_COLD inline std::string text(std::initializer_list<piece> parts) {
  std::string out;
  append(out, parts);
  return out;
}

}  // namespace pretext
