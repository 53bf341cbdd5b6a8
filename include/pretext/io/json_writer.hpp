// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "utf8.hpp"

namespace pretext::io::json {

/// Appends a string in quotes. Bytes that are not UTF-8 become U+FFFD, so that a strange file name cannot spoil a log.
PRETEXT_COLD inline void append_string(std::string& out, std::string_view text) {
  constexpr const char* hex = "0123456789abcdef";
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text, at);
    if (length == 0) {
      append_utf8(out, 0xFFFD);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += text[at];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7F) {
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
    } else {
      out.append(text, at, length);
    }
    at += length == 0 ? 1 : length;
  }
  out += '"';
}

/// Appends the shortest text that reads back as the same number, always with a point or an exponent; JSON has no NaN
/// and no infinity: they become null.
template <std::floating_point Real>
void append_real(std::string& out, Real value) {
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const std::string_view text(digits, static_cast<std::size_t>(end - digits));
  // Asked of the letters: under -ffast-math the compiler takes std::isfinite for true.
  if (text.find('n') != std::string_view::npos) {
    out += "null";
    return;
  }
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

/// Builds one JSON text on one line.
///   writer w;  w.begin_object().member("step", 3).member("loss", 0.25f).key("views").begin_array().value(1).end_array();
///   w.end_object();  w.text()   ->   {"step":3,"loss":0.25,"views":[1]}
/// errors  io.214 calls out of order: a value without its key, an end without its begin, text() of an unfinished value
class writer {
 public:
  writer& begin_object() { return begin('{', '}'); }
  writer& end_object() { return end('}'); }
  writer& begin_array() { return begin('[', ']'); }
  writer& end_array() { return end(']'); }

  PRETEXT_COLD writer& key(std::string_view name) {
    if (open_.empty() || open_.back() != '}' || after_key_) misuse("a key is only possible inside an object");
    separate();
    append_string(out_, name);
    out_ += ':';
    after_key_ = true;
    return *this;
  }

  PRETEXT_COLD writer& value(std::string_view text) {
    before_value();
    append_string(out_, text);
    return done();
  }
  writer& value(const char* text) { return value(std::string_view(text)); }
  writer& value(const std::string& text) { return value(std::string_view(text)); }
  template <std::same_as<bool> Bool>  // not by conversion: a pointer is no truth value
  writer& value(Bool yes) {
    return raw(yes ? "true" : "false");
  }
  writer& value(std::nullptr_t) { return raw("null"); }
  template <std::integral Integer>
    requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>)
  PRETEXT_COLD writer& value(Integer number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return raw(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  template <std::floating_point Real>
  PRETEXT_COLD writer& value(Real number) {
    before_value();
    append_real(out_, number);
    return done();
  }
  template <class T>
  writer& member(std::string_view name, const T& v) {
    key(name);
    return value(v);
  }

  /// The finished text.
  const std::string& text() const {
    if (!open_.empty() || out_.empty()) misuse("the JSON value is not finished");
    return out_;
  }

 private:
  [[noreturn]] static void misuse(const char* what) {
    throw_error("io.214", {"json::writer: ", what, "; correct the order of the calls"});
  }
  PRETEXT_COLD void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  PRETEXT_COLD void before_value() {
    if (open_.empty() ? !out_.empty() : (open_.back() == '}') != after_key_)
      misuse(open_.empty() ? "a text holds one value" : "a value inside an object needs a key");
    if (!after_key_ && !open_.empty()) separate();
    after_key_ = false;
  }
  writer& done() {
    first_ = false;
    return *this;
  }
  PRETEXT_COLD writer& raw(std::string_view text) {
    before_value();
    out_ += text;
    return done();
  }
  PRETEXT_COLD writer& begin(char open, char close) {
    before_value();
    out_ += open;
    open_.push_back(close);
    first_ = true;
    return *this;
  }
  PRETEXT_COLD writer& end(char close) {
    if (open_.empty() || open_.back() != close || after_key_) misuse("an end without its begin, or after a bare key");
    open_.pop_back();
    out_ += close;
    return done();
  }

  std::string out_;
  std::string open_;  // the closing characters still owed
  bool first_ = true;
  bool after_key_ = false;
};

}  // namespace pretext::io::json
