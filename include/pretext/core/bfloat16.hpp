// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "../config.hpp"
#include "master.hpp"

/// bfloat16: the upper half of a float, so 8 significant bits in the range of a float. Widening is exact; narrowing rounds to
/// nearest, ties to even.
/// laws  narrowing a widened value gives the same bits, for every value that is not a signalling NaN; NaN stays NaN
namespace pretext {

PRETEXT_HOST_DEVICE constexpr float float_from_bfloat16(std::uint16_t bits) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
}

PRETEXT_HOST_DEVICE constexpr std::uint16_t bfloat16_from_float(float value) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

/// How a number lies in memory. Arithmetic is float's: reading widens by itself, and nothing is rounded unless it says so,
/// `bfloat16(x)`.
struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  PRETEXT_HOST_DEVICE constexpr explicit bfloat16(float value) : bits(bfloat16_from_float(value)) {}
  PRETEXT_HOST_DEVICE constexpr operator float() const { return float_from_bfloat16(bits); }
};
static_assert(sizeof(bfloat16) == 2);

template <>
struct master_of<bfloat16> {
  using type = float;
};

}  // namespace pretext
