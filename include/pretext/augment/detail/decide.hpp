// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "../../config.hpp"
#include "../../core/rng.hpp"

/// Arithmetic for random decisions. Whether a compiler fuses a*b+c into one rounding is a flag of the user's build
/// (and the default of several compilers), so a box or an angle computed in floating point may differ between two
/// builds of one program. Everything here is 64-bit integers with 32 fractional bits ("q32"); floating point enters
/// and leaves only through multiplications by powers of two, which round nowhere.
namespace pretext::augment::detail {

using q32 = std::int64_t;

inline constexpr q32 q32_one = q32{1} << 32;

/// x as a q32, cut to +-2^30; a NaN becomes -2^30 (settings are checked before).
PRETEXT_HOST_DEVICE constexpr q32 to_q32(double x) {
  constexpr double limit = 1073741824.0;
  if (!(x > -limit)) return -(q32_one << 30);
  if (x > limit) return q32_one << 30;
  return static_cast<q32>(x * 4294967296.0);
}

PRETEXT_HOST_DEVICE constexpr float to_float(q32 x) {
  return static_cast<float>(static_cast<double>(x) * 0x1p-32);
}

/// Uniform in [low, high) in steps of at most (high - low) / 2^32; low where high <= low.
PRETEXT_APART PRETEXT_HOST_DEVICE constexpr q32 uniform_q32(rng::stream& draws, q32 low, q32 high) {
  const std::uint64_t bits = draws.bits();  // drawn in any case, so that later draws do not depend on the settings
  if (high <= low) return low;
  const auto span = static_cast<std::uint64_t>(high - low);
  return low + static_cast<q32>((span >> 32) * bits + (((span & 0xFFFFFFFFu) * bits) >> 32));
}

/// The nearest integer; halves go up.
PRETEXT_HOST_DEVICE constexpr std::int64_t round_q32(q32 x) { return (x + (q32_one >> 1)) >> 32; }

/// The high 64 bits of a 128-bit product.
PRETEXT_HOST_DEVICE constexpr std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a0 = a & 0xFFFFFFFFu, a1 = a >> 32, b0 = b & 0xFFFFFFFFu, b1 = b >> 32;
  const std::uint64_t middle = a1 * b0 + ((a0 * b0) >> 32);
  return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & 0xFFFFFFFFu)) >> 32);
}

/// log2 of x * 2^-fraction_bits for x > 0, within 2^-31: one squaring per binary digit.
PRETEXT_APART PRETEXT_HOST_DEVICE constexpr q32 log2_q32(std::uint64_t x, int fraction_bits) {
  int exponent = 63;
  while (!(x >> 63)) {
    x <<= 1;
    --exponent;
  }
  std::uint64_t digits = 0;
  for (int i = 0; i < 32; ++i) {
    x = multiply_high(x, x);  // [1, 2) squared, now with 62 fractional bits
    const std::uint64_t digit = x >> 63;
    digits = (digits << 1) | digit;
    x <<= 1 - digit;
  }
  return (static_cast<q32>(exponent - fraction_bits) * q32_one) + static_cast<q32>(digits);
}

/// The integer nearest to 2^x; 0 for x < -1, and for x >= 40 that of 40.
PRETEXT_APART PRETEXT_HOST_DEVICE constexpr std::int64_t exp2_rounded(q32 x) {
  q32 whole = x >> 32;
  if (whole < -1) return 0;
  if (whole > 40) whole = 40;
  constexpr std::uint64_t ln2 = 0xB17217F7D1CF79ABu;  // 64 fractional bits
  const std::uint64_t t = multiply_high(static_cast<std::uint64_t>(x & 0xFFFFFFFF) << 32, ln2);
  // Taylor series of e^t, t < ln 2, with 62 fractional bits, innermost term first: fourteen terms leave 2^-43.
  constexpr std::uint64_t one = std::uint64_t{1} << 62;
  std::uint64_t sum = one;
  for (unsigned n = 14; n >= 1; --n) sum = one + multiply_high(sum, t) / n;
  const int shift = static_cast<int>(62 - whole);
  return static_cast<std::int64_t>((sum + (std::uint64_t{1} << (shift - 1))) >> shift);
}

}  // namespace pretext::augment::detail
