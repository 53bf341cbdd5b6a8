// SPDX-License-Identifier: BSD-3-Clause
// opt-in: with backend/tangent.hpp
#pragma once

#include <cstdint>

#include "../../core/master.hpp"
#include "../../core/tensor.hpp"
#include "../geometry.hpp"

/// Tangents that no op computes, as plain loops for op::for_each_sample: one call a row, a column or a sample. A null view is
/// the tangent of a constant. Of every number `a` the tangent is `da`.
namespace pretext::backend::detail {

template <class T>
constexpr T or_zero(const tensor_view<const T>& v, index_t i) {
  return v.data == nullptr ? T{} : v.data[i];
}

/// Row i of layer_norm; xhat = (x - mean) rstd.
template <class T>
struct layer_norm_tangent {
  tensor_view<const T> x, dx, gamma, dgamma, dbeta, mean, rstd;
  tensor_view<T> dy, dmean, drstd;
  index_t scratch_floats = 0;
  void operator()(index_t i, tensor_view<float>) const {
    const index_t n = x.columns();
    const T m = mean[i], r = rstd[i];
    T average{}, c{};
    for (index_t j = 0; j < n; ++j) {
      average += dx(i, j);
      c += (x(i, j) - m) * r * dx(i, j);
    }
    average /= static_cast<T>(n);
    c /= static_cast<T>(n);
    dmean[i] = average;
    drstd[i] = -r * r * c;
    for (index_t j = 0; j < n; ++j) {
      const T xhat = (x(i, j) - m) * r;
      dy(i, j) = (r * (dx(i, j) - average) - r * c * xhat) * gamma[j] + xhat * or_zero(dgamma, j) + or_zero(dbeta, j);
    }
  }
};

/// Row i of layer_norm_input_gradient: out = rstd (g - mean(g) - xhat mean(g xhat)), g = dy gamma.
template <class T>
struct layer_norm_input_gradient_tangent {
  tensor_view<const T> x, dx, gamma, dgamma, mean, dmean, rstd, drstd, dy, ddy;
  tensor_view<T> out;
  index_t scratch_floats = 0;
  void operator()(index_t i, tensor_view<float>) const {
    const index_t n = x.columns();
    const T m = mean[i], r = rstd[i], dm = or_zero(dmean, i), dr = or_zero(drstd, i);
    T a{}, b{}, da{}, db{};
    const auto each = [&](auto&& f) {
      for (index_t j = 0; j < n; ++j) {
        const index_t at = i * n + j;
        f(j, dy[at] * gamma[j], or_zero(ddy, at) * gamma[j] + dy[at] * or_zero(dgamma, j), (x[at] - m) * r,
          (or_zero(dx, at) - dm) * r + (x[at] - m) * dr);
      }
    };
    each([&](index_t, T g, T dg, T xhat, T dxhat) {
      a += g;
      b += g * xhat;
      da += dg;
      db += dg * xhat + g * dxhat;
    });
    const T share = T(1) / static_cast<T>(n);
    a *= share, b *= share, da *= share, db *= share;
    each([&](index_t j, T g, T dg, T xhat, T dxhat) {
      out(i, j) = dr * (g - a - xhat * b) + r * (dg - da - dxhat * b - xhat * db);
    });
  }
};

/// Column j of layer_norm_parameter_gradient; added.
template <class T>
struct layer_norm_parameter_gradient_tangent {
  tensor_view<const T> x, dx, dy, ddy, mean, dmean, rstd, drstd;
  tensor_view<T> gamma, beta;  // tangents of the gradients
  index_t scratch_floats = 0;
  void operator()(index_t j, tensor_view<float>) const {
    const index_t n = x.columns();
    T a{}, b{};
    for (index_t i = 0; i < x.rows(); ++i) {
      const index_t at = i * n + j;
      const T away = x[at] - mean[i], r = rstd[i];
      a += or_zero(ddy, at) * away * r + dy[at] * ((or_zero(dx, at) - or_zero(dmean, i)) * r + away * or_zero(drstd, i));
      b += or_zero(ddy, at);
    }
    gamma[j] += a;
    beta[j] += b;
  }
};

/// Column j of column_moments.
template <class T>
struct column_moments_tangent {
  tensor_view<const T> x, dx, mean;
  tensor_view<T> dmean, dm2;
  index_t scratch_floats = 0;
  void operator()(index_t j, tensor_view<float>) const {
    T a{}, b{};
    for (index_t i = 0; i < x.rows(); ++i) {
      a += dx(i, j);
      b += T(2) * (x(i, j) - mean[j]) * dx(i, j);
    }
    dmean[j] = a / static_cast<T>(x.rows());
    dm2[j] = b;
  }
};

/// rstd_of_moments, element j.
template <class T>
struct rstd_tangent {
  tensor_view<const T> rstd, dm2;
  T count;
  tensor_view<T> drstd;
  index_t scratch_floats = 0;
  void operator()(index_t j, tensor_view<float>) const { drstd[j] = T(-0.5) * rstd[j] * rstd[j] * rstd[j] * dm2[j] / count; }
};

/// Row i of normalize_columns: y = (x - mean) rstd gamma + beta.
template <class T>
struct normalize_columns_tangent {
  tensor_view<const T> x, dx, mean, dmean, rstd, drstd, gamma, dgamma, dbeta;
  tensor_view<T> dy;
  index_t scratch_floats = 0;
  void operator()(index_t i, tensor_view<float>) const {
    const index_t n = x.columns();
    for (index_t j = 0; j < n; ++j) {
      const index_t at = i * n + j;
      const T away = x[at] - mean[j];
      dy[at] = ((or_zero(dx, at) - or_zero(dmean, j)) * rstd[j] + away * or_zero(drstd, j)) * gamma[j] + away * rstd[j] * or_zero(dgamma, j) +
               or_zero(dbeta, j);
    }
  }
};

/// Row i of scale_columns: dx = dy gamma rstd.
template <class T>
struct scale_columns_tangent {
  tensor_view<const T> dy, ddy, rstd, drstd, gamma, dgamma;
  tensor_view<T> out;
  index_t scratch_floats = 0;
  void operator()(index_t i, tensor_view<float>) const {
    const index_t n = dy.columns();
    for (index_t j = 0; j < n; ++j) {
      const index_t at = i * n + j;
      out[at] = or_zero(ddy, at) * gamma[j] * rstd[j] + dy[at] * (or_zero(dgamma, j) * rstd[j] + gamma[j] * or_zero(drstd, j));
    }
  }
};

/// Sample b of max_pool2d: the tangent of the winner.
template <class T>
struct max_pool2d_tangent {
  tensor_view<const T> dx;
  tensor_view<const std::int32_t> argmax;
  tensor_view<T> dy;
  pool2d_geometry g;
  index_t scratch_floats = 0;
  void operator()(index_t b, tensor_view<float>) const {
    const index_t n = g.out_h * g.out_w * g.channels;
    for (index_t i = b * n; i < (b + 1) * n; ++i) dy[i] = dx[(b * g.in_h * g.in_w + argmax[i]) * g.channels + i % g.channels];
  }
};

}  // namespace pretext::backend::detail
