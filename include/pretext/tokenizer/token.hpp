// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "../core/error.hpp"
#include "../io/utf8.hpp"

namespace pretext::tokenizer {

/// A number of the vocabulary and the bytes of the source text that it stands for: [begin, end).
struct token {
  std::int32_t id;
  std::uint32_t begin;
  std::uint32_t end;
  friend bool operator==(const token&, const token&) = default;
};

/// What part a vocabulary's special tokens play; -1 where there is none. `first` stands before a text (BERT's [CLS], a
/// beginning of text), `last` behind it (an end of text), `separator` between two.
struct special_ids {
  std::int32_t unknown = -1;
  std::int32_t padding = -1;
  std::int32_t first = -1;
  std::int32_t separator = -1;
  std::int32_t mask = -1;
  std::int32_t last = -1;

  bool contains(std::int32_t id) const {
    return id >= 0 && (id == unknown || id == padding || id == first || id == separator || id == mask || id == last);
  }
};

/// The id, where the vocabulary has the token.
/// errors  pretext[tokenizer.004] it has none
PRETEXT_COLD inline std::int32_t required(std::int32_t id, std::string_view what) {
  if (id < 0)
    throw_error("tokenizer.004", {"the vocabulary has no ", what, " token, which is needed here; use a vocabulary that has one, or add it"});
  return id;
}

/// errors  pretext[tokenizer.001] a text of 4 GiB or more: offsets have 32 bits
inline void check_text_size(std::string_view text) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max())
    throw_error("tokenizer.001", {"a text of ", text.size(), " bytes is more than the 4 GiB that offsets can tell; encode it in parts"});
}

/// Offsets in characters (code points) in the place of bytes, as Python counts: a token that holds only a part of a
/// character's bytes covers the whole character.
/// shapes  tokens in the order of the text
/// cost    one walk over the text
inline void to_character_offsets(std::string_view text, std::vector<token>& tokens) {
  std::uint32_t characters = 0;  // that begin before `at`
  std::size_t at = 0;
  // Tokens that share a character overlap, so a begin may lie behind the last end; every walk starts at that begin.
  for (token& t : tokens) {
    const auto starts = [&](std::size_t i) { return i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80; };
    while (at < t.begin) characters += starts(at++) ? 1u : 0u;
    while (at > t.begin) characters -= starts(--at) ? 1u : 0u;
    std::uint32_t until = characters;
    for (std::size_t i = t.begin; i < t.end; ++i) until += starts(i) ? 1u : 0u;
    const std::uint32_t first = starts(t.begin) || characters == 0 ? characters : characters - 1;
    t.begin = first;
    t.end = until;
  }
}

/// Offsets without the white space at either end of a token's text, as a tokenizer.json with trim_offsets has them. A token
/// of nothing else becomes empty, at its end.
inline void trim_offsets(std::string_view text, std::vector<token>& tokens) {
  const auto white = [&](std::uint32_t i) { return text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'); };
  for (token& t : tokens) {
    while (t.begin < t.end && white(t.begin)) ++t.begin;
    while (t.end > t.begin && white(t.end - 1)) --t.end;
  }
}

/// The text with U+FFFD for every byte that is not UTF-8.
inline std::string with_replacements(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = io::utf8_length(text, at);
    if (length == 0)
      io::append_utf8(out, 0xFFFD);
    else
      out.append(text, at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

/// A hash over what makes a tokenizer what it is, for caches of its tokens (FNV-1a).
class digest_builder {
 public:
  digest_builder& add(std::string_view text) {
    add(static_cast<std::uint64_t>(text.size()));
    for (const char c : text) byte(static_cast<unsigned char>(c));
    return *this;
  }
  digest_builder& add(std::uint64_t number) {
    for (int i = 0; i < 8; ++i) byte(static_cast<unsigned char>(number >> 8 * i));
    return *this;
  }
  std::uint64_t value() const { return hash_; }

 private:
  void byte(unsigned char b) { hash_ = (hash_ ^ b) * 0x100000001B3u; }
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

}  // namespace pretext::tokenizer
