// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>

#include "../reference/matrix.hpp"
#include "gemm.hpp"
#include "reduce.hpp"
#include "simd_call.hpp"
#include "simd_elementwise.hpp"

namespace pretext::backend::detail {

/// Terms: what products make of their operands (gemm.hpp).
template <class Arch, class Terms = kernel::exact_terms>
class simd_matrix {
  template <class S>
  static void linear(const simd_call& call, const input<S>& x, const master<S>& weight, const kernel::finished<master_t<S>>& finish,
                     const tensor_view<S>& y) {
    using T = master_t<S>;
    const index_t m = y.rows(), n = y.columns(), k = x.columns();
    expects(x.rows() == m && weight.rows() == n && weight.columns() == k, "shape.110",
            "linear: the sizes of x, weight and y do not fit together");
    kernel::gemm<T, Arch, Terms>(call.pool, m, n, k, x.data, k, false, weight.data, k, true, y.data, n, false, call.scratch<T>(), finish);
  }

 public:
  template <stored_value S, class T = master_t<S>, stored_in<T> A, stored_in<T> B>
  static index_t scratch(op::matmul_op, int threads, const tensor_view<A>& a, const tensor_view<B>&, const tensor_view<S>& c,
                         op::matmul_options o = {}) {
    return bytes_of<T>(
        kernel::product_scratch<T, Arch, Terms, S>(threads, c.rows(), c.columns(), o.transpose_a ? a.rows() : a.columns()));
  }
  template <stored_value S, class T = master_t<S>, stored_in<T> A, stored_in<T> B>
  static void run(op::matmul_op, const simd_call& call, const tensor_view<A>& a, const tensor_view<B>& b, const tensor_view<S>& c,
                  op::matmul_options o = {}) {
    const index_t m = c.rows(), n = c.columns(), k = o.transpose_a ? a.rows() : a.columns();
    expects((o.transpose_a ? a.columns() : a.rows()) == m && (o.transpose_b ? b.rows() : b.columns()) == n &&
                (o.transpose_b ? b.columns() : b.rows()) == k,
            "shape.110", "matmul: the sizes of a, b and c do not fit together");
    kernel::gemm<T, Arch, Terms>(call.pool, m, n, k, stored_as<A>(a).data, a.columns(), o.transpose_a, stored_as<B>(b).data, b.columns(), o.transpose_b, c.data,
                          n, o.accumulate, call.scratch<T>());
  }

  template <stored_value S, class T = master_t<S>>
  static index_t scratch(op::linear_op, int threads, const input<S>& x, const master<S>&, const master<S>&,
                         const tensor_view<S>& y) {
    return bytes_of<T>(kernel::product_scratch<T, Arch, Terms, S>(threads, y.rows(), y.columns(), x.columns()));
  }
  template <stored_value S, class T = master_t<S>>
  static void run(op::linear_op, const simd_call& call, const input<S>& x, const master<S>& weight, const master<S>& bias,
                  const tensor_view<S>& y) {
    linear<S>(call, x, weight, bias.data, y);
  }
  template <class F, stored_value S, class T = master_t<S>>
  static index_t scratch(op::linear_map_op, int threads, const F&, const input<S>& x, const master<S>& weight, const master<S>& bias,
                         const tensor_view<S>& y) {
    return scratch(op::linear, threads, x, weight, bias, y);
  }
  template <class F, stored_value S, class T = master_t<S>>
  static void run(op::linear_map_op, const simd_call& call, const F& f, const input<S>& x, const master<S>& weight,
                  const master<S>& bias, const tensor_view<S>& y) {
    if constexpr (requires { F::least; }) {
      linear<S>(call, x, weight, {bias.data, static_cast<T>(F::least)}, y);
    } else {
      linear<S>(call, x, weight, bias.data, y);
      simd_elementwise<Arch>::run(op::map, call, f, as_const(y), y);
    }
  }

  template <lane_value T, stored_in<T> X>
  static index_t scratch(op::column_sums_op, int, const tensor_view<X>& x, const tensor_view<T>&) {
    return bytes_of<T>(kernel::column_scratch<T, Arch>(x.rows(), x.columns()));
  }
  template <lane_value T, stored_in<T> X>
  static void run(op::column_sums_op, const simd_call& call, const tensor_view<X>& x, const tensor_view<T>& sums) {
    kernel::column_sums<T, Arch>(call.pool, x.rows(), x.columns(), x.data, sums.data, call.scratch<T>());
  }

  template <lane_value T>
  static void run(op::transpose_inner_op, const simd_call& call, const input<T>& x, const tensor_view<T>& y) {
    using O = kernel::vector_ops<T, Arch>;
    constexpr index_t W = O::width;
    const index_t b = x.extent(0), c = x.columns(), s = b == 0 ? 0 : x.rows() / b;
    call.pool.parallel_for(b, rows_at_once(s * c), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i) {
        const T* from = x.data + i * s * c;
        T* to = y.data + i * s * c;
        for (index_t p = 0; p < s; p += W)
          for (index_t q = 0; q < c; q += W) {
            if (p + W <= s && q + W <= c) {
              O::transpose(from + p * c + q, c, to + q * s + p, s);
            } else {
              for (index_t pp = p; pp < s && pp < p + W; ++pp)
                for (index_t qq = q; qq < c && qq < q + W; ++qq) to[qq * s + pp] = from[pp * c + qq];
            }
          }
      }
    });
  }

  template <stored_value T>
  static void run(op::copy_columns_op, const simd_call& call, const input<T>& x, const tensor_view<T>& y, index_t from, index_t to,
                  index_t n) {
    if (n <= 0) return;
    call.pool.parallel_for(x.rows(), rows_at_once(n), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i)
        std::memcpy(y.data + i * y.columns() + to, x.data + i * x.columns() + from, static_cast<std::size_t>(n) * sizeof(T));
    });
  }
};

}  // namespace pretext::backend::detail
