// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for precisions that round what products multiply
#pragma once

#include "simd_convolution.hpp"
#include "simd_matrix.hpp"

namespace pretext::backend::detail {

/// The products of the back end in some Terms (gemm.hpp).
template <class Arch, class Terms>
struct simd_products : simd_matrix<Arch, Terms>, simd_convolution<Arch, Terms> {
  using simd_matrix<Arch, Terms>::run;
  using simd_convolution<Arch, Terms>::run;
  using simd_matrix<Arch, Terms>::scratch;
  using simd_convolution<Arch, Terms>::scratch;
};

}  // namespace pretext::backend::detail
