// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "elementwise.hpp"
#include "reduce.hpp"

/// Normalisation of the channels of (rows, channels); rows are all pixels of all samples. Statistics come from
/// column_moments, so that ranks can merge theirs before.
namespace pretext::simd {

/// y = (x - mean) * rstd * gamma + beta.
template <class T, class Arch>
void batch_norm_normalise(thread_pool& pool, index_t rows, index_t channels, const T* x, const T* mean, const T* rstd,
                          const T* gamma, const T* beta, T* y) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  map_columns<T, Arch>(
      pool, rows, channels, y, false,
      [](const V& v, const V& m, const V& r, const V& g, const V& b) { return O::fma(v - m, r * g, b); }, x, mean, rstd,
      gamma, beta);
}

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

/// dx = or += gamma * rstd * (dy - sum_dy / count - xhat * sum_dy_xhat / count); `count` is the rows the statistics were
/// taken over, on all ranks. With the two sums null the statistics are constants (eval mode): dx = gamma * rstd * dy.
template <class T, class Arch>
void batch_norm_input_gradient(thread_pool& pool, index_t rows, index_t channels, const T* x, const T* dy, const T* mean,
                               const T* rstd, const T* gamma, const T* sum_dy, const T* sum_dy_xhat, index_t count, T* dx,
                               bool accumulate) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  if (channels <= 0) return;
  const bool constant = sum_dy == nullptr || sum_dy_xhat == nullptr;
  const V inverse = O::set(constant ? T(0) : static_cast<T>(1.0 / static_cast<double>(count)));
  const index_t chunk = ceil_div(detail::map_chunk, channels);
  pool.parallel_for(rows, chunk, [&](index_t begin, index_t end) {
    for (index_t r = begin; r < end; ++r) {
      const index_t at = r * channels;
      if (constant)
        map_run<T, Arch>(
            channels, dx + at, accumulate, [](const V& d, const V& s, const V& g) { return d * (s * g); }, dy + at, rstd,
            gamma);
      else
        map_run<T, Arch>(
            channels, dx + at, accumulate,
            [&](const V& v, const V& d, const V& m, const V& s, const V& g, const V& a, const V& b) {
              const V xhat = (v - m) * s;
              return (s * g) * O::fnma(xhat, b * inverse, O::fnma(a, inverse, d));
            },
            x + at, dy + at, mean, rstd, gamma, sum_dy, sum_dy_xhat);
    }
  });
}

}  // namespace pretext::simd
