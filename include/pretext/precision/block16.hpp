// SPDX-License-Identifier: BSD-3-Clause
// opt-in: with the kernels of integers, for recipes that name it
#pragma once

#include "../backend/simd/simd_block16.hpp"
#include "../core/bfloat16.hpp"
#include "products.hpp"

namespace pretext::precision {

/// Products of layers may turn what they multiply into integers of 12 to 16 bits that share a scale along each sum (block
/// floating point): the large values of a row keep more digits than in bfloat16, its small ones fewer. Sums, and everything
/// else, are float: parameters, optimizer, norms, activations, losses.
///   struct mine : recipe::simclr { using precision = pretext::precision::block16; };
/// laws    an element's error is at most |row| |column| sqrt(n) / limit, n <= 512 terms; in the relative 2-norm some 5e-4
/// source  Drumond et al. 2018, arXiv:1804.01526
struct block16 {
  using storage = float;
  static constexpr const char* name = "block16";
  static constexpr double allowed = 5e-3;
  template <class Op>
  static constexpr bool rounds = is_product<Op>;
  template <class Arch>
  using simd_kernels = backend::detail::simd_block16<Arch>;

  /// What one value may lose at worst, for comparisons: all but 8 digits.
  static float round(float x) { return float_from_bfloat16(bfloat16_from_float(x)); }
};

}  // namespace pretext::precision
