// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>

#include "../reference/matrix.hpp"
#include "contrastive_gradient.hpp"
#include "contrastive_lse.hpp"
#include "elementwise.hpp"
#include "simd_call.hpp"

namespace pretext::backend::detail {

template <class Arch>
struct simd_contrastive {
  using indices = tensor_view<const std::int32_t>;
  template <class T>
  using O = kernel::vector_ops<T, Arch>;
  template <class T>
  using V = kernel::vec<T, Arch>;

  template <class P, lane_value T, std::derived_from<op::pair_mask> Mask>
  static index_t scratch(op::contrastive_forward_op, int threads, const P&, const input<T>& rows, const input<T>& columns,
                         const indices&, const Mask& mask, const input<T>&, const tensor_view<T>&, const tensor_view<T>&) {
    return bytes_of<T>(kernel::pair_lse_scratch<T, Arch, P>(threads, rows.rows(), columns.rows(), rows.columns(), mask));
  }
  template <class P, lane_value T, std::derived_from<op::pair_mask> Mask>
  static void run(op::contrastive_forward_op, const simd_call& call, const P& pair, const input<T>& rows, const input<T>& columns,
                  indices positives, const Mask& mask, const input<T>& inverse_temperature, const tensor_view<T>& lse,
                  const tensor_view<T>& positive_scores) {
    const kernel::pair_sweep<T, P, Mask> sweep{pair, sizes<T>(rows, columns), mask, inverse_temperature[0], positives.data, nullptr};
    kernel::pair_lse<T, Arch>(call.pool, sweep, lse.data, positive_scores.data, call.scratch<T>());
  }

  template <class P, lane_value T, std::derived_from<op::pair_mask> Mask>
  static index_t scratch(op::contrastive_gradient_op, int threads, const P&, const input<T>& rows, const input<T>& columns,
                         const indices&, const indices&, const Mask& mask, const input<T>&, const input<T>&,
                         const input<T>&, std::type_identity_t<T>, const tensor_view<T>&,
                         const tensor_view<std::type_identity_t<T>>&) {
    return bytes_of<T>(kernel::pair_gradient_scratch<T, Arch, P>(threads, rows.rows(), columns.rows(), rows.columns(), mask));
  }
  template <class P, lane_value T, std::derived_from<op::pair_mask> Mask>
  static void run(op::contrastive_gradient_op, const simd_call& call, const P& pair, const input<T>& rows, const input<T>& columns,
                  indices row_positives, indices column_positives, const Mask& mask, const input<T>& inverse_temperature,
                  const input<T>& row_lse, const input<T>& column_lse, std::type_identity_t<T> weight, const tensor_view<T>& d_rows,
                  tensor_view<std::type_identity_t<T>> expected_scores) {
    const kernel::pair_sweep<T, P, Mask> sweep{pair, sizes<T>(rows, columns), mask, inverse_temperature[0], row_positives.data,
                                         column_positives.data};
    // Without the row's side no expectation is asked: it is zero then, as in the reference.
    if (expected_scores && !row_lse)
      for (T& e : expected_scores) e = T{};
    kernel::pair_gradient<T, Arch>(
        call.pool, sweep, {row_lse.data, column_lse.data, weight, row_lse ? expected_scores.data : nullptr}, d_rows.data,
        call.scratch<T>());
  }

  template <class P, lane_value T>
  static void run(op::positive_forward_op, const simd_call& call, const P& pair, const input<T>& rows, const input<T>& others,
                  const input<T>& inverse_temperature, bool count_it, const tensor_view<T>& lse, const tensor_view<T>& scores) {
    const T it = inverse_temperature[0];
    for_each_group<T>(call, rows, others, [&](index_t i, index_t lanes, const group<T>& g) {
      using M = kernel::simd_math<T, Arch>;
      const V<T> s = O<T>::set(it) * pair.template score<M>(g.dot, g.row, g.other);
      O<T>::store_some(scores.data + i, s, lanes);
      if (!count_it) return;
      const V<T> old = O<T>::load_some(lse.data + i, lanes), top = O<T>::max(old, s), low = O<T>::min(old, s);
      O<T>::store_some(lse.data + i, top + M::log(O<T>::set(T(1)) + M::exp(low - top)), lanes);
    });
  }
  template <class P, lane_value T>
  static void run(op::positive_gradient_op, const simd_call& call, const P& pair, const input<T>& rows, const input<T>& others,
                  const input<T>& inverse_temperature, bool count_it, const input<T>& lse, std::type_identity_t<T> weight,
                  const tensor_view<T>& d_rows, tensor_view<std::type_identity_t<T>> expected_scores) {
    const T it = inverse_temperature[0];
    const index_t n = rows.columns();
    for_each_group<T>(call, rows, others, [&](index_t i, index_t lanes, const group<T>& g) {
      using M = kernel::simd_math<T, Arch>;
      const V<T> s = O<T>::set(it) * pair.template score<M>(g.dot, g.row, g.other);
      const V<T> share = count_it ? M::exp(s - O<T>::load_some(lse.data + i, lanes)) : O<T>::zero();
      if (expected_scores)
        O<T>::store_some(expected_scores.data + i, O<T>::fma(share, s, O<T>::load_some(expected_scores.data + i, lanes)), lanes);
      const auto slope = pair.template derivative<M>(g.dot, g.row, g.other);
      const V<T> scale = O<T>::set(weight * it) * (share - O<T>::set(T(1)));
      alignas(64) T by_other[O<T>::width], by_row[O<T>::width];
      O<T>::store(by_other, scale * slope.dot);
      O<T>::store(by_row, scale * slope.row * O<T>::set(T(2)));
      for (index_t r = 0; r < lanes; ++r) {
        const V<T> a = O<T>::set(by_other[r]), b = O<T>::set(by_row[r]);
        T* const to = d_rows.data + (i + r) * n;
        kernel::map_run<T, Arch>(
            n, to, false,
            [&](const V<T>& d, const V<T>& other, const V<T>& own) { return O<T>::fma(a, other, O<T>::fma(b, own, d)); }, to,
            others.data + (i + r) * n, rows.data + (i + r) * n);
      }
    });
  }

 private:
  template <class T>
  static kernel::contrast<T> sizes(const input<T>& rows, const input<T>& columns) {
    return {rows.rows(), columns.rows(), rows.columns(), rows.data, rows.columns(), columns.data, columns.columns()};
  }
  /// The products of as many rows as a vector has lanes, so that a pair functor runs on whole vectors.
  template <class T>
  struct group {
    V<T> dot, row, other;
  };
  template <class T, class F>
  static void for_each_group(const simd_call& call, const input<T>& rows, const input<T>& others, const F& f) {
    constexpr index_t W = O<T>::width;
    const index_t m = rows.rows(), n = rows.columns();
    call.pool.parallel_for(m, round_up(rows_at_once(n), W), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; i += W) {
        const index_t lanes = end - i < W ? end - i : W;
        alignas(64) T dot[W] = {}, row[W] = {}, other[W] = {};
        for (index_t r = 0; r < lanes; ++r) {
          const T *a = rows.data + (i + r) * n, *b = others.data + (i + r) * n;
          dot[r] = sum_row<T, Arch>(
              n, [&](index_t c, index_t some) { return O<T>::load_some(a + c, some) * O<T>::load_some(b + c, some); });
          row[r] = kernel::detail::squared_norm<T, Arch>(a, n);
          other[r] = kernel::detail::squared_norm<T, Arch>(b, n);
        }
        f(i, lanes, group<T>{O<T>::load(dot), O<T>::load(row), O<T>::load(other)});
      }
    });
  }
};

}  // namespace pretext::backend::detail
