// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "reduce.hpp"

/// Sums of batch_norm over the channels of (rows, channels); rows are all pixels of all samples. Statistics come from
/// column_moments, so that ranks can merge theirs before; maps of columns (simd_norm.hpp) do the rest.
namespace pretext::simd {

struct gradient_as_it_is {
  template <class V>
  V operator()(index_t, index_t, const V&, const V&, const V& dy) const {
    return dy;
  }
};

/// sum_dz += sum of dz, sum_dz_xhat += sum of dz (x - mean) rstd, per channel: the gradients of beta and gamma, where
/// dz = through(channel, lanes, x - mean, rstd, dy).
/// scratch column_scratch(rows, channels, 2)
template <class T, class Arch, class S, class Through = gradient_as_it_is>
void batch_norm_gradient_sums(thread_pool& pool, index_t rows, index_t channels, const S* x, const S* dy, const T* mean,
                              const T* rstd, T* sum_dz, T* sum_dz_xhat, T* scratch, const Through& through = {}) {
  using O = vector_ops<T, Arch>;
  sum_columns<T, Arch, 2>(
      pool, rows, channels,
      [&](index_t r, index_t c, index_t n, vec<T, Arch>* sum) {
        const auto centred = O::load_some(x + r * channels + c, n) - O::load_some(mean + c, n);
        const auto deviation = O::load_some(rstd + c, n);
        const auto dz = through(c, n, centred, deviation, O::load_some(dy + r * channels + c, n));
        sum[0] = sum[0] + dz;
        sum[1] = O::fma(dz, centred * deviation, sum[1]);
      },
      {sum_dz, sum_dz_xhat}, scratch);
}

}  // namespace pretext::simd
