// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "../../config.hpp"
#include "../../io/utf8.hpp"

namespace pretext::report::detail {

using io::append_utf8;

/// Takes one code point off the front. Bytes that are not UTF-8 come back one at a time as U+FFFD.
PRETEXT_COLD inline char32_t next_code_point(std::string_view& text) {
  const std::size_t length = io::utf8_length(text, 0);
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  char32_t point = U'\uFFFD';
  if (length > 0) {
    point = length == 1 ? byte(0) : byte(0) & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) point = point << 6 | (byte(i) & 0x3Fu);
  }
  text.remove_prefix(length > 0 ? length : 1);
  return point;
}

/// Columns one character takes in a terminal: 0 for marks that combine, 2 for East Asian wide ones and emoji.
PRETEXT_COLD inline int character_width(char32_t c) {
  const auto within = [c](char32_t from, char32_t to) { return c >= from && c <= to; };
  if (c < 0x20 || within(0x7F, 0x9F)) return 0;
  if (within(0x0300, 0x036F) || within(0x200B, 0x200F) || within(0x20D0, 0x20FF) || within(0xFE00, 0xFE0F) || c == 0xFEFF) return 0;
  if (within(0x1100, 0x115F) || within(0x2E80, 0x303E) || within(0x3041, 0xA4CF) || within(0xAC00, 0xD7A3) || within(0xF900, 0xFAFF) ||
      within(0xFE30, 0xFE6F) || within(0xFF00, 0xFF60) || within(0xFFE0, 0xFFE6) || within(0x1F300, 0x1F64F) || within(0x1F680, 0x1F6FF) ||
      within(0x1F900, 0x1F9FF) || within(0x20000, 0x3FFFD))
    return 2;
  return 1;
}

/// Columns of a text in a terminal.
PRETEXT_COLD inline int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) width += character_width(next_code_point(text));
  return width;
}

/// The longest beginning that fits into so many columns, without cutting a character.
PRETEXT_COLD inline std::string cut_to_width(std::string_view text, int columns) {
  std::string out;
  int width = 0;
  while (!text.empty()) {
    const char32_t point = next_code_point(text);
    width += character_width(point);
    if (width > columns) break;
    append_utf8(out, point);
  }
  return out;
}

/// Text for one line of a terminal: control characters (a label could hold escape sequences) become spaces.
PRETEXT_COLD inline std::string one_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char32_t point = next_code_point(text);
    append_utf8(out, point < 0x20 || (point >= 0x7F && point < 0xA0) ? U' ' : point);
  }
  return out;
}

/// Text for HTML, SVG and XML, in content and in quoted attributes; what XML forbids becomes U+FFFD.
PRETEXT_COLD inline std::string escape_markup(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    char32_t point = next_code_point(text);
    if ((point < 0x20 && point != '\n' && point != '\t') || (point >= 0x7F && point < 0xA0) || point == 0xFFFE || point == 0xFFFF)
      point = U'\uFFFD';
    switch (point) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: append_utf8(out, point);
    }
  }
  return out;
}

/// Whether a table should align the text to the right: a number, perhaps with a unit or a spread behind it.
PRETEXT_COLD inline bool looks_numeric(std::string_view text) {
  if (text.empty()) return false;
  std::size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0;
  if (i >= text.size() || text[i] < '0' || text[i] > '9') return false;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    const bool part = (c >= '0' && c <= '9') || c == '.' || c == ',' || c == 'e' || c == '-' || c == '+' || c == '%' || c == ' ';
    if (!part && static_cast<unsigned char>(c) < 0x80) return false;  // "3 layers" is text; a plus-minus sign is not ASCII
  }
  return true;
}

}  // namespace pretext::report::detail
