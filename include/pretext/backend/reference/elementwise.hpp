// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>

#include "../../core/scalar_math.hpp"
#include "../ops/elementwise.hpp"
#include "../ops/norm.hpp"
#include "matrix.hpp"

namespace pretext::backend::detail {

struct reference_elementwise {
  template <class F, class T>
  static void run(op::map_op, workspace&, const F&, input<T> x, tensor_view<T> y) {
    for (index_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(F::template value<scalar_math>(static_cast<master_t<T>>(x[i])));
  }
  template <class F, class T>
  static void run(op::map_backward_op, workspace&, const F&, input<T> x, input<T> dy, tensor_view<T> dx) {
    for (index_t i = 0; i < dx.size(); ++i) 
      dx[i] = static_cast<T>(op::gradient_of<F, scalar_math>(static_cast<master_t<T>>(x[i]), static_cast<master_t<T>>(dy[i])));
  }
  template <class T>
  static void run(op::add_op, workspace&, input<T> x, tensor_view<T> y) {
    for (index_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(y[i] + x[i]);
  }
  template <class F, class T>
  static void run(op::add_map_op, workspace&, const F&, input<T> x, tensor_view<T> y) {
    for (index_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(F::template value<scalar_math>(static_cast<master_t<T>>(x[i] + y[i])));
  }
  template <class T>
  static void run(op::copy_op, workspace&, const auto& x, tensor_view<T> y) {
    for (index_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(x[i]);
  }
  template <class T>
  static void run(op::fill_op, workspace&, master_t<T> value, tensor_view<T> y) {
    for (T& v : y) v = static_cast<T>(value);
  }
  template <class T>
  static void run(op::scale_op, workspace&, master_t<T> factor, tensor_view<T> x) {
    for (T& v : x) v = static_cast<T>(v * factor);
  }
  template <class T>
  static void run(op::shift_op, workspace&, master_t<T> value, tensor_view<T> x) {
    for (T& v : x) v = static_cast<T>(v + value);
  }
  template <class T>
  static void run(op::dropout_op, workspace&, const moving_key& moving, double rate, index_t first, input<T> x, tensor_view<T> y) {
    using M = master_t<T>;
    const rng::key key = moving.now();
    const M keep = rate < 1 ? static_cast<M>(1 / (1 - rate)) : M{};
    for (index_t i = 0; i < y.size(); ++i) {
      const rng::counter_type words = key.block(static_cast<std::uint32_t>((first + i) / 4));
      y[i] = op::dropout_keeps(words[static_cast<std::size_t>((first + i) % 4)], rate) ? static_cast<T>(x[i] * keep) : T{};
    }
  }
};

struct reference_norm {
  template <class T>
  static void run(op::column_moments_op, workspace&, const auto& x, tensor_view<T> mean, tensor_view<T> m2) {
    for (index_t j = 0; j < x.columns(); ++j) {
      T average{}, squares{};
      for (index_t i = 0; i < x.rows(); ++i) {  // Welford 1962
        const T d = x(i, j) - average;
        average += d / static_cast<T>(i + 1);
        squares += d * (x(i, j) - average);
      }
      mean[j] = average;
      m2[j] = squares;
    }
  }
  template <class T>
  static void run(op::rstd_of_moments_op, workspace&, input<T> m2, double count, double eps, tensor_view<T> rstd) {
    using std::sqrt;
    for (index_t j = 0; j < rstd.size(); ++j) rstd[j] = T(1) / sqrt(m2[j] / static_cast<T>(count) + static_cast<T>(eps));
  }
  template <class T>
  static void run(op::update_running_moments_op, workspace&, input<T> mean, input<T> m2, double count, double momentum,
                  tensor_view<T> running_mean, tensor_view<T> running_var) {
    const T a = static_cast<T>(momentum), n = static_cast<T>(count > 1 ? count - 1 : 1);
    for (index_t j = 0; j < mean.size(); ++j) {
      running_mean[j] = (T(1) - a) * running_mean[j] + a * mean[j];
      running_var[j] = (T(1) - a) * running_var[j] + a * (m2[j] / n);
    }
  }
  template <class T>
  static void run(op::normalize_columns_op, workspace&, input<T> x, master<T> mean, master<T> rstd, master<T> gamma,
                  master<T> beta, tensor_view<T> y) {
    for (index_t i = 0; i < x.rows(); ++i)
      for (index_t j = 0; j < x.columns(); ++j) y(i, j) = static_cast<T>((x(i, j) - mean[j]) * rstd[j] * gamma[j] + beta[j]);
  }
  template <class T>
  static void run(op::batch_norm_sums_op, workspace&, const auto& x, const auto& dy, input<T> mean, input<T> rstd,
                  tensor_view<T> sum_dy, tensor_view<T> sum_dy_xhat) {
    for (index_t j = 0; j < x.columns(); ++j) {
      T a{}, b{};
      for (index_t i = 0; i < x.rows(); ++i) {
        a += dy(i, j);
        b += dy(i, j) * (x(i, j) - mean[j]) * rstd[j];
      }
      sum_dy[j] = a;
      sum_dy_xhat[j] = b;
    }
  }
  template <class T>
  static void run(op::batch_norm_input_gradient_op, workspace&, input<T> x, input<T> dy, master<T> mean, master<T> rstd,
                  master<T> gamma, master<T> sum_dy, master<T> sum_dy_xhat, double count, tensor_view<T> dx) {
    using M = master_t<T>;
    const M share = static_cast<M>(1 / count);
    for (index_t i = 0; i < x.rows(); ++i)
      for (index_t j = 0; j < x.columns(); ++j) {
        const M xhat = (x(i, j) - mean[j]) * rstd[j];
        dx(i, j) = static_cast<T>(gamma[j] * rstd[j] * (dy(i, j) - share * sum_dy[j] - xhat * (share * sum_dy_xhat[j])));
      }
  }
  template <class T>
  static void run(op::scale_columns_op, workspace&, input<T> dy, master<T> rstd, master<T> gamma, tensor_view<T> dx) {
    for (index_t i = 0; i < dy.rows(); ++i)
      for (index_t j = 0; j < dy.columns(); ++j) dx(i, j) = static_cast<T>(dy(i, j) * (gamma[j] * rstd[j]));
  }
  template <class F, class T>
  static void run(op::normalize_columns_map_op, workspace&, const F&, input<T> x, master<T> mean, master<T> rstd, master<T> gamma,
                  master<T> beta, tensor_view<T> y) {
    for (index_t i = 0; i < x.rows(); ++i)
      for (index_t j = 0; j < x.columns(); ++j)
        y(i, j) = static_cast<T>(F::template value<scalar_math>((x(i, j) - mean[j]) * rstd[j] * gamma[j] + beta[j]));
  }
  template <class F, class T>
  static void run(op::batch_norm_map_sums_op, workspace&, const F&, const auto& x, const auto& dy, input<T> mean, input<T> rstd,
                  input<T> gamma, input<T> beta, tensor_view<T> sum_dz, tensor_view<T> sum_dz_xhat) {
    for (index_t j = 0; j < x.columns(); ++j) {
      T a{}, b{};
      for (index_t i = 0; i < x.rows(); ++i) {
        const T xhat = (x(i, j) - mean[j]) * rstd[j];
        const T dz = op::gradient_of<F, scalar_math>(T(xhat * gamma[j] + beta[j]), static_cast<T>(dy(i, j)));
        a += dz;
        b += dz * xhat;
      }
      sum_dz[j] = a;
      sum_dz_xhat[j] = b;
    }
  }
  template <class F, class T>
  static void run(op::batch_norm_map_input_gradient_op, workspace&, const F&, input<T> x, input<T> dy, master<T> mean,
                  master<T> rstd, master<T> gamma, master<T> beta, master<T> sum_dz, master<T> sum_dz_xhat, double count,
                  tensor_view<T> dx) {
    using M = master_t<T>;
    const M share = count > 0 ? static_cast<M>(1 / count) : M(0);
    for (index_t i = 0; i < x.rows(); ++i)
      for (index_t j = 0; j < x.columns(); ++j) {
        const M xhat = (x(i, j) - mean[j]) * rstd[j];
        const M dz = op::gradient_of<F, scalar_math>(M(xhat * gamma[j] + beta[j]), static_cast<M>(dy(i, j)));
        dx(i, j) = static_cast<T>(gamma[j] * rstd[j] * (dz - share * sum_dz[j] - xhat * (share * sum_dz_xhat[j])));
      }
  }
  template <class T>
  static void run(op::layer_norm_op, workspace&, input<T> x, master<T> gamma, master<T> beta, double eps, tensor_view<T> y,
                  tensor_view<master_t<T>> mean, tensor_view<master_t<T>> rstd) {
    using M = master_t<T>;
    using std::sqrt;
    const index_t n = x.columns();
    for (index_t i = 0; i < x.rows(); ++i) {
      M m{}, v{};
      for (index_t j = 0; j < n; ++j) m += x(i, j);
      m /= static_cast<M>(n);
      for (index_t j = 0; j < n; ++j) v += (x(i, j) - m) * (x(i, j) - m);
      mean[i] = m;
      rstd[i] = M(1) / sqrt(v / static_cast<M>(n) + static_cast<M>(eps));
      for (index_t j = 0; j < n; ++j) y(i, j) = static_cast<T>((x(i, j) - m) * rstd[i] * gamma[j] + beta[j]);
    }
  }
  template <class T>
  static void run(op::layer_norm_input_gradient_op, workspace&, input<T> x, master<T> gamma, master<T> mean, master<T> rstd,
                  input<T> dy, tensor_view<T> dx) {
    using M = master_t<T>;
    const index_t n = x.columns();
    for (index_t i = 0; i < x.rows(); ++i) {
      M a{}, b{};
      for (index_t j = 0; j < n; ++j) {
        a += dy(i, j) * gamma[j];
        b += dy(i, j) * gamma[j] * (x(i, j) - mean[i]) * rstd[i];
      }
      a /= static_cast<M>(n);
      b /= static_cast<M>(n);
      for (index_t j = 0; j < n; ++j)
        dx(i, j) = static_cast<T>(rstd[i] * (dy(i, j) * gamma[j] - a - (x(i, j) - mean[i]) * rstd[i] * b));
    }
  }
  template <class T>
  static void run(op::layer_norm_parameter_gradient_op, workspace&, const auto& x, const auto& dy, input<T> mean,
                  input<T> rstd, tensor_view<T> dgamma, tensor_view<T> dbeta) {
    for (index_t j = 0; j < x.columns(); ++j) {
      T a{}, b{};
      for (index_t i = 0; i < x.rows(); ++i) {
        a += dy(i, j) * (x(i, j) - mean[i]) * rstd[i];
        b += dy(i, j);
      }
      dgamma[j] += a;
      dbeta[j] += b;
    }
  }
  template <class T>
  static void run(op::row_normalize_op, workspace&, input<T> x, double eps, tensor_view<T> y, tensor_view<T> norms) {
    using std::sqrt;
    for (index_t i = 0; i < x.rows(); ++i) {
      // Scaled by the largest entry, so that huge and tiny rows neither overflow nor vanish in the squares.
      T largest{};
      for (index_t j = 0; j < x.columns(); ++j) largest = std::max(largest, x(i, j) < T{} ? -x(i, j) : x(i, j));
      T sum{};
      if (largest > T{})
        for (index_t j = 0; j < x.columns(); ++j) sum += (x(i, j) / largest) * (x(i, j) / largest);
      const T norm = largest * sqrt(sum);
      norms[i] = std::max(norm, static_cast<T>(eps));
      for (index_t j = 0; j < x.columns(); ++j) y(i, j) = x(i, j) / norms[i];
    }
  }
  template <class T>
  static void run(op::row_normalize_backward_op, workspace&, input<T> y, input<T> norms, input<T> dy, tensor_view<T> dx) {
    for (index_t i = 0; i < y.rows(); ++i) {
      T dot{};
      for (index_t j = 0; j < y.columns(); ++j) dot += y(i, j) * dy(i, j);
      for (index_t j = 0; j < y.columns(); ++j) dx(i, j) += (dy(i, j) - y(i, j) * dot) / norms[i];
    }
  }
};

}  // namespace pretext::backend::detail
