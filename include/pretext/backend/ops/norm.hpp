// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../../core/tensor.hpp"

namespace pretext::op {

#define PRETEXT_NORM_OP(NAME, PER_ELEMENT)                                    \
  struct NAME##_op {                                                          \
    static constexpr std::string_view name = #NAME;                           \
    template <class X, class... A>                                            \
    static constexpr double flops(const X& x, const A&...) {                  \
      return (PER_ELEMENT) * static_cast<double>(x.size());                   \
    }                                                                         \
  };                                                                          \
  inline constexpr NAME##_op NAME {}

/// The same with a functor in front (core/scalar_math.hpp), which costs one operation more an element.
#define PRETEXT_NORM_MAP_OP(NAME, PER_ELEMENT)                                \
  struct NAME##_op {                                                          \
    static constexpr std::string_view name = #NAME;                           \
    template <class F, class X, class... A>                                   \
    static constexpr double flops(const F&, const X& x, const A&...) {        \
      return (PER_ELEMENT) * static_cast<double>(x.size());                   \
    }                                                                         \
  };                                                                          \
  inline constexpr NAME##_op NAME {}

/// (x, mean, m2): per column the mean and the sum of squared deviations from it, merged block by block in a fixed order
/// (Chan et al. 1979), never E[x^2] - E[x]^2
/// shapes  x (M, C), mean (C), m2 (C)
PRETEXT_NORM_OP(column_moments, 4);
/// (m2, count, eps, rstd): rstd = 1 / sqrt(m2 / count + eps)
PRETEXT_NORM_OP(rstd_of_moments, 4);
/// (mean, m2, count, momentum, running_mean, running_var): running = (1 - momentum) running + momentum new, the
/// variance unbiased (PyTorch's batch_norm)
PRETEXT_NORM_OP(update_running_moments, 6);
/// (x, mean, rstd, gamma, beta, y): y = (x - mean) rstd gamma + beta, per column
PRETEXT_NORM_OP(normalize_columns, 3);
/// (x, dy, mean, rstd, sum_dy, sum_dy_xhat): per column the sums of dy and of dy xhat, xhat = (x - mean) rstd
PRETEXT_NORM_OP(batch_norm_sums, 4);
/// (x, dy, mean, rstd, gamma, sum_dy, sum_dy_xhat, count, dx):
/// dx = gamma rstd (dy - sum_dy / count - xhat sum_dy_xhat / count)
PRETEXT_NORM_OP(batch_norm_input_gradient, 7);
/// (dy, rstd, gamma, dx): dx = dy gamma rstd, per column: the gradient where statistics are constants
PRETEXT_NORM_OP(scale_columns, 2);
/// (f, x, mean, rstd, gamma, beta, y): y = f(z), z = (x - mean) rstd gamma + beta: normalize_columns and map in one pass
PRETEXT_NORM_MAP_OP(normalize_columns_map, 4);
/// (f, x, dy, mean, rstd, gamma, beta, sum_dz, sum_dz_xhat): batch_norm_sums of dz = f'(z) dy; z is computed again
PRETEXT_NORM_MAP_OP(batch_norm_map_sums, 7);
/// (f, x, dy, mean, rstd, gamma, beta, sum_dz, sum_dz_xhat, count, dx): batch_norm_input_gradient of dz = f'(z) dy;
/// count 0: statistics are constants, dx = gamma rstd dz
PRETEXT_NORM_MAP_OP(batch_norm_map_input_gradient, 10);
/// (x, gamma, beta, eps, y, mean, rstd): y = (x - mean) rstd gamma + beta, per row, biased variance
/// shapes  x, y (M, C); gamma, beta (C); mean, rstd (M)
PRETEXT_NORM_OP(layer_norm, 8);
/// (x, gamma, mean, rstd, dy, dx): the input gradient of layer_norm
PRETEXT_NORM_OP(layer_norm_input_gradient, 9);
/// (x, dy, mean, rstd, dgamma, dbeta): accumulates the parameter gradients of layer_norm
PRETEXT_NORM_OP(layer_norm_parameter_gradient, 4);
/// (x, eps, y, norms): y = x / max(|x|, eps) per row; a zero row stays zero; x and y may be the same memory
/// shapes  x, y (M, D); norms (M) = max(|x|, eps)
PRETEXT_NORM_OP(row_normalize, 4);
/// (y, norms, dy, dx): dx += (dy - y (y . dy)) / norms; accumulates
PRETEXT_NORM_OP(row_normalize_backward, 5);

#undef PRETEXT_NORM_OP
#undef PRETEXT_NORM_MAP_OP

}  // namespace pretext::op
