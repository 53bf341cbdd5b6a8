// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "../../core/scalar_math.hpp"
#include "../../core/workspace.hpp"
#include "../ops/matrix.hpp"

/// Plain loops in any real type: the specification. Never optimised.
namespace pretext::backend::detail {

/// An input view whose element type follows from the output's.
template <class T>
using input = tensor_view<const std::type_identity_t<T>>;

struct reference_matrix {
  template <class T>
  static void run(op::matmul_op, workspace&, input<T> a, input<T> b, tensor_view<T> c, op::matmul_options o = {}) {
    const index_t m = c.rows(), n = c.columns(), k = o.transpose_a ? a.rows() : a.columns();
    expects((o.transpose_a ? a.columns() : a.rows()) == m && (o.transpose_b ? b.rows() : b.columns()) == n &&
                (o.transpose_b ? b.columns() : b.rows()) == k,
            "shape.110", "matmul: the sizes of a, b and c do not fit together");
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) {
        T sum{};
        for (index_t l = 0; l < k; ++l)
          sum += (o.transpose_a ? a(l, i) : a(i, l)) * (o.transpose_b ? b(j, l) : b(l, j));
        c(i, j) = o.accumulate ? c(i, j) + sum : sum;
      }
  }
  template <class T>
  static void run(op::linear_op, workspace& w, input<T> x, input<T> weight, input<T> bias, tensor_view<T> y) {
    run(op::matmul, w, x, weight, y, {.transpose_b = true});
    if (bias)
      for (index_t i = 0; i < y.rows(); ++i)
        for (index_t j = 0; j < y.columns(); ++j) y(i, j) += bias[j];
  }
  template <class F, class T>
  static void run(op::linear_map_op, workspace& w, const F&, input<T> x, input<T> weight, input<T> bias, tensor_view<T> y) {
    run(op::linear, w, x, weight, bias, y);
    for (T& v : y) v = F::template value<scalar_math>(v);
  }
  template <class T>
  static void run(op::column_sums_op, workspace&, input<T> x, tensor_view<T> sums) {
    for (index_t j = 0; j < x.columns(); ++j) {
      T sum{};
      for (index_t i = 0; i < x.rows(); ++i) sum += x(i, j);
      sums[j] += sum;
    }
  }
  template <class T>
  static void run(op::transpose_inner_op, workspace&, input<T> x, tensor_view<T> y) {
    const index_t b = x.extent(0), c = x.columns(), s = b == 0 ? 0 : x.rows() / b;
    for (index_t i = 0; i < b; ++i)
      for (index_t p = 0; p < s; ++p)
        for (index_t q = 0; q < c; ++q) y[(i * c + q) * s + p] = x[(i * s + p) * c + q];
  }
  template <class T>
  static void run(op::copy_columns_op, workspace&, input<T> x, tensor_view<T> y, index_t from, index_t to, index_t n) {
    for (index_t i = 0; i < x.rows(); ++i)
      for (index_t j = 0; j < n; ++j) y(i, to + j) = x(i, from + j);
  }
};

}  // namespace pretext::backend::detail
