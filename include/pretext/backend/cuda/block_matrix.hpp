// SPDX-License-Identifier: BSD-3-Clause
// opt-in: ops of the CUDA back end
#pragma once

#include "block_call.hpp"
#include "block_elementwise.hpp"
#include "column_sums.hpp"
#include "conv_operands.hpp"
#include "list_kernel.hpp"
#include "product_kernel.hpp"

namespace pretext::backend::blocks {

/// What a product may round its operands to; its sums are of the type itself.
enum class product_rounding : std::uint8_t { none, tf32, bfloat16 };
/// What a precision allows, for numbers of type T.
template <class Precision, class T>
constexpr product_rounding rounding_of() {
  if constexpr (!std::is_same_v<T, float>)
    return product_rounding::none;
  else if constexpr (requires { requires Precision::multiplies_bfloat16; })
    return product_rounding::bfloat16;
  else if constexpr (requires { requires Precision::multiplies_tf32; })
    return product_rounding::tf32;
  else
    return product_rounding::none;
}

/// A dense product as a library of matrices takes it: c (m, n) (+)= op(a) op(b) + bias, all row by row.
template <class T>
struct dense_product {
  const T *a, *b, *bias;
  T* c;
  index_t m, n, k;
  bool transpose_a, transpose_b, accumulate;
  product_rounding rounding = product_rounding::none;
};

}  // namespace pretext::backend::blocks

namespace pretext::backend::detail {

template <class Executor>
struct block_matrix {
  using call_type = block_call<Executor>;
  template <class T>
  using in = device_input<T>;

  template <class T>
  static void run(op::matmul_op, const call_type& call, const in<T>& a, const in<T>& b, const tensor_view<T>& c,
                  const op::matmul_options& o = {}) {
    matmul<T>(call, a, b, c, o, blocks::product_rounding::none);
  }
  template <class R, class T>
  static void run(op::rounded<op::matmul_op, R>, const call_type& call, const in<T>& a, const in<T>& b, const tensor_view<T>& c,
                  const op::matmul_options& o = {}) {
    matmul<T>(call, a, b, c, o, blocks::rounding_of<R, T>());
  }
  template <class T>
  static void run(op::linear_op, const call_type& call, const in<T>& x, const in<T>& w, const in<T>& bias, const tensor_view<T>& y) {
    linear<T>(call, x, w, bias, y, blocks::product_rounding::none);
  }
  template <class R, class T>
  static void run(op::rounded<op::linear_op, R>, const call_type& call, const in<T>& x, const in<T>& w, const in<T>& bias, const tensor_view<T>& y) {
    linear<T>(call, x, w, bias, y, blocks::rounding_of<R, T>());
  }
  // The function follows in a pass of its own.
  template <class F, class T>
  static void run(op::linear_map_op, const call_type& call, const F&, const in<T>& x, const in<T>& w, const in<T>& bias, const tensor_view<T>& y) {
    run(op::linear, call, x, w, bias, y);
    blocks::map_over(call, blocks::map_body<F>{}, y.size(), y.data, as_const(y).data);
  }
  template <class R, class F, class T>
  static void run(op::rounded<op::linear_map_op, R>, const call_type& call, const F&, const in<T>& x, const in<T>& w, const in<T>& bias,
                  const tensor_view<T>& y) {
    run(op::rounded<op::linear_op, R>{}, call, x, w, bias, y);
    blocks::map_over(call, blocks::map_body<F>{}, y.size(), y.data, as_const(y).data);
  }
  template <class T>
  static void matmul(const call_type& call, const in<T>& a, const in<T>& b, const tensor_view<T>& c, const op::matmul_options& o,
                     blocks::product_rounding rounding) {
    const index_t m = c.rows(), n = c.columns(), k = o.transpose_a ? a.rows() : a.columns();
    expects((o.transpose_a ? a.columns() : a.rows()) == m && (o.transpose_b ? b.rows() : b.columns()) == n &&
                (o.transpose_b ? b.columns() : b.rows()) == k,
            "shape.110", "matmul: the sizes of a, b and c do not fit together");
    multiply<T>(call, {a.data, b.data, nullptr, c.data, m, n, k, o.transpose_a, o.transpose_b, o.accumulate, rounding});
  }
  template <class T>
  static void linear(const call_type& call, const in<T>& x, const in<T>& w, const in<T>& bias, const tensor_view<T>& y,
                     blocks::product_rounding rounding) {
    expects(x.rows() == y.rows() && w.rows() == y.columns() && w.columns() == x.columns(), "shape.110",
            "matmul: the sizes of a, b and c do not fit together");
    multiply<T>(call, {x.data, w.data, bias.data, y.data, y.rows(), y.columns(), x.columns(), false, true, false, rounding});
  }
  template <class T>
  static index_t scratch(op::column_sums_op, const in<T>& x, const tensor_view<T>&) {
    return device_bytes<blocks::sums<T, 1>>(blocks::reduce_parts<T>(1, x.rows(), x.columns()));
  }
  template <class T>
  static void run(op::column_sums_op, const call_type& call, const in<T>& x, const tensor_view<T>& sums) {
    blocks::add_column_sums<1>(call, blocks::plain_term{}, x.rows(), x.columns(), {x.data}, {sums.data});
  }
  template <class T>
  static void run(op::transpose_inner_op, const call_type& call, const in<T>& x, const tensor_view<T>& y) {
    const index_t batch = x.extent(0), across = x.columns(), down = batch == 0 ? 0 : x.rows() / batch;
    const index_t tiles_down = ceil_div(down, 32), tiles_across = ceil_div(across, 32);
    call.launch(
        blocks::transpose_kernel<T>{x.data, y.data, down, across, static_cast<std::uint32_t>(tiles_down), static_cast<std::uint32_t>(tiles_across)},
        batch * tiles_down * tiles_across);
  }
  template <class T>
  static void run(op::copy_columns_op, const call_type& call, const in<T>& x, const tensor_view<T>& y, index_t from, index_t to, index_t n) {
    blocks::for_each_element(call, blocks::copy_columns_body<T>{x.data, y.data, x.columns(), y.columns(), from, to}, x.rows(), n);
  }

 private:
  /// By the executor's library where it has one, else by the own kernel.
  template <class T>
  static void multiply(const call_type& call, const blocks::dense_product<T>& p) {
    if (p.m == 0 || p.n == 0) return;
    if constexpr (requires { call.executor.multiply(p); })
      if (p.k > 0 && call.executor.multiply(p)) return;
    using operand = blocks::strided<T>;
    const auto grid = blocks::product_grid::over(p.m, p.n, p.k, 1, false);
    const operand left = p.transpose_a ? operand::steps(p.a, p.m) : operand::lines(p.a, p.k);
    const operand right = p.transpose_b ? operand::lines(p.b, p.k) : operand::steps(p.b, p.n);
    blocks::multiply<T>(call, left, right, {p.c, p.n, 0, p.bias, p.accumulate}, grid, nullptr);
  }
};

template <class Executor>
struct block_convolution {
  using call_type = block_call<Executor>;
  template <class T>
  using in = device_input<T>;

  template <class T>
  static void run(op::conv2d_op, const call_type& call, const in<T>& x, const in<T>& w, const in<T>& bias, const tensor_view<T>& y,
                  const conv2d_geometry& g) {
    using right = blocks::strided<T>;
    const auto grid = blocks::product_grid::over(x.extent(0) * g.out_h * g.out_w, g.group_out(), g.patch(), g.groups, false);
    blocks::multiply<T>(call, blocks::patches<T, false>{x.data, blocks::conv_sizes::of(g)},
                        right::steps(w.data, g.group_out(), g.patch() * g.group_out()), {y.data, g.out_c, g.group_out(), bias.data, false}, grid,
                        nullptr);
  }
  template <class F, class T>
  static void run(op::conv2d_map_op, const call_type& call, const F&, const in<T>& x, const in<T>& w, const in<T>& bias, const tensor_view<T>& y,
                  const conv2d_geometry& g) {
    run(op::conv2d, call, x, w, bias, y, g);
    blocks::map_over(call, blocks::map_body<F>{}, y.size(), y.data, as_const(y).data);
  }
  template <class T>
  static void run(op::conv2d_input_gradient_op, const call_type& call, const in<T>& dy, const in<T>& w, const tensor_view<T>& dx,
                  const conv2d_geometry& g) {
    const auto sizes = blocks::conv_sizes::of(g);
    const auto grid = blocks::product_grid::over(dy.extent(0) * g.in_h * g.in_w, g.group_in(), g.taps() * g.group_out(), g.groups, false);
    blocks::multiply<T>(call, blocks::adjoint_patches<T>{dy.data, sizes},
                        blocks::adjoint_weights<T>{w.data, sizes.group_in, sizes.group_out, sizes.kernel_h * sizes.kernel_w},
                        {dx.data, g.in_c, g.group_in(), nullptr, false}, grid, nullptr);
  }
  template <class T>
  static index_t scratch(op::conv2d_weight_gradient_op, const in<T>& x, const in<T>&, const tensor_view<T>&, const conv2d_geometry& g) {
    return device_bytes<T>(weight_grid(x.extent(0), g).parts());
  }
  template <class T>
  static void run(op::conv2d_weight_gradient_op, const call_type& call, const in<T>& x, const in<T>& dy, const tensor_view<T>& dw,
                  const conv2d_geometry& g) {
    using right = blocks::strided<T>;
    blocks::multiply<T>(call, blocks::patches<T, true>{x.data, blocks::conv_sizes::of(g)}, right::steps(dy.data, g.out_c, g.group_out()),
                        {dw.data, g.group_out(), g.patch() * g.group_out(), nullptr, true}, weight_grid(x.extent(0), g), call.template scratch<T>());
  }

  template <class T>
  static void run(op::max_pool2d_op, const call_type& call, const in<T>& x, const tensor_view<T>& y, const tensor_view<std::int32_t>& argmax,
                  const pool2d_geometry& g) {
    blocks::for_each_element(call, blocks::max_pool_body<T>{blocks::window::of(g), x.data, y.data, argmax.data}, x.extent(0) * g.out_h * g.out_w,
                             g.channels);
  }
  template <class T>
  static void run(op::max_pool2d_backward_op, const call_type& call, const in<T>& dy, const tensor_view<const std::int32_t>& argmax,
                  const tensor_view<T>& dx, const pool2d_geometry& g) {
    blocks::for_each_element(call, blocks::max_pool_backward_body<T>{blocks::window::of(g), dy.data, argmax.data, dx.data},
                             dy.extent(0) * g.in_h * g.in_w, g.channels);
  }
  template <class T>
  static void run(op::avg_pool2d_op, const call_type& call, const in<T>& x, const tensor_view<T>& y, const pool2d_geometry& g) {
    blocks::for_each_element(call, blocks::avg_pool_body<T>{blocks::window::of(g), x.data, y.data, share<T>(g)}, x.extent(0) * g.out_h * g.out_w,
                             g.channels);
  }
  template <class T>
  static void run(op::avg_pool2d_backward_op, const call_type& call, const in<T>& dy, const tensor_view<T>& dx, const pool2d_geometry& g) {
    blocks::for_each_element(call, blocks::avg_pool_backward_body<T>{blocks::window::of(g), dy.data, dx.data, share<T>(g)},
                             dy.extent(0) * g.in_h * g.in_w, g.channels);
  }
  template <class T>
  static index_t scratch(op::spatial_mean_op, const in<T>& x, const tensor_view<T>& y) {
    return device_bytes<blocks::sums<T, 1>>(blocks::reduce_parts<T>(y.rows(), positions(x.size(), y.size()), y.columns()));
  }
  template <class T>
  static void run(op::spatial_mean_op, const call_type& call, const in<T>& x, const tensor_view<T>& y) {
    const index_t s = positions(x.size(), y.size());
    blocks::sum_columns<1, 0>(call, blocks::plain_term{}, y.rows(), s, y.columns(), {x.data}, static_cast<const T* const*>(nullptr), {y.data}, false,
                              s == 0 ? T(0) : T(1) / static_cast<T>(s));
  }
  template <class T>
  static void run(op::spatial_mean_backward_op, const call_type& call, const in<T>& dy, const tensor_view<T>& dx) {
    const index_t s = positions(dx.size(), dy.size());
    blocks::for_each_element(call, blocks::spatial_mean_backward_body<T>{dy.data, dx.data, static_cast<std::uint32_t>(s), dy.columns()},
                             dy.rows() * s, dy.columns());
  }

 private:
  static blocks::product_grid weight_grid(index_t samples, const conv2d_geometry& g) {
    return blocks::product_grid::over(g.patch(), g.group_out(), samples * g.out_h * g.out_w, g.groups, true);
  }
  template <class T>
  static T share(const pool2d_geometry& g) {
    return T(1) / static_cast<T>(g.kernel_h * g.kernel_w);
  }
  static index_t positions(index_t all, index_t results) { return results == 0 ? 0 : all / results; }
};

}  // namespace pretext::backend::detail
