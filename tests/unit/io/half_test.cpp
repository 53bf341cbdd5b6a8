// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/half.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

namespace io = pretext::io;

namespace {

/// The value of binary16 bits by its definition, in double.
double definition(unsigned bits) {
  const double sign = (bits & 0x8000u) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>((bits >> 10) & 31u);
  const double fraction = static_cast<double>(bits & 1023u) / 1024.0;
  if (exponent == 0) return sign * std::ldexp(fraction, -14);
  return sign * std::ldexp(1.0 + fraction, exponent - 15);
}

/// Rounding by its definition: between two neighbouring values the nearer one, on a tie the even one.
template <class Widen>
std::uint16_t nearest(float magnitude, std::uint16_t largest, Widen widen) {
  std::uint16_t low = 0, high = largest;
  while (low < high) {  // the last value not above the magnitude
    const auto middle = static_cast<std::uint16_t>((low + high + 1) / 2);
    if (widen(middle) <= magnitude)
      low = middle;
    else
      high = static_cast<std::uint16_t>(middle - 1);
  }
  const double below = widen(low), above = widen(static_cast<std::uint16_t>(low + 1));
  const double ahead = above - static_cast<double>(magnitude), behind = static_cast<double>(magnitude) - below;
  if (ahead == behind) return static_cast<std::uint16_t>(low + (low & 1));
  return static_cast<std::uint16_t>(ahead < behind ? low + 1 : low);
}

static_assert(io::half_from_float(1.0f) == 0x3C00 && io::bfloat16_from_float(1.0f) == 0x3F80);

}  // namespace

TEST_CASE("half: all 65536 values widen to their definition and narrow to themselves", "[io][half]") {
  unsigned wrong = 0;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const auto h = static_cast<std::uint16_t>(bits);
    const float f = io::float_from_half(h);
    const std::uint16_t back = io::half_from_float(f);
    const bool is_nan = (bits & 0x7FFFu) > 0x7C00u;
    if (is_nan) {
      // NaN stays NaN with sign and payload, and becomes quiet.
      wrong += !(f != f) || back != (bits | 0x0200u);
    } else if ((bits & 0x7FFFu) == 0x7C00u) {
      wrong += !std::isinf(f) || std::signbit(f) != (bits >= 0x8000u) || back != h;
    } else {
      wrong += static_cast<double>(f) != definition(bits) || std::signbit(f) != (bits >= 0x8000u) || back != h;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16: all 65536 values widen to the upper half of a float and narrow to themselves", "[io][half]") {
  unsigned wrong = 0;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const auto b = static_cast<std::uint16_t>(bits);
    const float f = io::float_from_bfloat16(b);
    const bool is_nan = (bits & 0x7FFFu) > 0x7F80u;
    wrong += std::bit_cast<std::uint32_t>(f) != bits << 16;
    wrong += io::bfloat16_from_float(f) != (is_nan ? (bits | 0x0040u) : bits);
  }
  CHECK(wrong == 0);
}

TEST_CASE("half: narrowing is to nearest, ties to even, for floats around every value", "[io][half]") {
  unsigned wrong = 0;
  // Values, ties and their neighbours, for every finite half below the largest.
  for (unsigned bits = 0; bits < 0x7BFF; ++bits) {
    const float low = io::float_from_half(static_cast<std::uint16_t>(bits));
    const float high = io::float_from_half(static_cast<std::uint16_t>(bits + 1));
    const float tie = low + (high - low) / 2;
    const float inf = std::numeric_limits<float>::infinity();
    for (const float f : {low, std::nextafter(low, inf), std::nextafter(tie, 0.0f), tie, std::nextafter(tie, inf), std::nextafter(high, 0.0f)}) {
      const std::uint16_t expected = nearest(f, 0x7BFF, [](std::uint16_t h) { return io::float_from_half(h); });
      wrong += io::half_from_float(f) != expected;
      wrong += io::half_from_float(-f) != (expected | 0x8000u);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16: narrowing is to nearest, ties to even, for floats around every value", "[io][half]") {
  unsigned wrong = 0;
  for (unsigned bits = 0; bits < 0x7F7F; ++bits) {
    // In float bits the tie lies exactly in the middle, also for subnormals.
    for (const unsigned rest : {0u, 1u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu}) {
      const float f = std::bit_cast<float>((bits << 16) | rest);
      const unsigned expected = rest < 0x8000u ? bits : rest > 0x8000u ? bits + 1 : bits + (bits & 1u);
      wrong += io::bfloat16_from_float(f) != expected;
      wrong += io::bfloat16_from_float(-f) != (expected | 0x8000u);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("half: overflow goes to infinity, underflow to a zero of the same sign, NaN never to infinity", "[io][half]") {
  CHECK(io::half_from_float(65504.0f) == 0x7BFF);
  CHECK(io::half_from_float(65519.996f) == 0x7BFF);
  CHECK(io::half_from_float(65520.0f) == 0x7C00);
  CHECK(io::half_from_float(-3e38f) == 0xFC00);
  CHECK(io::half_from_float(0x1p-24f) == 1);
  CHECK(io::half_from_float(0x1p-25f) == 0);  // a tie with even zero
  CHECK(io::half_from_float(std::nextafter(0x1p-25f, 1.0f)) == 1);
  CHECK(io::half_from_float(-1e-30f) == 0x8000);
  CHECK(io::bfloat16_from_float(3.4e38f) == 0x7F80);
  // The only payload bit lies where narrowing cuts.
  CHECK((io::half_from_float(std::bit_cast<float>(0x7F800001u)) & 0x7FFF) > 0x7C00);
  CHECK((io::bfloat16_from_float(std::bit_cast<float>(0xFF800001u)) & 0x7FFF) > 0x7F80);
}
