// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../config.hpp"

namespace pretext {

/// A part of a text: characters, or a number to be written as std::to_string does, whatever the locale.
///   append(out, {"<b>", name, "</b> has ", rows, " rows"});
/// A chain of string operators leaves a temporary and its clean-up per operator in the caller's code; a list of parts is
/// one call. Over a training program that is a large part of what there is to compile.
class piece {
 public:
  constexpr piece(const char* s) : characters_(s), kind_(zero_ended) {}
  constexpr piece(const std::string& s) : string_(&s), kind_(string) {}
  constexpr piece(std::string_view s) : characters_(s.data()), size_(s.size()), kind_(view) {}
  constexpr piece(char c) : characters_(nullptr), size_(static_cast<unsigned char>(c)), kind_(character) {}
  template <class N>
    requires(std::is_arithmetic_v<N> && !std::is_same_v<N, bool> && !std::is_same_v<N, char>)
  constexpr piece(N number) : characters_(nullptr), kind_(std::is_floating_point_v<N> ? real : std::is_signed_v<N> ? whole : positive) {
    if constexpr (std::is_floating_point_v<N>)
      real_ = static_cast<double>(number);
    else
      size_ = static_cast<std::uint64_t>(number);
  }
  /// A number in another form: `write` adds it to a text.
  constexpr piece(void (*write)(std::string& out, double), double number) : write_(write), real_(number), kind_(written) {}

 private:
  friend void append(std::string& out, std::initializer_list<piece> parts);
  enum kind : std::uint8_t { zero_ended, string, view, character, whole, positive, real, written };

  // As little as can be: the caller's code only notes where a part is.
  union {
    const char* characters_;
    const std::string* string_;
    void (*write_)(std::string&, double);
  };
  union {
    std::uint64_t size_;  // or a whole number; not set where the end is found otherwise
    double real_;
  };
  kind kind_;
};

/// Adds the parts to the end of `out`, which none of them lies in.
PRETEXT_COLD inline void append(std::string& out, std::initializer_list<piece> parts) {
  char digits[330];  // the largest double has 309 before the point
  char* const end = digits + sizeof digits;
  for (const piece& p : parts) {
    const char* after = digits;
    switch (p.kind_) {
      case piece::zero_ended: out += p.characters_; break;
      case piece::string: out += *p.string_; break;
      case piece::view: out.append(p.characters_, static_cast<std::size_t>(p.size_)); break;
      case piece::character: out += static_cast<char>(p.size_); break;
      case piece::whole: after = std::to_chars(digits, end, static_cast<std::int64_t>(p.size_)).ptr; break;
      case piece::positive: after = std::to_chars(digits, end, p.size_).ptr; break;
      case piece::real: after = std::to_chars(digits, end, p.real_, std::chars_format::fixed, 6).ptr; break;
      case piece::written: p.write_(out, p.real_); break;
    }
    out.append(digits, static_cast<std::size_t>(after - digits));
  }
}

/// The parts as one text.
PRETEXT_COLD inline std::string joined(std::initializer_list<piece> parts) {
  std::string out;
  append(out, parts);
  return out;
}

/// Adds a pair of texts, which do not lie in the list, to its end. One function for all of them: emplace_back is compiled anew for every kind of text.
PRETEXT_COLD inline void add_pair(std::vector<std::pair<std::string, std::string>>& list, std::string_view first, std::string_view second) {
  std::pair<std::string, std::string>& added = list.emplace_back();
  added.first = first;
  added.second = second;
}

}  // namespace pretext
