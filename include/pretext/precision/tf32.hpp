// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for recipes that name it
#pragma once

#include <cstdint>

#include "products.hpp"

namespace pretext::precision {

/// Products of layers may round what they multiply to 11 significant bits (TF32), as the tensor cores of a GPU do with floats. Sums and
/// everything else are float. On a CPU nothing is rounded: no instruction there is faster for it.
///   struct mine : recipe::simclr { using precision = pretext::precision::tf32; };
/// laws    an op's result is within `allowed` of the exact one in the relative 2-norm, unless its terms cancel
struct tf32 {
  using storage = float;
  static constexpr const char* name = "tf32";
  static constexpr double allowed = 1e-3;
  static constexpr bool multiplies_tf32 = true;
  template <class Op>
  static constexpr bool rounds = is_product<Op>;

  /// To nearest, ties away from zero (PTX: cvt.rna.tf32.f32); NaN and infinity stay.
  static float round(float x) {
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x);
    if ((bits & 0x7F800000u) == 0x7F800000u) return x;
    return __builtin_bit_cast(float, (bits + 0x1000u) & 0xFFFFE000u);
  }
};

}  // namespace pretext::precision
