// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "../core/error.hpp"
#include "../core/text.hpp"
#include "utf8.hpp"

namespace pretext::io::json {

enum class kind : unsigned char { null, boolean, integer, real, string, array, object };

inline const char* name_of(kind k) {
  constexpr const char* names[] = {"null", "true or false", "an integer", "a number with a fraction or exponent",
                                   "a string", "an array", "an object"};
  return names[static_cast<int>(k)];
}

/// A number as it was written: `1.0`, `1e2` and `-0` are not integers, however large a float could hold them.
struct number_text {
  std::string_view text;
  bool is_integer = false;
};

/// Reads JSON (RFC 8259) piece by piece, without building anything: memory is what the caller keeps.
///   reader.begin_object();  while (reader.next_member(key)) ...one value...;  reader.finish();
/// laws    accepts exactly the grammar; strings are UTF-8 without raw control bytes and lone surrogates
/// errors  io.201-210, each with the name of the text and the byte; duplicate keys are for the caller (json::parse does it)
class reader {
 public:
  /// `text` must outlive the reader; `name` is what errors call it.
  reader(std::string_view text, std::string_view name, int max_depth = 64)
      : text_(text), name_(name), max_depth_(max_depth) {}

  std::size_t offset() const { return at_; }

  /// The kind of the value that comes next.
  kind peek() {
    skip_space();
    switch (current()) {
      case '{': return kind::object;
      case '[': return kind::array;
      case '"': return kind::string;
      case 't':
      case 'f': return kind::boolean;
      case 'n': return kind::null;
      case '-':
      case '0': case '1': case '2': case '3': case '4':
      case '5': case '6': case '7': case '8': case '9': {
        const std::size_t start = at_;
        const bool is_integer = scan_number();
        at_ = start;
        return is_integer ? kind::integer : kind::real;
      }
      default: unexpected("a value");
    }
  }

  void begin_object() { begin('{', "an object"); }
  void begin_array() { begin('[', "an array"); }

  /// Moves to the next member and reads its key; false when the object ended.
  bool next_member(std::string& key) {
    if (!next('}')) return false;
    if (current() != '"') unexpected("a key in double quotes");
    key_offset_ = at_;
    scan_string(key);
    skip_space();
    if (current() != ':') unexpected("':' after the key");
    ++at_;
    return true;
  }
  /// Where the last key's opening quote stands.
  std::size_t key_offset() const { return key_offset_; }

  /// Moves to the next element; false when the array ended.
  bool next_element() { return next(']'); }

  void string(std::string& out) {
    skip_space();
    if (current() != '"') unexpected("a string");
    scan_string(out);
  }
  number_text number() {
    skip_space();
    const char c = current();
    if (c != '-' && (c < '0' || c > '9')) unexpected("a number");
    const std::size_t start = at_;
    const bool is_integer = scan_number();
    return {text_.substr(start, at_ - start), is_integer};
  }
  bool boolean() {
    skip_space();
    const bool yes = current() == 't';
    literal(yes ? "true" : "false");
    return yes;
  }
  void null() {
    skip_space();
    literal("null");
  }

  /// Nothing but white space may follow the value.
  void finish() {
    skip_space();
    if (at_ != text_.size()) {
      check_utf8();
      fail("io.210", "text follows the end of the JSON value", at_);
    }
  }

  [[noreturn]] void fail(const char* id, const std::string& reason, std::size_t offset) const {
    throw_error(id, {name_, ", byte ", offset, ": ", reason, "; repair the file or fetch it again"});
  }

 private:
  /// '\0' at the end; a NUL byte inside the text is no JSON character either, and fail() tells the two apart.
  char current() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool digit() const { return current() >= '0' && current() <= '9'; }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  void check_utf8() const {
    if (at_ < text_.size() && utf8_length(text_, at_) == 0) fail("io.207", "not valid UTF-8", at_);
  }
  [[noreturn]] void unexpected(const char* wanted) const {
    if (at_ >= text_.size()) fail("io.201", std::string("the text ends where ") + wanted + " should be", at_);
    check_utf8();
    if (at_ == 0 && text_.starts_with("\xEF\xBB\xBF"))
      fail("io.202", "a byte order mark stands before the JSON text", at_);
    fail("io.202", std::string("expected ") + wanted + ", found " + shown(text_[at_]), at_);
  }
  static std::string shown(char c) {
    const unsigned byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) return joined({"'", c, "'"});
    constexpr const char* hex = "0123456789ABCDEF";
    return joined({"byte 0x", hex[byte >> 4], hex[byte & 15]});
  }

  void begin(char open, const char* what) {
    skip_space();
    if (current() != open) unexpected(what);
    if (depth_ == max_depth_) fail("io.209", "nested deeper than " + std::to_string(max_depth_) + " levels", at_);
    ++depth_;
    ++at_;
    fresh_ = true;
  }
  bool next(char close) {
    skip_space();
    if (current() == close) {
      ++at_;
      --depth_;
      fresh_ = false;
      return false;
    }
    if (!fresh_) {
      if (current() != ',') unexpected(close == '}' ? "',' or '}'" : "',' or ']'");
      ++at_;
      skip_space();
    }
    fresh_ = false;
    return true;
  }

  void literal(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) {
      // Step to the first wrong letter, so that the offset is the fault's.
      while (!word.empty() && current() == word.front() && at_ < text_.size()) {
        word.remove_prefix(1);
        ++at_;
      }
      unexpected("true, false or null");
    }
    at_ += word.size();
  }

  bool scan_number() {
    const std::size_t start = at_;
    bool is_integer = true;
    if (current() == '-') ++at_;
    if (!digit()) unexpected("a digit");
    const bool zero = current() == '0';
    if (zero) {
      ++at_;
      if (digit()) fail("io.203", "a number with a leading zero", start);
    } else {
      while (digit()) ++at_;
    }
    if (current() == '.') {
      is_integer = false;
      ++at_;
      if (!digit()) unexpected("a digit after the point");
      while (digit()) ++at_;
    }
    if (current() == 'e' || current() == 'E') {
      is_integer = false;
      ++at_;
      if (current() == '+' || current() == '-') ++at_;
      if (!digit()) unexpected("a digit in the exponent");
      while (digit()) ++at_;
    }
    // -0 has a sign that no integer keeps.
    if (zero && text_[start] == '-') is_integer = false;
    return is_integer;
  }

  void scan_string(std::string& out) {
    out.clear();
    const std::size_t open = at_++;
    for (;;) {
      // Plain ASCII is copied run by run.
      const std::size_t run = at_;
      while (at_ < text_.size() && plain(text_[at_])) ++at_;
      out.append(text_, run, at_ - run);
      if (at_ >= text_.size())
        fail("io.201", "the string that opens at byte " + std::to_string(open) + " is never closed", at_);
      const unsigned char c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return;
      }
      if (c == '\\') {
        scan_escape(out);
      } else if (c < 0x20) {
        fail("io.205", "a control character (" + shown(text_[at_]) + ") inside a string", at_);
      } else {
        check_utf8();
        const std::size_t length = utf8_length(text_, at_);
        out.append(text_, at_, length);
        at_ += length;
      }
    }
  }
  static bool plain(char c) {
    const unsigned char byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
  }

  void scan_escape(std::string& out) {
    const std::size_t start = at_++;
    const char c = current();
    ++at_;
    switch (c) {
      case '"': out += '"'; return;
      case '\\': out += '\\'; return;
      case '/': out += '/'; return;
      case 'b': out += '\b'; return;
      case 'f': out += '\f'; return;
      case 'n': out += '\n'; return;
      case 'r': out += '\r'; return;
      case 't': out += '\t'; return;
      case 'u': break;
      default: fail("io.206", "an unknown escape in a string", start);
    }
    std::uint32_t code = hex4(start);
    if (code >= 0xDC00 && code <= 0xDFFF) fail("io.206", "a low surrogate without its high one", start);
    if (code >= 0xD800 && code <= 0xDBFF) {
      if (text_.substr(at_, 2) != "\\u") fail("io.206", "a high surrogate without its low one", start);
      at_ += 2;
      const std::uint32_t low = hex4(start);
      if (low < 0xDC00 || low > 0xDFFF) fail("io.206", "a high surrogate without its low one", start);
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code);
  }
  std::uint32_t hex4(std::size_t start) {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = current();
      const char lower = static_cast<char>(c | 0x20);
      code <<= 4;
      if (c >= '0' && c <= '9')
        code |= static_cast<std::uint32_t>(c - '0');
      else if (lower >= 'a' && lower <= 'f')
        code |= static_cast<std::uint32_t>(lower - 'a' + 10);
      else
        fail("io.206", "a \\u escape without four hexadecimal digits", start);
    }
    return code;
  }

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  std::size_t key_offset_ = 0;
  int depth_ = 0;
  int max_depth_;
  bool fresh_ = false;  // a container was just opened: no comma before its first entry
};

/// The value of an integer's text, if 64 bits hold it.
inline bool to_integer(number_text number, std::int64_t& value) {
  const char* end = number.text.data() + number.text.size();
  if (!number.is_integer) return false;
  const auto result = std::from_chars(number.text.data(), end, value);
  return result.ec == std::errc{} && result.ptr == end;
}
inline bool to_integer(number_text number, std::uint64_t& value) {
  const char* end = number.text.data() + number.text.size();
  if (!number.is_integer) return false;
  const auto result = std::from_chars(number.text.data(), end, value);
  return result.ec == std::errc{} && result.ptr == end;
}
/// The nearest double, if there is a finite one that is not zero by underflow.
inline bool to_double(number_text number, double& value) {
  const char* end = number.text.data() + number.text.size();
  const auto result = std::from_chars(number.text.data(), end, value);
  return result.ec == std::errc{} && result.ptr == end;
}

}  // namespace pretext::io::json
