// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>

#include "../ops/rows.hpp"
#include "../ops/sequence.hpp"
#include "../reference/matrix.hpp"
#include "simd_call.hpp"

namespace pretext::backend::detail {

template <class Arch>
struct simd_sequence {
  template <class T>
  using O = kernel::vector_ops<T, Arch>;

  /// Columns are shared out, so a row of the table has one owner, who adds in the order of the ids: no atomics, no sorting, and a
  /// vocabulary costs nothing but its touched rows.
  template <lane_value T, stored_in<T> X, class Id>
  static void run(op::scatter_add_rows_op, const simd_call& call, const tensor_view<X>& dy, const tensor_view<Id>& ids, const tensor_view<T>& dtable) {
    const index_t n = dy.columns();
    call.pool.parallel_for(n, columns_at_once, [&](index_t begin, index_t end) {
      for (index_t i = 0; i < ids.size(); ++i)
        if (ids[i] >= 0) add_run<T>(stored_as<X>(dy).data + i * n, begin, end, dtable.data + static_cast<index_t>(ids[i]) * n);
    });
  }

  template <stored_value S, class T = master_t<S>, class Id>
  static void run(op::add_gathered_rows_op, const simd_call& call, const master<S>& table, const tensor_view<Id>& ids, const tensor_view<S>& y) {
    const index_t n = y.columns();
    if (ids)
      for (index_t i = 0; i < ids.size(); ++i)
        expects(static_cast<index_t>(ids[i]) < table.rows(), "value.120", "an id is not below the number of rows of its table");
    call.pool.parallel_for(y.rows(), rows_at_once(n), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i) {
        const index_t id = ids ? static_cast<index_t>(ids[i]) : 0;
        if (id >= 0) add_run<T>(table.data + id * n, 0, n, y.data + i * n);
      }
    });
  }

  template <stored_value S, class T = master_t<S>>
  static void run(op::add_positions_op, const simd_call& call, const master<S>& table, const extent& s, const tensor_view<S>& y) {
    const index_t samples = y.extent(0), length = samples == 0 ? 0 : y.rows() / samples, n = y.columns();
    s.check_lengths(samples, length);
    op::for_each_position(s, samples, length, [&](index_t, index_t, index_t position) {
      expects(position < table.rows(), "value.122", "a sequence is longer than there are positions");
    });
    call.pool.parallel_for(samples, ceil_div(rows_at_once(n), length > 0 ? length : 1), [&](index_t begin, index_t end) {
      op::for_each_position(part(s, begin, length), end - begin, length, [&](index_t b, index_t t, index_t position) {
        add_run<T>(table.data + position * n, 0, n, y.data + ((begin + b) * length + t) * n);
      });
    });
  }
  template <lane_value T, stored_in<T> X>
  static void run(op::add_positions_gradient_op, const simd_call& call, const tensor_view<X>& dy, const extent& s, const tensor_view<T>& dtable) {
    const index_t samples = dy.extent(0), length = samples == 0 ? 0 : dy.rows() / samples, n = dy.columns();
    s.check_lengths(samples, length);
    call.pool.parallel_for(n, columns_at_once, [&](index_t begin, index_t end) {
      op::for_each_position(s, samples, length, [&](index_t b, index_t t, index_t position) {
        add_run<T>(stored_as<X>(dy).data + (b * length + t) * n, begin, end, dtable.data + position * n);
      });
    });
  }

  template <lane_value T>
  static void run(op::sinusoidal_positions_op, const simd_call& call, const tensor_view<T>& y) {
    const index_t n = y.columns();
    call.pool.parallel_for(y.columns() > 0 ? ceil_div(n, 2) : 0, 16, [&](index_t begin, index_t end) {
      for (index_t pair = begin; pair < end; ++pair) {
        const double step = std::pow(10000.0, -2.0 * static_cast<double>(pair) / static_cast<double>(n));
        for (index_t t = 0; t < y.rows(); ++t) {
          y(t, 2 * pair) = static_cast<T>(std::sin(static_cast<double>(t) * step));
          if (2 * pair + 1 < n) y(t, 2 * pair + 1) = static_cast<T>(std::cos(static_cast<double>(t) * step));
        }
      }
    });
  }

  /// Cosines and sines of all positions.
  template <stored_value S, class T = master_t<S>>
  static index_t scratch(op::rotate_positions_op, int, const extent&, index_t heads, double, bool, const tensor_view<S>& qkv) {
    return bytes_of<T>(qkv.extent(1) * qkv.columns() / (3 * heads));
  }
  template <stored_value S, class T = master_t<S>>
  static void run(op::rotate_positions_op, const simd_call& call, const extent& s, index_t heads, double base, bool inverse, const tensor_view<S>& qkv) {
    constexpr index_t W = O<T>::width;
    const index_t samples = qkv.extent(0), length = qkv.extent(1), d = qkv.columns() / (3 * heads), half = d / 2;
    s.check_lengths(samples, length);
    T *const cosines = call.scratch<T>(), *const sines = cosines + length * half;
    call.pool.parallel_for(half, 8, [&](index_t begin, index_t end) {
      for (index_t c = begin; c < end; ++c) {
        const double step = std::pow(base, -2.0 * static_cast<double>(c) / static_cast<double>(d));
        for (index_t t = 0; t < length; ++t) {
          cosines[t * half + c] = static_cast<T>(std::cos(static_cast<double>(t) * step));
          sines[t * half + c] = static_cast<T>(inverse ? -std::sin(static_cast<double>(t) * step) : std::sin(static_cast<double>(t) * step));
        }
      }
    });
    call.pool.parallel_for(samples, ceil_div(rows_at_once(qkv.columns()), length > 0 ? length : 1), [&](index_t begin, index_t end) {
      op::for_each_position(part(s, begin, length), end - begin, length, [&](index_t b, index_t t, index_t position) {
        S* const row = qkv.data + ((begin + b) * length + t) * qkv.columns();
        for (index_t head = 0; head < 2 * heads; ++head)
          for (index_t c = 0; c < half; c += W) {
            const index_t lanes = half - c < W ? half - c : W;
            S *const x = row + head * d + c, *const z = x + half;
            const auto u = O<T>::load_some(x, lanes), v = O<T>::load_some(z, lanes);
            const auto cosine = O<T>::load_some(cosines + position * half + c, lanes), sine = O<T>::load_some(sines + position * half + c, lanes);
            O<T>::store_some(x, O<T>::fnma(v, sine, u * cosine), lanes);
            O<T>::store_some(z, O<T>::fma(u, sine, v * cosine), lanes);
          }
      });
    });
  }

 private:
  static constexpr index_t columns_at_once = 64;

  /// The structure of the samples from `first` on.
  static extent part(extent s, index_t first, index_t length) {
    if (s.lengths != nullptr) s.lengths += first;
    if (s.blocks != nullptr) s.blocks += first * length;
    return s;
  }
  /// Elements [begin, end) of to += those of from.
  template <class T, class X, class Y>
  static void add_run(const X* from, index_t begin, index_t end, Y* to) {
    constexpr index_t W = O<T>::width;
    for (index_t c = begin; c < end; c += W) {
      const index_t lanes = end - c < W ? end - c : W;
      O<T>::store_some(to + c, O<T>::load_some(to + c, lanes) + O<T>::load_some(from + c, lanes), lanes);
    }
  }
};

}  // namespace pretext::backend::detail
