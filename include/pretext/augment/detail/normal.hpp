// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>

#include "../../config.hpp"

/// Normal numbers from random bits (Box and Muller), without the C library: every back end can run these lines.
namespace pretext::augment::detail {

/// Natural logarithm of a normal x > 0, within 2e-7 relative or 1e-7 absolute.
/// source  the polynomial of Cephes logf (Moshier)
PRETEXT_HOST_DEVICE constexpr float log_of(float x) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x);
  int exponent = static_cast<int>(bits >> 23) - 126;
  float m = __builtin_bit_cast(float, (bits & 0x007FFFFFu) | 0x3F000000u);  // in [0.5, 1)
  if (m < 0.70710678f) {
    --exponent;
    m = m + m;
  }
  m -= 1.0f;
  const float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const float e = static_cast<float>(exponent);
  return m + (m * z * p - 2.12194440e-4f * e - 0.5f * z) + 0.693359375f * e;
}

struct sine_cosine {
  float sine, cosine;
};

/// Of a full turn times bits / 2^32; the quarter is taken from the top two bits, so no argument is ever reduced.
PRETEXT_HOST_DEVICE constexpr sine_cosine circle(std::uint32_t bits) {
  const std::uint32_t quarter = bits >> 30;
  // the rest of the quarter, from -1/8 to 1/8 turn: 24 bits are exact in float
  const float x = (static_cast<float>((bits >> 6) & 0xFFFFFFu) * 0x1p-24f - 0.5f) * 1.57079632679f;
  const float z = x * x;
  float s = -1.9515295891e-4f;
  s = s * z + 8.3321608736e-3f;
  s = s * z - 1.6666654611e-1f;
  s = s * z * x + x;
  float c = 2.443315711809948e-5f;
  c = c * z - 1.388731625493765e-3f;
  c = c * z + 4.166664568298827e-2f;
  c = c * z * z - 0.5f * z + 1.0f;
  const float s45 = (s + c) * 0.70710678118f, c45 = (c - s) * 0.70710678118f;  // turned by the 1/8 that was taken off
  switch (quarter) {
    case 0: return {s45, c45};
    case 1: return {c45, -s45};
    case 2: return {-s45, -c45};
    default: return {-c45, s45};
  }
}

/// Two independent normal numbers.
PRETEXT_HOST_DEVICE inline void normal_pair(std::uint32_t a, std::uint32_t b, float& first, float& second) {
  const float u = (static_cast<float>(a >> 9) + 0.5f) * 0x1p-23f;  // never 0 or 1, exact
  const float radius = std::sqrt(-2.0f * log_of(u));
  const sine_cosine direction = circle(b);
  first = radius * direction.cosine;
  second = radius * direction.sine;
}

}  // namespace pretext::augment::detail
