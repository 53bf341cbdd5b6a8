// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

#include "../../core/text.hpp"

// Numbers as text. std::to_chars and not printf: a host program that called setlocale would otherwise turn every
// decimal point into a comma, and JSON and SVG into garbage.
namespace pretext::report::detail {

/// The shortest text that reads back as the same value; "nan", "inf" or "-inf" where it is not finite.
template <class T>
std::string shortest(T value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

/// A fixed number of decimals, as "%.2f".
PRETEXT_COLD inline std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (std::fabs(value) >= 1e15) return shortest(value);
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, decimals).ptr;
  std::string text(buffer, end);
  if (text.find_first_not_of("-0.") == std::string::npos && text[0] == '-') text.erase(0, 1);  // no "-0.00"
  return text;
}

/// So many significant digits at most, as "%.3g", with short exponents: 0.00012, 1e-5, 1.5e9.
PRETEXT_COLD inline std::string significant(double value, int digits) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general, digits).ptr;
  std::string text(buffer, end);
  const auto e = text.find('e');
  if (e == std::string::npos) return text;
  std::string exponent = text.substr(e + 1);
  const bool negative = exponent[0] == '-';
  exponent.erase(0, exponent.find_first_not_of("+-0"));
  return joined({text.substr(0, e), (negative ? "e-" : "e"), exponent});
}

/// Three digits or so without an exponent for the usual range: 0.12, 1.23, 13.4, 1234.
PRETEXT_COLD inline std::string three_digits(double value) {
  const double size = std::fabs(value);
  if (size != 0 && (size < 0.01 || size >= 1e7)) return significant(value, 3);
  return fixed(value, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/// 950, 12k, 3.4M: for tick labels.
PRETEXT_COLD inline std::string short_count(double value, int digits = 6) {
  const double size = std::fabs(value);
  if (size >= 1e9 && size < 1e12) return joined({significant(value / 1e9, digits), "G"});
  if (size >= 1e6 && size < 1e9) return joined({significant(value / 1e6, digits), "M"});
  if (size >= 1e4 && size < 1e6) return joined({significant(value / 1e3, digits), "k"});
  return significant(value, digits);
}

/// 1234567 as 1,234,567.
PRETEXT_COLD inline std::string grouped(std::uint64_t value) {
  const std::string digits = shortest(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

/// 00:31, 12:05, 1:02:03; "?" where unknown (negative or not finite).
PRETEXT_COLD inline std::string duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "?";
  const auto whole = static_cast<std::uint64_t>(seconds);
  const std::uint64_t hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
  std::string text;
  if (hours > 0) append(text, {hours, ":"});
  append(text, {(minutes < 10 ? "0" : ""), minutes, (rest < 10 ? ":0" : ":"), rest});
  return text;
}

}  // namespace pretext::report::detail
