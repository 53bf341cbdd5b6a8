// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "../geometry.hpp"
#include "matrix.hpp"

namespace pretext::op {

namespace detail {
/// Products of one pass of a convolution over `samples` images, multiplications with padding counted.
constexpr double convolution_flops(const conv2d_geometry& g, index_t samples) {
  return 2.0 * static_cast<double>(samples * g.out_h * g.out_w) * static_cast<double>(g.out_c) *
         static_cast<double>(g.kernel_h * g.kernel_w * (g.in_c / g.groups));
}
}  // namespace detail

/// y(b,i,j,o) = bias(o) + sum x(b, i s + u - p, j s + v - p, c) w(g, u, v, c, o): cross-correlation, zero padding
/// shapes  x (B, H, W, C), w (G, KH, KW, C/G, O/G), bias (O) or null, y (B, H', W', O)
struct conv2d_op {
  static constexpr std::string_view name = "conv2d";
  template <class X, class W, class B, class Y>
  static constexpr double flops(const X& x, const W&, const B&, const Y&, const conv2d_geometry& g) {
    return detail::convolution_flops(g, x.extent(0));
  }
};
inline constexpr conv2d_op conv2d{};

/// (f, x, w, bias, y, geometry): y = f(conv2d) for a functor f (ops/elementwise.hpp)
struct conv2d_map_op {
  static constexpr std::string_view name = "conv2d_map";
  template <class F, class X, class W, class B, class Y>
  static constexpr double flops(const F&, const X& x, const W&, const B&, const Y& y, const conv2d_geometry& g) {
    return detail::convolution_flops(g, x.extent(0)) + static_cast<double>(y.size());
  }
};
inline constexpr conv2d_map_op conv2d_map{};

/// (x, w, bias, y, mean, m2, geometry): conv2d, and column_moments (ops/norm.hpp) of y
/// shapes  as conv2d; mean, m2 (O)
struct conv2d_moments_op {
  static constexpr std::string_view name = "conv2d_moments";
  template <class X, class W, class B, class Y, class M>
  static constexpr double flops(const X& x, const W&, const B&, const Y& y, const M&, const M&, const conv2d_geometry& g) {
    return detail::convolution_flops(g, x.extent(0)) + 4 * static_cast<double>(y.size());
  }
};
inline constexpr conv2d_moments_op conv2d_moments{};

/// dx = adjoint of conv2d applied to dy
/// shapes  dy (B, H', W', O), w as conv2d, dx (B, H, W, C)
struct conv2d_input_gradient_op {
  static constexpr std::string_view name = "conv2d_input_gradient";
  template <class DY, class W, class DX>
  static constexpr double flops(const DY& dy, const W&, const DX&, const conv2d_geometry& g) {
    return detail::convolution_flops(g, dy.extent(0));
  }
};
inline constexpr conv2d_input_gradient_op conv2d_input_gradient{};

/// dw += gradient of sum(y dy) in w; accumulates
/// shapes  x (B, H, W, C), dy (B, H', W', O), dw as w
struct conv2d_weight_gradient_op {
  static constexpr std::string_view name = "conv2d_weight_gradient";
  template <class X, class DY, class DW>
  static constexpr double flops(const X& x, const DY&, const DW&, const conv2d_geometry& g) {
    return detail::convolution_flops(g, x.extent(0));
  }
};
inline constexpr conv2d_weight_gradient_op conv2d_weight_gradient{};

/// y = the largest value of each window (padding never wins), argmax its index within the sample's (H, W) plane;
/// the first one wins a tie
/// shapes  x (B, H, W, C), y and argmax (B, H', W', C)
struct max_pool2d_op {
  static constexpr std::string_view name = "max_pool2d";
  template <class X, class Y, class A>
  static constexpr double flops(const X&, const Y& y, const A&, const pool2d_geometry& g) {
    return static_cast<double>(y.size() * g.kernel_h * g.kernel_w);
  }
};
inline constexpr max_pool2d_op max_pool2d{};

/// dx = dy at the positions argmax, 0 elsewhere; overlapping windows add up
struct max_pool2d_backward_op {
  static constexpr std::string_view name = "max_pool2d_backward";
  template <class DY, class A, class DX>
  static constexpr double flops(const DY& dy, const A&, const DX&, const pool2d_geometry&) {
    return static_cast<double>(dy.size());
  }
};
inline constexpr max_pool2d_backward_op max_pool2d_backward{};

/// y = mean of each window; padding counts as zeros in the mean (PyTorch's count_include_pad)
struct avg_pool2d_op {
  static constexpr std::string_view name = "avg_pool2d";
  template <class X, class Y>
  static constexpr double flops(const X&, const Y& y, const pool2d_geometry& g) {
    return static_cast<double>(y.size() * g.kernel_h * g.kernel_w);
  }
};
inline constexpr avg_pool2d_op avg_pool2d{};

struct avg_pool2d_backward_op {
  static constexpr std::string_view name = "avg_pool2d_backward";
  template <class DY, class DX>
  static constexpr double flops(const DY& dy, const DX&, const pool2d_geometry& g) {
    return static_cast<double>(dy.size() * g.kernel_h * g.kernel_w);
  }
};
inline constexpr avg_pool2d_backward_op avg_pool2d_backward{};

/// y(b,c) = mean over s of x(b,s,c)
/// shapes  x (B, S, C), y (B, C)
struct spatial_mean_op {
  static constexpr std::string_view name = "spatial_mean";
  template <class X, class Y>
  static constexpr double flops(const X& x, const Y&) {
    return static_cast<double>(x.size());
  }
};
inline constexpr spatial_mean_op spatial_mean{};

/// dx(b,s,c) = dy(b,c) / S
struct spatial_mean_backward_op {
  static constexpr std::string_view name = "spatial_mean_backward";
  template <class DY, class DX>
  static constexpr double flops(const DY&, const DX& dx) {
    return static_cast<double>(dx.size());
  }
};
inline constexpr spatial_mean_backward_op spatial_mean_backward{};

}  // namespace pretext::op
