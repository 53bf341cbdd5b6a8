// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "../../core/master.hpp"
#include "../../core/scalar_math.hpp"
#include "../../core/workspace.hpp"
#include "../ops/matrix.hpp"

/// Plain loops in any real type: the specification. Never optimised.
/// Maps may be stored in another type than weights, statistics and sums (core/master.hpp): every element is computed in the
/// master type of the output and rounded once, when it is stored.
namespace pretext::backend::detail {

/// An input view whose element type follows from the output's.
template <class T>
using input = tensor_view<const std::type_identity_t<T>>;
/// The same of parameters, statistics and sums beside it.
template <class T>
using master = tensor_view<const master_t<T>>;

/// Whether an argument is written and stored in fewer digits than it is computed in.
template <class A>
inline constexpr bool is_narrow = false;
template <class T>
inline constexpr bool is_narrow<tensor_view<T>> = !std::is_const_v<T> && !std::is_same_v<T, master_t<T>>;

/// For an output that a loop adds to: body(sums) on the output itself, or on a copy in master numbers, which is then rounded.
template <class T, class Body>
void in_master(workspace& memory, tensor_view<T> y, const Body& body) {
  if constexpr (!is_narrow<tensor_view<T>>) {
    body(y);
  } else {
    const workspace::scope scope(memory);
    const tensor_view<master_t<T>> sums = memory.take<master_t<T>>(y.shape);
    for (index_t i = 0; i < y.size(); ++i) sums[i] = y[i];
    body(sums);
    for (index_t i = 0; i < y.size(); ++i) y[i] = T(sums[i]);
  }
}
/// Bytes of such copies of all outputs among the arguments.
template <class... A>
constexpr std::size_t in_master_bytes(const A&... a) {
  std::size_t bytes = 0;
  const auto add = [&](const auto& v) {
    if constexpr (is_narrow<std::remove_cvref_t<decltype(v)>>)
      bytes += round_up(v.size() * static_cast<index_t>(sizeof(master_t<typename std::remove_cvref_t<decltype(v)>::value_type>)), 64);
  };
  (add(a), ...);
  return bytes;
}

struct reference_matrix {
  template <class T>
  static void run(op::matmul_op, workspace&, const auto& a, const auto& b, tensor_view<T> c, op::matmul_options o = {}) {
    product(a, b, c, o, [&](index_t, index_t, master_t<T> sum) { return sum; });
  }
  template <class T>
  static void run(op::linear_op, workspace&, const auto& x, const auto& weight, const auto& bias, tensor_view<T> y) {
    product(x, weight, y, {.transpose_b = true}, [&](index_t, index_t j, master_t<T> sum) { return bias ? sum + bias[j] : sum; });
  }
  template <class F, class T>
  static void run(op::linear_map_op, workspace&, const F&, const auto& x, const auto& weight, const auto& bias, tensor_view<T> y) {
    product(x, weight, y, {.transpose_b = true},
            [&](index_t, index_t j, master_t<T> sum) { return F::template value<scalar_math>(bias ? sum + bias[j] : sum); });
  }

 private:
  template <class T, class End>
  static void product(const auto& a, const auto& b, tensor_view<T> c, op::matmul_options o, const End& end) {
    using M = master_t<T>;
    const index_t m = c.rows(), n = c.columns(), k = o.transpose_a ? a.rows() : a.columns();
    expects((o.transpose_a ? a.columns() : a.rows()) == m && (o.transpose_b ? b.rows() : b.columns()) == n &&
                (o.transpose_b ? b.columns() : b.rows()) == k,
            "shape.110", "matmul: the sizes of a, b and c do not fit together");
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) {
        M sum{};
        for (index_t l = 0; l < k; ++l)
          sum += static_cast<M>(o.transpose_a ? a(l, i) : a(i, l)) * static_cast<M>(o.transpose_b ? b(j, l) : b(l, j));
        sum = end(i, j, sum);
        c(i, j) = static_cast<T>(o.accumulate ? static_cast<M>(c(i, j)) + sum : sum);
      }
  }

 public:
  template <class T>
  static void run(op::column_sums_op, workspace&, const auto& x, tensor_view<T> sums) {
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
