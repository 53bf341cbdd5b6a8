// SPDX-License-Identifier: BSD-3-Clause
// opt-in: ops of the CUDA back end
#pragma once

#include "../../core/scalar_math.hpp"
#include "block_call.hpp"
#include "block_elementwise.hpp"
#include "column_sums.hpp"
#include "row_kernel.hpp"

namespace pretext::backend::blocks {

// Of the numbers of a column: mean, rstd, gamma, beta, then sums. z is said in the same words everywhere, so that the passes
// forward and backward decide alike at a kink.
template <class T>
PRETEXT_DEVICE T normalised(const T& x, const T* c) {
  return (x - c[0]) * c[1] * c[2] + c[3];
}
struct normalize_body {
  template <class T>
  PRETEXT_DEVICE T operator()(const T* v, const T* c) const {
    return normalised(v[0], c);
  }
};
template <class F>
struct normalize_map_body {
  template <class T>
  PRETEXT_DEVICE T operator()(const T* v, const T* c) const {
    return F::template value<scalar_math>(normalised(v[0], c));
  }
};
struct scale_columns_body {
  template <class T>
  PRETEXT_DEVICE T operator()(const T* v, const T* c) const {
    return v[0] * (c[1] * c[0]);
  }
};
template <class T>
struct batch_norm_gradient_body {
  T share;
  PRETEXT_DEVICE T operator()(const T* v, const T* c) const {
    const T xhat = (v[0] - c[0]) * c[1];
    return c[2] * c[1] * (v[1] - share * c[3] - xhat * (share * c[4]));
  }
};
template <class F, class T>
struct batch_norm_map_gradient_body {
  T share;
  PRETEXT_DEVICE T operator()(const T* v, const T* c) const {
    const T xhat = (v[0] - c[0]) * c[1];
    const T dz = op::gradient_of<F, scalar_math>(normalised(v[0], c), v[1]);
    return c[2] * c[1] * (dz - share * c[4] - xhat * (share * c[5]));
  }
};

struct batch_norm_terms {
  template <class T>
  PRETEXT_DEVICE void operator()(index_t, const T* v, const T* c, T* term) const {
    term[0] = v[1];
    term[1] = v[1] * ((v[0] - c[0]) * c[1]);
  }
};
template <class F>
struct batch_norm_map_terms {
  template <class T>
  PRETEXT_DEVICE void operator()(index_t, const T* v, const T* c, T* term) const {
    const T dz = op::gradient_of<F, scalar_math>(normalised(v[0], c), v[1]);
    term[0] = dz;
    term[1] = dz * ((v[0] - c[0]) * c[1]);
  }
};
/// Mean and rstd belong to rows.
template <class T>
struct layer_norm_terms {
  const T *mean, *rstd;
  PRETEXT_DEVICE void operator()(index_t row, const T* v, const T*, T* term) const {
    term[0] = v[1] * (v[0] - mean[row]) * rstd[row];
    term[1] = v[1];
  }
};

template <class T>
struct rstd_body {
  T count, eps;
  PRETEXT_DEVICE T operator()(const T& m2) const { return T(1) / scalar_math::sqrt(T(m2 / count + eps)); }
};
template <class T>
struct running_body {
  T momentum, divisor;
  PRETEXT_DEVICE T operator()(const T& fresh, const T& kept) const { return (T(1) - momentum) * kept + momentum * (fresh / divisor); }
};

/// Numbers per column beside a matrix, over all of it.
template <class Call, class Body, class T, int N, int C>
void map_with_columns(const Call& call, const Body& body, index_t rows, index_t columns, T* out, const T* const (&in)[N],
                      const T* const (&of_columns)[C]) {
  column_map_kernel<Body, T, N, C> kernel{body, {}, out, {}, {}};
  bool packs = in_packs(columns, static_cast<const T*>(out));
  for (int n = 0; n < N; ++n) {
    kernel.in[n] = in[n];
    packs = packs && in_packs(columns, in[n]);
  }
  for (int n = 0; n < C; ++n) {
    kernel.columns[n] = of_columns[n];
    packs = packs && in_packs(columns, of_columns[n]);
  }
  if (rows == 0 || columns == 0) return;
  kernel.grid = column_grid::over(1, rows, columns, packs ? pack_size<T> : 1, 8, index_t{1} << 30);
  call.launch(kernel, kernel.grid.blocks());
}

}  // namespace pretext::backend::blocks

namespace pretext::backend::detail {

template <class Executor>
struct block_norm {
  using call_type = block_call<Executor>;
  template <class T>
  using in = device_input<T>;
  template <class T>
  static index_t two_sums(index_t rows, index_t columns) {
    return device_bytes<blocks::sums<T, 2>>(blocks::reduce_parts<T>(1, rows, columns));
  }

  template <class T>
  static index_t scratch(op::column_moments_op, const in<T>& x, const tensor_view<T>&, const tensor_view<T>&) {
    return device_bytes<blocks::moments<T>>(blocks::reduce_parts<T>(1, x.rows(), x.columns()));
  }
  template <class T>
  static void run(op::column_moments_op, const call_type& call, const in<T>& x, const tensor_view<T>& mean, const tensor_view<T>& m2) {
    blocks::reduce_columns(call, blocks::moments_source<T>{x.data, x.columns()}, blocks::merge_moments{},
                           blocks::store_moments<T>{x.data, mean.data, m2.data}, 1, x.rows(), x.columns(), blocks::in_packs(x.columns(), x.data),
                           blocks::moments<T>{}, call.template scratch<blocks::moments<T>>());
  }
  template <class T>
  static void run(op::rstd_of_moments_op, const call_type& call, const in<T>& m2, double count, double eps, const tensor_view<T>& rstd) {
    blocks::map_over(call, blocks::rstd_body<T>{static_cast<T>(count), static_cast<T>(eps)}, rstd.size(), rstd.data, m2.data);
  }
  template <class T>
  static void run(op::update_running_moments_op, const call_type& call, const in<T>& mean, const in<T>& m2, double count, double momentum,
                  const tensor_view<T>& running_mean, const tensor_view<T>& running_var) {
    const T a = static_cast<T>(momentum), n = static_cast<T>(count > 1 ? count - 1 : 1);
    blocks::map_over(call, blocks::running_body<T>{a, T(1)}, mean.size(), running_mean.data, mean.data, as_const(running_mean).data);
    blocks::map_over(call, blocks::running_body<T>{a, n}, mean.size(), running_var.data, m2.data, as_const(running_var).data);
  }
  template <class T>
  static void run(op::normalize_columns_op, const call_type& call, const in<T>& x, const in<T>& mean, const in<T>& rstd, const in<T>& gamma,
                  const in<T>& beta, const tensor_view<T>& y) {
    blocks::map_with_columns(call, blocks::normalize_body{}, x.rows(), x.columns(), y.data, {x.data}, {mean.data, rstd.data, gamma.data, beta.data});
  }
  template <class T>
  static index_t scratch(op::batch_norm_sums_op, const in<T>& x, const in<T>&, const in<T>&, const in<T>&, const tensor_view<T>&,
                         const tensor_view<T>&) {
    return two_sums<T>(x.rows(), x.columns());
  }
  template <class T>
  static void run(op::batch_norm_sums_op, const call_type& call, const in<T>& x, const in<T>& dy, const in<T>& mean, const in<T>& rstd,
                  const tensor_view<T>& sum_dy, const tensor_view<T>& sum_dy_xhat) {
    blocks::sum_columns<2>(call, blocks::batch_norm_terms{}, x.rows(), x.columns(), {x.data, dy.data}, {mean.data, rstd.data},
                           {sum_dy.data, sum_dy_xhat.data});
  }
  template <class T>
  static void run(op::batch_norm_input_gradient_op, const call_type& call, const in<T>& x, const in<T>& dy, const in<T>& mean, const in<T>& rstd,
                  const in<T>& gamma, const in<T>& sum_dy, const in<T>& sum_dy_xhat, double count, const tensor_view<T>& dx) {
    blocks::map_with_columns(call, blocks::batch_norm_gradient_body<T>{static_cast<T>(1 / count)}, x.rows(), x.columns(), dx.data, {x.data, dy.data},
                             {mean.data, rstd.data, gamma.data, sum_dy.data, sum_dy_xhat.data});
  }
  template <class T>
  static void run(op::scale_columns_op, const call_type& call, const in<T>& dy, const in<T>& rstd, const in<T>& gamma, const tensor_view<T>& dx) {
    blocks::map_with_columns(call, blocks::scale_columns_body{}, dy.rows(), dy.columns(), dx.data, {dy.data}, {rstd.data, gamma.data});
  }
  template <class F, class T>
  static void run(op::normalize_columns_map_op, const call_type& call, const F&, const in<T>& x, const in<T>& mean, const in<T>& rstd,
                  const in<T>& gamma, const in<T>& beta, const tensor_view<T>& y) {
    blocks::map_with_columns(call, blocks::normalize_map_body<F>{}, x.rows(), x.columns(), y.data, {x.data},
                             {mean.data, rstd.data, gamma.data, beta.data});
  }
  template <class F, class T>
  static index_t scratch(op::batch_norm_map_sums_op, const F&, const in<T>& x, const in<T>&, const in<T>&, const in<T>&, const in<T>&, const in<T>&,
                         const tensor_view<T>&, const tensor_view<T>&) {
    return two_sums<T>(x.rows(), x.columns());
  }
  template <class F, class T>
  static void run(op::batch_norm_map_sums_op, const call_type& call, const F&, const in<T>& x, const in<T>& dy, const in<T>& mean, const in<T>& rstd,
                  const in<T>& gamma, const in<T>& beta, const tensor_view<T>& sum_dz, const tensor_view<T>& sum_dz_xhat) {
    blocks::sum_columns<2>(call, blocks::batch_norm_map_terms<F>{}, x.rows(), x.columns(), {x.data, dy.data},
                           {mean.data, rstd.data, gamma.data, beta.data}, {sum_dz.data, sum_dz_xhat.data});
  }
  template <class F, class T>
  static void run(op::batch_norm_map_input_gradient_op, const call_type& call, const F&, const in<T>& x, const in<T>& dy, const in<T>& mean,
                  const in<T>& rstd, const in<T>& gamma, const in<T>& beta, const in<T>& sum_dz, const in<T>& sum_dz_xhat, double count,
                  const tensor_view<T>& dx) {
    const T share = count > 0 ? static_cast<T>(1 / count) : T(0);
    blocks::map_with_columns(call, blocks::batch_norm_map_gradient_body<F, T>{share}, x.rows(), x.columns(), dx.data, {x.data, dy.data},
                             {mean.data, rstd.data, gamma.data, beta.data, sum_dz.data, sum_dz_xhat.data});
  }

  template <class T>
  static void run(op::layer_norm_op, const call_type& call, const in<T>& x, const in<T>& gamma, const in<T>& beta, double eps,
                  const tensor_view<T>& y, const tensor_view<T>& mean, const tensor_view<T>& rstd) {
    blocks::launch_rows(
        call, blocks::layer_norm_kernel<T>{x.data, gamma.data, beta.data, static_cast<T>(eps), y.data, mean.data, rstd.data, x.rows(), x.columns()});
  }
  template <class T>
  static void run(op::layer_norm_input_gradient_op, const call_type& call, const in<T>& x, const in<T>& gamma, const in<T>& mean, const in<T>& rstd,
                  const in<T>& dy, const tensor_view<T>& dx) {
    blocks::launch_rows(call,
                        blocks::layer_norm_gradient_kernel<T>{x.data, gamma.data, mean.data, rstd.data, dy.data, dx.data, x.rows(), x.columns()});
  }
  template <class T>
  static index_t scratch(op::layer_norm_parameter_gradient_op, const in<T>& x, const in<T>&, const in<T>&, const in<T>&, const tensor_view<T>&,
                         const tensor_view<T>&) {
    return two_sums<T>(x.rows(), x.columns());
  }
  template <class T>
  static void run(op::layer_norm_parameter_gradient_op, const call_type& call, const in<T>& x, const in<T>& dy, const in<T>& mean, const in<T>& rstd,
                  const tensor_view<T>& dgamma, const tensor_view<T>& dbeta) {
    blocks::add_column_sums<2>(call, blocks::layer_norm_terms<T>{mean.data, rstd.data}, x.rows(), x.columns(), {x.data, dy.data},
                               {dgamma.data, dbeta.data});
  }
  template <class T>
  static void run(op::row_normalize_op, const call_type& call, const in<T>& x, double eps, const tensor_view<T>& y, const tensor_view<T>& norms) {
    blocks::launch_rows(call, blocks::row_normalize_kernel<T>{x.data, static_cast<T>(eps), y.data, norms.data, x.rows(), x.columns()});
  }
  template <class T>
  static void run(op::row_normalize_backward_op, const call_type& call, const in<T>& y, const in<T>& norms, const in<T>& dy,
                  const tensor_view<T>& dx) {
    blocks::launch_rows(call, blocks::row_normalize_gradient_kernel<T>{y.data, norms.data, dy.data, dx.data, y.rows(), y.columns()});
  }
};

}  // namespace pretext::backend::detail
