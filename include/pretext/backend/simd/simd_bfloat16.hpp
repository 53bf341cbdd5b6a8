// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of precision::bf16, compiled where a recipe names it
#pragma once

#include "gemm_bfloat16.hpp"
#include "simd_products.hpp"

namespace pretext::backend::detail {

/// The products of the back end with operands rounded to bfloat16.
template <class Arch>
struct simd_bfloat16 : simd_products<Arch, kernel::bfloat16_terms> {
  static const char* rounding() {
    return kernel::has_bfloat16_dot<Arch> && kernel::bfloat16_dot_pays() ? "bfloat16 pairs" : "bfloat16 in floats";
  }
};

}  // namespace pretext::backend::detail
