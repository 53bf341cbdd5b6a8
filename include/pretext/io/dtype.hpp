// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "half.hpp"

namespace pretext::io {

/// Element types of files, in the order of the safetensors reference writer, which sorts by it.
enum class dtype : std::uint8_t {
  boolean, f4, f6_e2m3, f6_e3m2, u8, i8, f8_e5m2, f8_e4m3, f8_e8m0, f8_e4m3fnuz, f8_e5m2fnuz,
  i16, u16, f16, bf16, i32, u32, f32, c64, f64, i64, u64
};

struct dtype_facts {
  std::string_view name;
  unsigned bits;
};
inline constexpr dtype_facts dtype_table[] = {
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6},     {"F6_E3M2", 6},     {"U8", 8},   {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},     {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},       {"I32", 32},        {"U32", 32}, {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},        {"U64", 64}};
inline constexpr std::size_t dtype_count = sizeof dtype_table / sizeof dtype_table[0];

constexpr std::string_view name_of(dtype type) { return dtype_table[static_cast<std::size_t>(type)].name; }
constexpr unsigned bits_of(dtype type) { return dtype_table[static_cast<std::size_t>(type)].bits; }

/// Finds a type by its safetensors name, exactly as written; false where there is none.
constexpr bool dtype_from_name(std::string_view name, dtype& type) {
  for (std::size_t i = 0; i < dtype_count; ++i)
    if (dtype_table[i].name == name) {
      type = static_cast<dtype>(i);
      return true;
    }
  return false;
}

/// The file type that stores a C++ arithmetic type as it is.
template <class T>
  requires std::is_arithmetic_v<T>
constexpr dtype dtype_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return dtype::boolean;
  } else if constexpr (std::is_floating_point_v<T>) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "pretext[io.324] files hold float and double, not long double");
    return sizeof(T) == 4 ? dtype::f32 : dtype::f64;
  } else {
    constexpr dtype of_signed[] = {dtype::i8, dtype::i16, dtype::i32, dtype::i64};
    constexpr dtype of_unsigned[] = {dtype::u8, dtype::u16, dtype::u32, dtype::u64};
    constexpr int log2_bytes = std::countr_zero(sizeof(T));
    return std::is_signed_v<T> ? of_signed[log2_bytes] : of_unsigned[log2_bytes];
  }
}

/// True if elements of this type can be converted to C++ numbers; the others are available as raw bytes.
constexpr bool is_convertible(dtype type) {
  switch (type) {
    case dtype::boolean: case dtype::u8: case dtype::i8: case dtype::i16: case dtype::u16: case dtype::f16:
    case dtype::bf16: case dtype::i32: case dtype::u32: case dtype::f32: case dtype::f64: case dtype::i64:
    case dtype::u64: return true;
    default: return false;
  }
}

/// Converts a number; false where the meaning would be lost.
///   float from float   rounds; a finite value may not become infinite
///   any from integer   must be exact (identifiers above 2^24 do not survive in a float)
///   integer from float must be a whole number in range
template <class To, class From>
constexpr bool convert_number(From from, To& to) {
  if constexpr (std::is_same_v<To, From>) {
    to = from;
    return true;
  } else if constexpr (std::is_floating_point_v<To> && std::is_floating_point_v<From>) {
    to = static_cast<To>(from);
    return !(from - from == 0 && !(to - to == 0));
  } else if constexpr (std::is_floating_point_v<To>) {
    to = static_cast<To>(from);
    std::uint64_t magnitude = static_cast<std::uint64_t>(from);
    if constexpr (std::is_signed_v<From>)
      if (from < 0) magnitude = std::uint64_t{0} - magnitude;
    constexpr int digits = sizeof(To) == 4 ? 24 : 53;
    return magnitude == 0 || static_cast<int>(std::bit_width(magnitude)) - std::countr_zero(magnitude) <= digits;
  } else if constexpr (std::is_floating_point_v<From>) {
    constexpr int value_bits = static_cast<int>(8 * sizeof(To)) - (std::is_signed_v<To> ? 1 : 0);
    const double wide = static_cast<double>(from);
    const double limit = 2.0 * static_cast<double>(std::uint64_t{1} << (value_bits - 1));  // 2^value_bits
    if (!(wide < limit && wide >= (std::is_signed_v<To> ? -limit : 0.0))) return false;
    to = static_cast<To>(wide);
    return static_cast<double>(to) == wide;
  } else {
    to = static_cast<To>(from);
    return std::in_range<To>(from);
  }
}

namespace detail {

template <class To, class Stored, class Widen>
std::size_t convert_run(const std::byte* from, std::size_t count, To* to, Widen widen) {
  for (std::size_t i = 0; i < count; ++i) {
    Stored bits;  // copied: the bytes of a file may lie at any address
    std::memcpy(&bits, from + i * sizeof(Stored), sizeof(Stored));
    if (!convert_number(widen(bits), to[i])) return i;
  }
  return count;
}
struct as_it_is {
  template <class T>
  constexpr T operator()(T value) const {
    return value;
  }
};
struct widen_half {
  constexpr float operator()(std::uint16_t bits) const { return float_from_half(bits); }
};
struct widen_bfloat16 {
  constexpr float operator()(std::uint16_t bits) const { return float_from_bfloat16(bits); }
};

}  // namespace detail

/// Converts `count` little-endian elements at any address. Returns count, or the index of the first element that the
/// target type cannot hold (see convert_number; for BOOL also a byte other than 0 and 1).
template <class To>
  requires(std::is_arithmetic_v<To> && !std::is_same_v<To, bool>)
std::size_t convert_elements(dtype type, const std::byte* from, std::size_t count, To* to) {
  static_assert(std::endian::native == std::endian::little, "pretext[io.324] files are little-endian, so must the machine be");
  if (count == 0) return 0;
  if (type == dtype_of<To>()) {
    std::memcpy(to, from, count * sizeof(To));
    return count;
  }
  using detail::as_it_is;
  using detail::convert_run;
  switch (type) {
    case dtype::boolean:
      for (std::size_t i = 0; i < count; ++i)
        if (static_cast<unsigned>(from[i]) > 1) return i;
      return convert_run<To, std::uint8_t>(from, count, to, as_it_is{});
    case dtype::u8: return convert_run<To, std::uint8_t>(from, count, to, as_it_is{});
    case dtype::i8: return convert_run<To, std::int8_t>(from, count, to, as_it_is{});
    case dtype::u16: return convert_run<To, std::uint16_t>(from, count, to, as_it_is{});
    case dtype::i16: return convert_run<To, std::int16_t>(from, count, to, as_it_is{});
    case dtype::u32: return convert_run<To, std::uint32_t>(from, count, to, as_it_is{});
    case dtype::i32: return convert_run<To, std::int32_t>(from, count, to, as_it_is{});
    case dtype::u64: return convert_run<To, std::uint64_t>(from, count, to, as_it_is{});
    case dtype::i64: return convert_run<To, std::int64_t>(from, count, to, as_it_is{});
    case dtype::f16: return convert_run<To, std::uint16_t>(from, count, to, detail::widen_half{});
    case dtype::bf16: return convert_run<To, std::uint16_t>(from, count, to, detail::widen_bfloat16{});
    case dtype::f32: return convert_run<To, float>(from, count, to, as_it_is{});
    case dtype::f64: return convert_run<To, double>(from, count, to, as_it_is{});
    default: return 0;
  }
}

}  // namespace pretext::io
