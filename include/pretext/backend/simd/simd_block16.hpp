// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of precision::block16, compiled where a recipe names it
#pragma once

#include "gemm_block16.hpp"
#include "simd_products.hpp"

namespace pretext::backend::detail {

/// The products of the back end as integers that share a scale.
template <class Arch>
struct simd_block16 : simd_products<Arch, kernel::block16_terms> {
  static const char* rounding() { return kernel::has_int16_dot<Arch> ? "integers of 16 bits" : "floats"; }
};

}  // namespace pretext::backend::detail
