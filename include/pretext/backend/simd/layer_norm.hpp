// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include "elementwise.hpp"
#include "reduce.hpp"

/// Normalisation of each row of (rows, width).
namespace pretext::simd {

/// y = (x - mean) * rstd * gamma + beta with the row's own mean and rstd = 1 / sqrt(variance + eps), both kept (rows).
/// repeat  a row's bits do not depend on the other rows
template <class T, class Arch>
void layer_norm_forward(thread_pool& pool, index_t rows, index_t width, const T* x, const T* gamma, const T* beta, T eps,
                        T* y, T* mean, T* rstd) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  if (width <= 0) return;
  const bool streams = y != x && O::streams(y, rows * width, width);
  const auto add = [](const V& a, const V& b) { return a + b; };
  pool.parallel_for(rows, ceil_div(8192, width), [&](index_t begin, index_t end) {
    for (index_t r = begin; r < end; ++r) {
      const T* row = x + r * width;
      // Shifted by the first element, so that a large common offset costs no digits.
      const T origin = row[0];
      const V shift = O::set(origin);
      const T m = origin + O::sum(fold_row<T, Arch>(
                               row, width, T(0), origin, [&](const V& sum, const V& v) { return sum + (v - shift); }, add)) /
                               static_cast<T>(width);
      const V centre = O::set(m);
      const V squares = fold_row<T, Arch, true>(
          row, width, T(0), m,
          [&](const V& sum, const V& v) {
            const V d = v - centre;
            return O::fma(d, d, sum);
          },
          add);
      const T s = T(1) / std::sqrt(O::sum(squares) / static_cast<T>(width) + eps);
      mean[r] = m;
      rstd[r] = s;
      const V scale = O::set(s);
      const auto normal = [&](const V& v, const V& g, const V& b) { return O::fma((v - centre) * scale, g, b); };
      map_row<T, Arch>(width, y + r * width, streams, normal, row, gamma, beta);
    }
    if (streams) O::end_stream();
  });
}

/// Elements of scratch for layer_norm_backward.
template <class T, class Arch>
index_t layer_norm_backward_scratch(index_t rows, index_t width) {
  return column_scratch<T, Arch>(rows, width, 2);
}

/// dx = or += rstd * (d - mean(d) - xhat * mean(d * xhat)), d = dy * gamma; d_gamma and d_beta accumulate. Null dx, or both
/// d_gamma and d_beta null, leave that part out.
template <class T, class Arch>
void layer_norm_backward(thread_pool& pool, index_t rows, index_t width, const T* x, const T* gamma, const T* mean,
                         const T* rstd, const T* dy, T* dx, bool accumulate, T* d_gamma, T* d_beta, T* scratch) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  if (width <= 0) return;
  if (d_gamma != nullptr && d_beta != nullptr)
    sum_columns<T, Arch, 2>(
        pool, rows, width,
        [&](index_t r, index_t c, index_t n, V* sum) {
          const V d = O::load_some(dy + r * width + c, n);
          const V xhat = (O::load_some(x + r * width + c, n) - O::set(mean[r])) * O::set(rstd[r]);
          sum[0] = O::fma(d, xhat, sum[0]);
          sum[1] = sum[1] + d;
        },
        {d_gamma, d_beta}, scratch);
  if (dx == nullptr) return;
  const bool streams = dx != x && dx != dy && O::streams(dx, rows * width, width);
  pool.parallel_for(rows, ceil_div(8192, width), [&](index_t begin, index_t end) {
    for (index_t r = begin; r < end; ++r) {
      const T *row = x + r * width, *up = dy + r * width;
      const V centre = O::set(mean[r]), scale = O::set(rstd[r]);
      V sum = O::zero(), product = sum, sum2 = sum, product2 = sum;
      const auto add = [&](index_t c, index_t n, V& s, V& p) {
        prefetch(row + c + width);  // the next row, while memory has nothing to do
        prefetch(up + c + width);
        const V d = O::load_some(up + c, n) * O::load_some(gamma + c, n);
        s = s + d;
        p = O::fma(d, (O::load_some(row + c, n) - centre) * scale, p);
      };
      index_t c = 0;
      for (; c + 2 * O::width <= width; c += 2 * O::width) {  // two at once, for a sum alone would wait for itself
        add(c, O::width, sum, product);
        add(c + O::width, O::width, sum2, product2);
      }
      for (; c < width; c += O::width) add(c, width - c < O::width ? width - c : O::width, sum, product);
      sum = sum + sum2;
      product = product + product2;
      const V a = O::set(O::sum(sum) / static_cast<T>(width)), b = O::set(O::sum(product) / static_cast<T>(width));
      const auto gradient = [&](const V& v, const V& d, const V& g) {
        const V xhat = (v - centre) * scale;
        return scale * O::fnma(xhat, b, O::fma(d, g, -a));
      };
      if (accumulate)
        map_run<T, Arch>(width, dx + r * width, true, gradient, row, up, gamma);
      else
        map_row<T, Arch>(width, dx + r * width, streams, gradient, row, up, gamma);
    }
    if (streams) O::end_stream();
  });
}

}  // namespace pretext::simd
