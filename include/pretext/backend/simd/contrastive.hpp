// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "../../core/thread_pool.hpp"
#include "gemm.hpp"
#include "vector_math.hpp"

/// Contrastive losses without their matrix of similarities: strips of a tile's rows by a few hundred columns are computed,
/// used and forgotten. Memory is linear in the rows; a gradient row belongs to one thread; no atomics.
namespace pretext::simd {

/// s = scale * dot. Any struct with these two functions of vectors can stand in its place.
template <class T, class Arch>
struct scaled_dot {
  T scale;
  vec<T, Arch> value(const vec<T, Arch>& dot) const { return dot * vector_ops<T, Arch>::set(scale); }
  vec<T, Arch> slope(const vec<T, Arch>&) const { return vector_ops<T, Arch>::set(scale); }
};

/// Rows q (M, D) against columns k (N, D). Pair (i, j) is left out where j = i + self_offset, and where j = excluded[i].
/// self_offset = -1 - M (or anything that meets no column) leaves no self pair out; excluded may be null.
template <class T>
struct contrast {
  index_t rows, columns, width;
  const T* q;
  index_t q_stride;
  const T* k;
  index_t k_stride;
  index_t self_offset = 0;
  const std::int32_t* excluded = nullptr;
};

namespace detail {

/// Sizes of the streaming sweep, from the problem's sizes alone.
template <class T, class Arch>
struct contrast_plan {
  static constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  static constexpr index_t strip = 256;                    // columns a row tile handles at once, a multiple of C
  static constexpr index_t rows_per_task = R * 4;
  index_t width, padded_width, padded_columns;

  contrast_plan(index_t columns, index_t d)
      : width(d), padded_width(round_up(d, C)), padded_columns(round_up(columns, C)) {}
  /// k transposed in panels of C columns: what the similarities are computed from.
  index_t transposed_size() const { return padded_columns * width; }
  /// k in blocks of `strip` rows, panels of C of the width: what the gradient is added up from.
  index_t direct_size() const { return padded_columns * padded_width; }
  index_t worker_size(bool gradient) const {
    return round_up(R * strip + rows_per_task * (width + 16) + (gradient ? rows_per_task * padded_width : 0), 16);
  }
};

template <class T, class Arch>
void pack_transposed(thread_pool& pool, const contrast<T>& p, T* to) {
  constexpr index_t C = tile_shape<T, Arch>::columns;
  pool.parallel_for(p.columns, C, [&](index_t begin, index_t end) {
    transpose_panel<T, Arch>(p.k + begin * p.k_stride, p.k_stride, p.width, end - begin, to + begin * p.width);
  });
}

/// The similarities' dots of R rows and up to `strip` columns, row r at strip[r * plan::strip].
template <class T, class Arch>
void dot_strip(strided<T> rows, index_t count, index_t columns, index_t width, const T* panels, T* strip) {
  using plan = contrast_plan<T, Arch>;
  const store_result<T, Arch> store{{strip, plan::strip}, false, nullptr};
  for (index_t j = 0; j < columns; j += plan::C)
    run_tile<T, Arch>(width, rows, panels + j * width, store, 0, j, count, plan::C, true, true);
}

}  // namespace detail

/// Elements of scratch for contrast_row_lse.
template <class T, class Arch>
index_t contrast_row_lse_scratch(int threads, index_t columns, index_t width) {
  const detail::contrast_plan<T, Arch> plan(columns, width);
  return round_up(plan.transposed_size(), 16) + threads * plan.worker_size(false) + 64;
}

/// lse (M) = log of the sum over the pairs of row i that are not left out of exp(s_ij), s_ij = score(dot).
/// A running maximum keeps every exponent at or below zero. A row with no pair gets minus infinity.
/// cost    2 M N D + M N exp; scratch linear in N
/// repeat  same bits for any number of threads; a row's bits do not depend on the other rows
template <class T, class Arch, class Score>
void contrast_row_lse(thread_pool& pool, const contrast<T>& p, const Score& score, T* lse, T* scratch) {
  using O = vector_ops<T, Arch>;
  using plan_type = detail::contrast_plan<T, Arch>;
  using V = vec<T, Arch>;
  if (p.rows <= 0) return;
  constexpr index_t R = plan_type::R, S = plan_type::strip;
  constexpr T lowest = std::numeric_limits<T>::lowest(), infinity = std::numeric_limits<T>::infinity();
  const plan_type plan(p.columns, p.width);
  T* const panels = detail::align_scratch(scratch);
  T* const workers = panels + round_up(plan.transposed_size(), 16);
  detail::pack_transposed<T, Arch>(pool, p, panels);
  const dense_left<T, Arch> left{p.q, p.q_stride, 1, false};
  pool.parallel_for_worker(ceil_div(p.rows, plan_type::rows_per_task), [&](index_t task, int worker) {
    T* const strip = workers + worker * plan.worker_size(false);
    const index_t i0 = task * plan_type::rows_per_task;
    const index_t count = p.rows - i0 < plan_type::rows_per_task ? p.rows - i0 : plan_type::rows_per_task;
    const strided<T> rows = left.block(i0, count, 0, p.width, strip + R * S);
    V highest[plan_type::rows_per_task], sum[plan_type::rows_per_task];
    for (index_t r = 0; r < count; ++r) {
      highest[r] = O::set(lowest);
      sum[r] = O::zero();
    }
    for (index_t j0 = 0; j0 < p.columns; j0 += S) {
      const index_t columns = p.columns - j0 < S ? p.columns - j0 : S;
      for (index_t t = 0; t < count; t += R) {
        const index_t tile_rows = count - t < R ? count - t : R;
        detail::dot_strip<T, Arch>(rows.tile(t / R), tile_rows, columns, p.width, panels + j0 * p.width, strip);
        for (index_t r = 0; r < tile_rows; ++r) {
          T* const s = strip + r * S;
          const index_t i = i0 + t + r, self = i + p.self_offset - j0;
          const index_t other = p.excluded ? p.excluded[i] - j0 : -1;
          for (index_t j = 0; j < columns; j += O::width) O::store(s + j, score.value(O::load(s + j)));
          for (index_t j = columns; j < round_up(columns, O::width); ++j) s[j] = -infinity;
          if (self >= 0 && self < columns) s[self] = -infinity;
          if (other >= 0 && other < columns) s[other] = -infinity;
          V top = highest[t + r];
          for (index_t j = 0; j < columns; j += O::width) top = O::max(top, O::load(s + j));
          V total = sum[t + r] * vector_math<T, Arch>::exp(highest[t + r] - top);
          for (index_t j = 0; j < columns; j += O::width)
            total = total + vector_math<T, Arch>::exp(O::load(s + j) - top);
          highest[t + r] = top;
          sum[t + r] = total;
        }
      }
    }
    for (index_t r = 0; r < count; ++r) {
      const T top = O::largest(highest[r]);
      const T total = O::sum(sum[r] * vector_math<T, Arch>::exp(highest[r] - O::set(top)));
      lse[i0 + r] = total == T(0) ? -infinity : top + std::log(total);
    }
  });
}

/// What each pair weighs in the gradient: row_weight_i exp(s_ij - row_lse_i) + column_weight_j exp(s_ij - column_lse_j),
/// times the score's slope. Null weights are ones; a null column_lse leaves the second term out.
template <class T>
struct contrast_weights {
  const T* row_lse;
  const T* row_weight = nullptr;
  const T* column_lse = nullptr;
  const T* column_weight = nullptr;
};

/// Elements of scratch for contrast_gradient.
template <class T, class Arch>
index_t contrast_gradient_scratch(int threads, index_t columns, index_t width) {
  const detail::contrast_plan<T, Arch> plan(columns, width);
  return round_up(plan.transposed_size(), 16) + round_up(plan.direct_size(), 16) +
         threads * plan.worker_size(true) + 64;
}

/// dq (M, D) += factor * sum over the pairs of row i that are not left out of weight_ij k_j. The products are computed
/// again, so nothing but the log-sum-exps has to be kept from the forward pass.
/// For NT-Xent over z: q = k = z, row_lse = column_lse; the positive pair's own term is the caller's (a row operation).
/// The mask of a pair counts for both terms: with column_lse, `excluded` must be symmetric.
/// cost    4 M N D + M N or 2 M N exp; scratch linear in N
/// repeat  same bits for any number of threads
template <class T, class Arch, class Score>
void contrast_gradient(thread_pool& pool, const contrast<T>& p, const Score& score, const contrast_weights<T>& w, T factor,
                       T* dq, index_t dq_stride, T* scratch) {
  using O = vector_ops<T, Arch>;
  using M = vector_math<T, Arch>;
  using plan_type = detail::contrast_plan<T, Arch>;
  using V = vec<T, Arch>;
  if (p.rows <= 0 || p.width <= 0) return;
  constexpr index_t R = plan_type::R, C = plan_type::C, S = plan_type::strip;
  const plan_type plan(p.columns, p.width);
  T* const panels = detail::align_scratch(scratch);
  T* const direct = panels + round_up(plan.transposed_size(), 16);
  T* const workers = direct + round_up(plan.direct_size(), 16);
  detail::pack_transposed<T, Arch>(pool, p, panels);
  pool.parallel_for(p.columns, S, [&](index_t begin, index_t end) {
    copy_panels<T, Arch>(p.k + begin * p.k_stride, p.k_stride, end - begin, p.width, direct + begin * plan.padded_width);
  });
  const dense_left<T, Arch> left{p.q, p.q_stride, 1, false};
  pool.parallel_for_worker(ceil_div(p.rows, plan_type::rows_per_task), [&](index_t task, int worker) {
    T* const strip = workers + worker * plan.worker_size(true);
    T* const sums = strip + R * S;
    const index_t i0 = task * plan_type::rows_per_task;
    const index_t count = p.rows - i0 < plan_type::rows_per_task ? p.rows - i0 : plan_type::rows_per_task;
    const strided<T> rows = left.block(i0, count, 0, p.width, sums + plan_type::rows_per_task * plan.padded_width);
    for (index_t i = 0; i < count * plan.padded_width; ++i) sums[i] = T(0);
    for (index_t j0 = 0; j0 < p.columns; j0 += S) {
      const index_t columns = p.columns - j0 < S ? p.columns - j0 : S;
      for (index_t t = 0; t < count; t += R) {
        const index_t tile_rows = count - t < R ? count - t : R;
        detail::dot_strip<T, Arch>(rows.tile(t / R), tile_rows, columns, p.width, panels + j0 * p.width, strip);
        for (index_t r = 0; r < tile_rows; ++r) {
          T* const s = strip + r * S;
          const index_t i = i0 + t + r, self = i + p.self_offset - j0;
          const index_t other = p.excluded ? p.excluded[i] - j0 : -1;
          const V row_lse = O::set(w.row_lse[i]), row_weight = O::set(w.row_weight ? w.row_weight[i] : T(1));
          for (index_t j = 0; j < columns; j += O::width) {
            const index_t n = columns - j < O::width ? columns - j : O::width;
            const V dot = O::load(s + j), value = score.value(dot);
            V weight = row_weight * M::exp(value - row_lse);
            if (w.column_lse) {
              const V from_column = M::exp(value - O::load_some(w.column_lse + j0 + j, n));
              weight = w.column_weight ? O::fma(from_column, O::load_some(w.column_weight + j0 + j, n), weight)
                                       : weight + from_column;
            }
            O::store(s + j, weight * score.slope(dot));
          }
          // Set, never multiplied: what stood there may be infinite.
          if (self >= 0 && self < columns) s[self] = T(0);
          if (other >= 0 && other < columns) s[other] = T(0);
        }
        for (index_t r = tile_rows; r < R; ++r)
          for (index_t j = 0; j < columns; ++j) strip[r * S + j] = T(0);
        const store_result<T, Arch> add{{sums + t * plan.padded_width, plan.padded_width}, true, nullptr};
        for (index_t d = 0; d < p.width; d += C)
          run_tile<T, Arch>(columns, strided<T>{strip, S, 1}, direct + j0 * plan.padded_width + d * columns, add, 0, d,
                            tile_rows, C, true, true);
      }
    }
    const V f = O::set(factor);
    for (index_t r = 0; r < count; ++r)
      for (index_t d = 0; d < p.width; d += O::width) {
        const index_t n = p.width - d < O::width ? p.width - d : O::width;
        T* const to = dq + (i0 + r) * dq_stride + d;
        O::store_some(to, O::fma(f, O::load(sums + r * plan.padded_width + d), O::load_some(to, n)), n);
      }
  });
}

}  // namespace pretext::simd
