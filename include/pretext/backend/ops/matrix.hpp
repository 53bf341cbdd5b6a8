// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../../core/tensor.hpp"

/// Contracts: what an op computes, for every back end. `op::x` is a tag object; a context runs it as `ctx(op::x, ...)`.
/// A `tensor_view<const T>` argument is read, a `tensor_view<T>` argument is written. Outputs are overwritten unless the
/// contract says "accumulates". Nothing may overlap unless the contract says "in place".
namespace pretext::op {

struct matmul_options {
  bool transpose_a = false;
  bool transpose_b = false;
  bool accumulate = false;
};

/// c (+)= op(a) op(b)
/// shapes  op(a) (M, K), op(b) (K, N), c (M, N); views are used as matrices (all extents but the last are rows)
/// repeat  a row of c has the same bits whatever other rows there are
struct matmul_op {
  static constexpr std::string_view name = "matmul";
  template <class A, class B, class C>
  static constexpr double flops(const A& a, const B&, const C& c, matmul_options o = {}) {
    return 2.0 * static_cast<double>(c.size()) * static_cast<double>(o.transpose_a ? a.rows() : a.columns());
  }
};
inline constexpr matmul_op matmul{};

/// y = x w^T + bias
/// shapes  x (M, K), w (N, K), bias (N) or a null view, y (M, N)
struct linear_op {
  static constexpr std::string_view name = "linear";
  template <class X, class W, class B, class Y>
  static constexpr double flops(const X& x, const W&, const B&, const Y& y) {
    return 2.0 * static_cast<double>(y.size()) * static_cast<double>(x.columns());
  }
};
inline constexpr linear_op linear{};

/// y = f(x w^T + bias) for a functor f (ops/elementwise.hpp)
/// shapes  as linear
struct linear_map_op {
  static constexpr std::string_view name = "linear_map";
  template <class F, class X, class W, class B, class Y>
  static constexpr double flops(const F&, const X& x, const W& w, const B& bias, const Y& y) {
    return linear_op::flops(x, w, bias, y) + static_cast<double>(y.size());
  }
};
inline constexpr linear_map_op linear_map{};

/// sums_j += sum_i x_ij; accumulates
/// shapes  x (M, N), sums (N)
struct column_sums_op {
  static constexpr std::string_view name = "column_sums";
  template <class X, class S>
  static constexpr double flops(const X& x, const S&) {
    return static_cast<double>(x.size());
  }
};
inline constexpr column_sums_op column_sums{};

/// y = x with the last two extents exchanged
/// shapes  x (B, S, C), y (B, C, S)
struct transpose_inner_op {
  static constexpr std::string_view name = "transpose_inner";
  template <class X, class Y>
  static constexpr double flops(const X&, const Y&) {
    return 0;
  }
};
inline constexpr transpose_inner_op transpose_inner{};

/// Columns [from, from + n) of x become columns [to, to + n) of y, the others of y stay.
/// shapes  x (M, N), y (M, P)
struct copy_columns_op {
  static constexpr std::string_view name = "copy_columns";
  template <class X, class Y>
  static constexpr double flops(const X&, const Y&, index_t, index_t, index_t) {
    return 0;
  }
};
inline constexpr copy_columns_op copy_columns{};

}  // namespace pretext::op
