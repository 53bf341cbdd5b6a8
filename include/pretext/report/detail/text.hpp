// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pretext::report::detail {

/// Takes one code point off the front. Bytes that are not UTF-8 come back one at a time as U+FFFD.
inline char32_t next_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  std::size_t length = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  char32_t point = length == 1 ? lead : length == 2 ? lead & 0x1Fu : length == 3 ? lead & 0x0Fu : lead & 0x07u;
  bool valid = length > 0 && length <= text.size();
  for (std::size_t i = 1; valid && i < length; ++i) {
    valid = (byte(i) & 0xC0u) == 0x80u;
    point = point << 6 | (byte(i) & 0x3Fu);
  }
  // Overlong forms, surrogates and values above U+10FFFF are no characters.
  if (valid && ((length == 3 && point < 0x800) || (length == 4 && (point < 0x10000 || point > 0x10FFFF)) ||
                (point >= 0xD800 && point < 0xE000)))
    valid = false;
  text.remove_prefix(valid ? length : 1);
  return valid ? point : U'\uFFFD';
}

inline void append_utf8(std::string& out, char32_t point) {
  const auto put = [&](char32_t v) { out += static_cast<char>(static_cast<unsigned char>(v)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6), put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18), put(0x80 | (point >> 12 & 0x3F)), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
  }
}

/// Columns one character takes in a terminal: 0 for marks that combine, 2 for East Asian wide ones and emoji.
inline int character_width(char32_t c) {
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
inline int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) width += character_width(next_code_point(text));
  return width;
}

/// The longest beginning that fits into so many columns, without cutting a character.
inline std::string cut_to_width(std::string_view text, int columns) {
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
inline std::string one_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char32_t point = next_code_point(text);
    append_utf8(out, point < 0x20 || (point >= 0x7F && point < 0xA0) ? U' ' : point);
  }
  return out;
}

/// Text for HTML, SVG and XML, in content and in quoted attributes; what XML forbids becomes U+FFFD.
inline std::string escape_markup(std::string_view text) {
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

/// A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so that every line stays valid JSON.
inline std::string quote_json(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    const char32_t point = next_code_point(text);
    switch (point) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (point < 0x20) {
          out += "\\u00";
          out += digits[point >> 4];
          out += digits[point & 15];
        } else {
          append_utf8(out, point);
        }
    }
  }
  return out + "\"";
}

/// Whether a table should align the text to the right: a number, perhaps with a unit or a spread behind it.
inline bool looks_numeric(std::string_view text) {
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
