// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include "../ops/elementwise.hpp"
#include "../ops/norm.hpp"
#include "../reference/matrix.hpp"
#include "batch_norm.hpp"
#include "columns.hpp"
#include "layer_norm.hpp"
#include "simd_call.hpp"
#include "simd_math.hpp"

namespace pretext::backend::detail {

template <class Arch>
struct simd_norm {
  template <class T>
  using O = kernel::vector_ops<T, Arch>;
  template <class T>
  using V = kernel::vec<T, Arch>;

  template <lane_value T, stored_in<T> X>
  static index_t scratch(op::column_moments_op, int, const tensor_view<X>& x, const tensor_view<T>&, const tensor_view<T>&) {
    return bytes_of<T>(kernel::column_moments_scratch<T, Arch>(x.rows(), x.columns()));
  }
  template <lane_value T, stored_in<T> X>
  static void run(op::column_moments_op, const simd_call& call, const tensor_view<X>& x, const tensor_view<T>& mean, const tensor_view<T>& m2) {
    kernel::column_moments<T, Arch>(call.pool, x.rows(), x.columns(), x.data, mean.data, m2.data, call.scratch<T>());
  }
  template <lane_value T>
  static void run(op::rstd_of_moments_op, const simd_call& call, const input<T>& m2, double count, double eps,
                  const tensor_view<T>& rstd) {
    const T n = static_cast<T>(count), e = static_cast<T>(eps);
    kernel::map<T, Arch>(
        call.pool, rstd.size(), rstd.data,
        [=](const V<T>& v) { return O<T>::set(T(1)) / O<T>::sqrt(v / O<T>::set(n) + O<T>::set(e)); }, m2.data);
  }
  template <lane_value T>
  static void run(op::update_running_moments_op, const simd_call& call, const input<T>& mean, const input<T>& m2, double count,
                  double momentum, const tensor_view<T>& running_mean, const tensor_view<T>& running_var) {
    const T a = static_cast<T>(momentum), n = static_cast<T>(count > 1 ? count - 1 : 1);
    const auto towards = [&](const T* fresh, T divisor, T* kept) {
      kernel::map<T, Arch>(
          call.pool, mean.size(), kept,
          [=](const V<T>& old, const V<T>& v) {
            return O<T>::fma(O<T>::set(T(1) - a), old, O<T>::set(a) * (v / O<T>::set(divisor)));
          },
          kept, fresh);
    };
    towards(mean.data, T(1), running_mean.data);
    towards(m2.data, n, running_var.data);
  }
  template <stored_value S, class T = master_t<S>>
  static void run(op::normalize_columns_op, const simd_call& call, const input<S>& x, const master<S>& mean, const master<S>& rstd,
                  const master<S>& gamma, const master<S>& beta, const tensor_view<S>& y) {
    kernel::map_with_columns<T, Arch>(
        call.pool, x.rows(), x.columns(), y.data,
        [](const V<T>* v, const V<T>* c) { return O<T>::fma(v[0] - c[0], c[1] * c[2], c[3]); },
        {mean.data, rstd.data, gamma.data, beta.data}, {x.data});
  }
  template <lane_value T, stored_in<T> X>
  static index_t scratch(op::batch_norm_sums_op, int, const tensor_view<X>& x, const stored_as<X>&, const input<T>&, const input<T>&,
                         const tensor_view<T>&, const tensor_view<T>&) {
    return bytes_of<T>(kernel::column_scratch<T, Arch>(x.rows(), x.columns(), 2));
  }
  template <lane_value T, stored_in<T> X>
  static void run(op::batch_norm_sums_op, const simd_call& call, const tensor_view<X>& x, const stored_as<X>& dy, const input<T>& mean, const input<T>& rstd,
                  const tensor_view<T>& sum_dy, const tensor_view<T>& sum_dy_xhat) {
    kernel::fill<T, Arch>(call.pool, sum_dy.size(), T(0), sum_dy.data);
    kernel::fill<T, Arch>(call.pool, sum_dy_xhat.size(), T(0), sum_dy_xhat.data);
    kernel::batch_norm_gradient_sums<T, Arch>(call.pool, x.rows(), x.columns(), stored_as<X>(x).data, dy.data, mean.data, rstd.data,
                                              sum_dy.data, sum_dy_xhat.data, call.scratch<T>());
  }
  template <stored_value S, class T = master_t<S>>
  static void run(op::batch_norm_input_gradient_op, const simd_call& call, const input<S>& x, const input<S>& dy, const master<S>& mean,
                  const master<S>& rstd, const master<S>& gamma, const master<S>& sum_dy, const master<S>& sum_dy_xhat, double count, const tensor_view<S>& dx) {
    const auto share = O<T>::set(static_cast<T>(1 / count));
    kernel::map_with_columns<T, Arch>(
        call.pool, x.rows(), x.columns(), dx.data,
        [=](const V<T>* v, const V<T>* c) {
          const V<T> xhat = (v[0] - c[0]) * c[1];
          return (c[1] * c[2]) * O<T>::fnma(xhat, c[4] * share, O<T>::fnma(c[3], share, v[1]));
        },
        {mean.data, rstd.data, gamma.data, sum_dy.data, sum_dy_xhat.data}, {x.data, dy.data});
  }
  template <stored_value S, class T = master_t<S>>
  static void run(op::scale_columns_op, const simd_call& call, const input<S>& dy, const master<S>& rstd, const master<S>& gamma,
                  const tensor_view<S>& dx) {
    kernel::map_with_columns<T, Arch>(
        call.pool, dy.rows(), dy.columns(), dx.data, [](const V<T>* v, const V<T>* c) { return v[0] * (c[0] * c[1]); },
        {rstd.data, gamma.data}, {dy.data});
  }

  // z in words and signs as normalize_columns has it, so that both passes decide alike at a kink.
  template <class F, stored_value S, class T = master_t<S>>
  static void run(op::normalize_columns_map_op, const simd_call& call, const F&, const input<S>& x, const master<S>& mean, const master<S>& rstd,
                  const master<S>& gamma, const master<S>& beta, const tensor_view<S>& y) {
    using M = kernel::simd_math<T, Arch>;
    kernel::map_with_columns<T, Arch>(
        call.pool, x.rows(), x.columns(), y.data,
        [](const V<T>* v, const V<T>* c) { return V<T>(F::template value<M>(O<T>::fma(v[0] - c[0], c[1] * c[2], c[3]))); },
        {mean.data, rstd.data, gamma.data, beta.data}, {x.data});
  }
  template <class F, lane_value T, stored_in<T> X>
  static index_t scratch(op::batch_norm_map_sums_op, int, const F&, const tensor_view<X>& x, const stored_as<X>&, const input<T>&,
                         const input<T>&, const input<T>&, const input<T>&, const tensor_view<T>&, const tensor_view<T>&) {
    return bytes_of<T>(kernel::column_scratch<T, Arch>(x.rows(), x.columns(), 2));
  }
  template <class F, lane_value T, stored_in<T> X>
  static void run(op::batch_norm_map_sums_op, const simd_call& call, const F&, const tensor_view<X>& x, const stored_as<X>& dy, const input<T>& mean,
                  const input<T>& rstd, const input<T>& gamma, const input<T>& beta, const tensor_view<T>& sum_dz, const tensor_view<T>& sum_dz_xhat) {
    using M = kernel::simd_math<T, Arch>;
    kernel::fill<T, Arch>(call.pool, sum_dz.size(), T(0), sum_dz.data);
    kernel::fill<T, Arch>(call.pool, sum_dz_xhat.size(), T(0), sum_dz_xhat.data);
    kernel::batch_norm_gradient_sums<T, Arch>(
        call.pool, x.rows(), x.columns(), stored_as<X>(x).data, dy.data, mean.data, rstd.data, sum_dz.data, sum_dz_xhat.data, call.scratch<T>(),
        [g = gamma.data, b = beta.data](index_t c, index_t n, const V<T>& centred, const V<T>& r, const V<T>& d) {
          const V<T> z = O<T>::fma(centred, r * O<T>::load_some(g + c, n), O<T>::load_some(b + c, n));
          return V<T>(op::gradient_of<F, M>(z, d));
        });
  }
  template <class F, stored_value S, class T = master_t<S>>
  static void run(op::batch_norm_map_input_gradient_op, const simd_call& call, const F&, const input<S>& x, const input<S>& dy, const master<S>& mean,
                  const master<S>& rstd, const master<S>& gamma, const master<S>& beta, const master<S>& sum_dz, const master<S>& sum_dz_xhat, double count,
                  const tensor_view<S>& dx) {
    using M = kernel::simd_math<T, Arch>;
    const auto share = O<T>::set(count > 0 ? static_cast<T>(1 / count) : T(0));
    kernel::map_with_columns<T, Arch>(
        call.pool, x.rows(), x.columns(), dx.data,
        [=](const V<T>* v, const V<T>* c) {
          const V<T> centred = v[0] - c[0], scale = c[1] * c[2];
          const V<T> dz = V<T>(op::gradient_of<F, M>(O<T>::fma(centred, scale, c[3]), v[1]));
          return scale * O<T>::fnma(centred * c[1], c[5] * share, O<T>::fnma(c[4], share, dz));
        },
        {mean.data, rstd.data, gamma.data, beta.data, sum_dz.data, sum_dz_xhat.data}, {x.data, dy.data});
  }

  template <lane_value T>
  static void run(op::layer_norm_op, const simd_call& call, const input<T>& x, const input<T>& gamma, const input<T>& beta, double eps,
                  const tensor_view<T>& y, const tensor_view<T>& mean, const tensor_view<T>& rstd) {
    kernel::layer_norm_forward<T, Arch>(call.pool, x.rows(), x.columns(), x.data, gamma.data, beta.data,
                                        static_cast<T>(eps), y.data, mean.data, rstd.data);
  }
  template <lane_value T>
  static void run(op::layer_norm_input_gradient_op, const simd_call& call, const input<T>& x, const input<T>& gamma, const input<T>& mean,
                  const input<T>& rstd, const input<T>& dy, const tensor_view<T>& dx) {
    kernel::layer_norm_backward<T, Arch>(call.pool, x.rows(), x.columns(), x.data, gamma.data, mean.data, rstd.data,
                                         dy.data, dx.data, false, nullptr, nullptr, nullptr);
  }
  template <lane_value T>
  static index_t scratch(op::layer_norm_parameter_gradient_op, int, const input<T>& x, const input<T>&, const input<T>&,
                         const input<T>&, const tensor_view<T>&, const tensor_view<T>&) {
    return bytes_of<T>(kernel::layer_norm_backward_scratch<T, Arch>(x.rows(), x.columns()));
  }
  template <lane_value T>
  static void run(op::layer_norm_parameter_gradient_op, const simd_call& call, const input<T>& x, const input<T>& dy, const input<T>& mean,
                  const input<T>& rstd, const tensor_view<T>& dgamma, const tensor_view<T>& dbeta) {
    kernel::layer_norm_backward<T, Arch>(call.pool, x.rows(), x.columns(), x.data, nullptr, mean.data, rstd.data, dy.data,
                                         nullptr, false, dgamma.data, dbeta.data, call.scratch<T>());
  }

  template <lane_value T>
  static void run(op::row_normalize_op, const simd_call& call, const input<T>& x, double eps, const tensor_view<T>& y,
                  const tensor_view<T>& norms) {
    const index_t n = x.columns();
    const T least = static_cast<T>(eps);
    call.pool.parallel_for(x.rows(), rows_at_once(n), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i) {
        const T* row = x.data + i * n;
        // Scaled by the largest entry, so that huge and tiny rows neither overflow nor vanish in the squares.
        auto greatest = O<T>::zero();
        for (index_t c = 0; c < n; c += O<T>::width)
          greatest = O<T>::max(O<T>::abs(O<T>::load_some(row + c, n - c < O<T>::width ? n - c : O<T>::width)), greatest);
        const T largest = O<T>::largest(greatest);
        T norm{};
        if (largest > T{}) {
          const auto scale = O<T>::set(largest);
          norm = largest * std::sqrt(sum_row<T, Arch>(n, [&](index_t c, index_t lanes) {
                   const auto v = O<T>::load_some(row + c, lanes) / scale;
                   return v * v;
                 }));
        }
        norm = norm < least ? least : norm;
        norms[i] = norm;
        kernel::map_run<T, Arch>(n, y.data + i * n, false, [&](const V<T>& v) { return v / O<T>::set(norm); }, row);
      }
    });
  }
  template <lane_value T>
  static void run(op::row_normalize_backward_op, const simd_call& call, const input<T>& y, const input<T>& norms, const input<T>& dy,
                  const tensor_view<T>& dx) {
    const index_t n = y.columns();
    call.pool.parallel_for(y.rows(), rows_at_once(n), [&](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i) {
        const T *own = y.data + i * n, *up = dy.data + i * n;
        const auto dot = O<T>::set(sum_row<T, Arch>(n, [&](index_t c, index_t lanes) {
          return O<T>::load_some(own + c, lanes) * O<T>::load_some(up + c, lanes);
        }));
        const auto norm = O<T>::set(norms[i]);
        kernel::map_run<T, Arch>(
            n, dx.data + i * n, true, [&](const V<T>& a, const V<T>& d) { return O<T>::fnma(a, dot, d) / norm; }, own, up);
      }
    });
  }
};

}  // namespace pretext::backend::detail
