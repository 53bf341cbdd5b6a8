// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "../config.hpp"
#include "../core/bfloat16.hpp"

/// The two 16-bit floats of model files, as their bits. Widening is exact; narrowing rounds to nearest, ties to even.
/// laws  narrowing a widened value gives the same bits, for every value that is not a signalling NaN; NaN stays NaN
namespace pretext::io {

/// binary16 (1 sign, 5 exponent, 10 fraction bits) to float; subnormals, infinities and NaN payloads are kept.
PRETEXT_HOST_DEVICE constexpr float float_from_half(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1Fu;
  const std::uint32_t fraction = bits & 0x3FFu;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24, exact in float
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, magnitude) | sign);
  }
  const std::uint32_t wide = exponent == 31 ? 255u : exponent + 112u;
  return __builtin_bit_cast(float, sign | (wide << 23) | (fraction << 13));
}

PRETEXT_HOST_DEVICE constexpr std::uint16_t half_from_float(float value) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  std::uint32_t result = 0;
  if (magnitude > 0x7F800000u) {
    result = 0x7E00u | ((magnitude >> 13) & 0x1FFu);  // quiet, so that a payload in the lost bits cannot become Inf
  } else if (magnitude >= 0x477FF000u) {
    result = 0x7C00u;  // 65520 and above round to infinity
  } else if (magnitude >= 0x38800000u) {  // normal: 2^-14 and above
    const std::uint32_t rounded = magnitude + 0xFFFu + ((magnitude >> 13) & 1u);
    result = (rounded >> 13) - (112u << 10);
  } else if (magnitude > 0x33000000u) {  // above 2^-25: subnormal, in units of 2^-24
    const std::uint32_t shift = 126u - (magnitude >> 23);
    const std::uint32_t full = (magnitude & 0x7FFFFFu) | 0x800000u;
    const std::uint32_t kept = full >> shift;
    const std::uint32_t rest = full & ((1u << shift) - 1u);
    const std::uint32_t tie = 1u << (shift - 1u);
    result = kept + ((rest > tie || (rest == tie && (kept & 1u) != 0)) ? 1u : 0u);
  }
  return static_cast<std::uint16_t>(sign | result);
}

using pretext::bfloat16_from_float;
using pretext::float_from_bfloat16;

}  // namespace pretext::io
