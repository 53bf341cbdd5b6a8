// SPDX-License-Identifier: BSD-3-Clause
// opt-in: with the kernels of bfloat16, for recipes that name it
#pragma once

#include "../backend/simd/simd_bfloat16.hpp"
#include "../core/bfloat16.hpp"
#include "bf16_storage.hpp"
#include "products.hpp"

namespace pretext::precision {

/// The scores of a contrastive loss may be products of bfloat16, where a back end is faster with them (the tensor cores of a GPU; the
/// SIMD back end multiplies floats). Their sums and exponentials, and the scores of positives, are float.
struct bf16_scores {
  static constexpr double allowed = 5e-3;
  static constexpr bool multiplies_bfloat16 = true;
  using scores = bf16_scores;
  template <class Op>
  static constexpr bool rounds = is_score<Op>;
  static float round(float x) { return float_from_bfloat16(bfloat16_from_float(x)); }
};

/// Products of layers may round what they multiply to bfloat16 (8 significant bits, the range of a float). Their sums, and
/// everything else, are float: parameters, optimizer, norms, activations, losses (their scores as in bf16_scores).
///   struct mine : recipe::simclr { using precision = pretext::precision::bf16_products; };
/// laws    an op's result is within `allowed` of the exact one in the relative 2-norm, unless its terms cancel
struct bf16_products {
  using storage = float;
  static constexpr const char* name = "bf16_products";
  static constexpr double allowed = 5e-3;
  static constexpr bool multiplies_bfloat16 = true;
  using scores = bf16_scores;
  template <class Op>
  static constexpr bool rounds = is_product<Op>;
  template <class Arch>
  using simd_kernels = backend::detail::simd_bfloat16<Arch>;

  static float round(float x) { return float_from_bfloat16(bfloat16_from_float(x)); }
};

/// Activations and their gradients lie in memory as bfloat16, and products may round what they multiply to it: what frameworks
/// call training in bf16 with float master weights.
///   struct mine : recipe::simclr { using precision = pretext::precision::bf16; };
struct bf16 : bf16_storage<bf16_products> {
  static constexpr const char* name = "bf16";
};

}  // namespace pretext::precision
