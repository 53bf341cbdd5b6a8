// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "../ops/rows.hpp"
#include "../reference/matrix.hpp"
#include "elementwise.hpp"
#include "reduce.hpp"
#include "simd_call.hpp"
#include "simd_norm.hpp"
#include "vector_math.hpp"

namespace pretext::backend::detail {

template <class Arch>
struct simd_rows {
  template <class T>
  using O = kernel::vector_ops<T, Arch>;
  template <class T>
  using V = kernel::vec<T, Arch>;
  using ids_view = tensor_view<const std::int32_t>;

  template <stored_value S, class T = master_t<S>, stored_in<T> X, class Id>
  static void run(op::gather_rows_op, const simd_call& call, const tensor_view<X>& table, const tensor_view<Id>& ids, const tensor_view<S>& y) {
    const index_t n = table.columns();
    for (const auto id : ids)
      expects(static_cast<index_t>(id) < table.rows(), "value.120", "an id is not below the number of rows of its table");
    call.pool.parallel_for(ids.size(), rows_at_once(n), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i) {
        S* const to = y.data + i * n;
        const std::size_t bytes = static_cast<std::size_t>(n) * sizeof(S);
        if (ids[i] < 0) {
          std::memset(static_cast<void*>(to), 0, bytes);
          continue;
        }
        const std::remove_const_t<X>* const from = table.data + static_cast<index_t>(ids[i]) * n;
        if constexpr (std::is_same_v<std::remove_const_t<X>, S>) {
          std::memcpy(static_cast<void*>(to), from, bytes);
        } else {
          constexpr index_t W = O<T>::width;
          for (index_t c = 0; c < n; c += W) O<T>::store_some(to + c, O<T>::load_some(from + c, n - c < W ? n - c : W), n - c < W ? n - c : W);
        }
      }
    });
  }

  template <lane_value T>
  static void run(op::softmax_cross_entropy_op, const simd_call& call, const input<T>& logits, ids_view labels,
                  const tensor_view<T>& losses, tensor_view<std::type_identity_t<T>> dlogits) {
    using M = kernel::vector_math<T, Arch>;
    const index_t n = logits.columns();
    for (const std::int32_t label : labels) expects(label < n, "value.121", "a label is not below the number of classes");
    call.pool.parallel_for(logits.rows(), rows_at_once(n), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i) {
        const T* row = logits.data + i * n;
        T* to = dlogits ? dlogits.data + i * n : nullptr;
        const index_t label = labels[i];
        if (label < 0) {
          losses[i] = T{};
          if (to) std::memset(to, 0, static_cast<std::size_t>(n) * sizeof(T));
          continue;
        }
        constexpr T nothing = -std::numeric_limits<T>::infinity();
        const T largest = kernel::largest_of_row<T, Arch>(row, n);
        const auto top = O<T>::set(largest);
        const T sum = sum_row<T, Arch>(n, [&](index_t c, index_t lanes) {
          kernel::prefetch(row + c + n);  // memory would wait while exponentials are made
          const auto e = M::exp(O<T>::load_some(row + c, lanes, nothing) - top);
          if (to) O<T>::store_some(to + c, e, lanes);
          return e;
        });
        losses[i] = std::log(sum) + (largest - row[label]);
        if (to == nullptr) continue;
        kernel::map_row<T, Arch>(n, to, false, [share = O<T>::set(T(1) / sum)](const V<T>& e) { return e * share; }, to);
        to[label] -= T(1);
      }
    });
  }

  template <lane_value T>
  static void run(op::row_dot_op, const simd_call& call, const input<T>& a, const input<T>& b, const tensor_view<T>& y) {
    const index_t n = a.columns();
    call.pool.parallel_for(a.rows(), rows_at_once(n), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i)
        y[i] = sum_row<T, Arch>(n, [&](index_t c, index_t lanes) {
          return O<T>::load_some(a.data + i * n + c, lanes) * O<T>::load_some(b.data + i * n + c, lanes);
        });
    });
  }
  template <lane_value T>
  static void run(op::add_scaled_rows_op, const simd_call& call, const input<T>& weights, const input<T>& x, const tensor_view<T>& y) {
    const index_t n = x.columns();
    call.pool.parallel_for(x.rows(), rows_at_once(n), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i) {
        const auto w = O<T>::set(weights[i]);
        T* to = y.data + i * n;
        kernel::map_run<T, Arch>(
            n, to, false, [&](const V<T>& a, const V<T>& b) { return O<T>::fma(w, b, a); }, to, x.data + i * n);
      }
    });
  }

  static constexpr index_t sum_chunk = 16384;
  template <lane_value T>
  static index_t scratch(op::sum_op, int, const input<T>& x, const tensor_view<T>&) {
    return bytes_of<T>(ceil_div(x.size(), sum_chunk));
  }
  /// Blocks of 64 vectors, then blocks, then chunks along a tree: short chains keep rounding small.
  template <lane_value T>
  static void run(op::sum_op, const simd_call& call, const input<T>& x, const tensor_view<T>& y) {
    constexpr index_t block = 64 * O<T>::width;
    T* const parts = call.scratch<T>();
    const index_t chunks = ceil_div(x.size(), sum_chunk);
    call.pool.parallel_for(x.size(), sum_chunk, [&](index_t begin, index_t end) {
      auto total = O<T>::zero();
      for (index_t b = begin; b < end; b += block) {
        const index_t stop = end - b < block ? end : b + block;
        auto sum = O<T>::zero();
        for (index_t i = b; i < stop; i += O<T>::width)
          sum = sum + O<T>::load_some(x.data + i, stop - i < O<T>::width ? stop - i : O<T>::width);
        total = total + sum;
      }
      parts[begin / sum_chunk] = O<T>::sum(total);
    });
    combine_in_tree(chunks, [&](index_t into, index_t from) { parts[into] += parts[from]; });
    y[0] = chunks > 0 ? parts[0] : T{};
  }

  /// The normalised rows, then the moments of their columns, by the kernels of row_normalize and column_moments: a program
  /// that trains has compiled those already, and the pass is a rounding error of a step.
  template <lane_value T>
  static index_t scratch(op::embedding_std_op, int, const input<T>& z, const tensor_view<T>&) {
    return bytes_of<T>(z.size() + z.rows() + 2 * z.columns() + kernel::column_moments_scratch<T, Arch>(z.rows(), z.columns()));
  }
  template <lane_value T>
  static void run(op::embedding_std_op, const simd_call& call, const input<T>& z, const tensor_view<T>& y) {
    const index_t m = z.rows(), n = z.columns();
    T *const rows = call.scratch<T>(), *const norms = rows + z.size(), *const mean = norms + m, *const squares = mean + n;
    // The least norm only keeps a row of zeros what it is.
    simd_norm<Arch>::run(op::row_normalize_op{}, call, z, static_cast<double>(std::numeric_limits<T>::min()),
                         tensor_view<T>{rows, z.shape}, tensor_view<T>{norms, extents(m)});
    kernel::column_moments<T, Arch>(call.pool, m, n, rows, mean, squares, squares + n);
    T total{};
    for (index_t j = 0; j < n; ++j) total += std::sqrt(squares[j] / static_cast<T>(m));
    y[0] = total / static_cast<T>(n);
  }
};

}  // namespace pretext::backend::detail
