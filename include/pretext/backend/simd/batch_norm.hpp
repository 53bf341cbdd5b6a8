// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "reduce.hpp"

/// Sums of batch_norm over the channels of (rows, channels); rows are all pixels of all samples. Statistics come from
/// column_moments, so that ranks can merge theirs before; maps of columns (simd_norm.hpp) do the rest.
namespace pretext::simd {

/// sum_dy += sum of dy, sum_dy_xhat += sum of dy * (x - mean) * rstd, per channel: the gradients of beta and gamma.
/// scratch column_scratch(rows, channels, 2)
template <class T, class Arch>
void batch_norm_gradient_sums(thread_pool& pool, index_t rows, index_t channels, const T* x, const T* dy, const T* mean,
                              const T* rstd, T* sum_dy, T* sum_dy_xhat, T* scratch) {
  using O = vector_ops<T, Arch>;
  sum_columns<T, Arch, 2>(
      pool, rows, channels,
      [&](index_t r, index_t c, index_t n, vec<T, Arch>* sum) {
        const auto d = O::load_some(dy + r * channels + c, n);
        const auto xhat =
            (O::load_some(x + r * channels + c, n) - O::load_some(mean + c, n)) * O::load_some(rstd + c, n);
        sum[0] = sum[0] + d;
        sum[1] = O::fma(d, xhat, sum[1]);
      },
      {sum_dy, sum_dy_xhat}, scratch);
}

}  // namespace pretext::simd
