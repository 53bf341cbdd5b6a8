// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// Integer stand-ins for the few real functions that drawing needs: floating point would let instruction sets and
/// compilers disagree in the last bit, and then the frozen pictures would not be frozen.
namespace pretext::data::synthetic {

/// sin of a turn / 65536, times 2^14; off by at most 11 of the 16384.
constexpr std::int32_t sin_q14(std::int32_t turn) {
  const std::int32_t t = turn & 0xFFFF;
  const std::int32_t half = t & 0x7FFF;
  const std::int64_t z = half < 0x4000 ? half : 0x8000 - half;  // quarter turn, Q14
  // z (pi/2 - z^2 (0.64585 - z^2 0.07515)) rounded to Q14: odd, and right at both ends.
  const std::int64_t z2 = (z * z) >> 14;
  const std::int64_t s = (z * (25736 - ((z2 * (10583 - ((z2 * 1231) >> 14))) >> 14))) >> 14;
  return static_cast<std::int32_t>(t < 0x8000 ? s : -s);
}

constexpr std::int32_t cos_q14(std::int32_t turn) { return sin_q14(turn + 0x4000); }

/// The largest r with r * r <= v.
constexpr std::uint32_t root(std::uint64_t v) {
  std::uint64_t r = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1)
    if ((r + bit) * (r + bit) <= v) r += bit;
  return static_cast<std::uint32_t>(r);
}

constexpr std::int32_t clamp_to(std::int32_t v, std::int32_t low, std::int32_t high) {
  return v < low ? low : v > high ? high : v;
}

}  // namespace pretext::data::synthetic
