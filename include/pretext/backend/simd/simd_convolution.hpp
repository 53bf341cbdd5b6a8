// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>

#include "../ops/convolution.hpp"
#include "../reference/convolution.hpp"
#include "conv2d.hpp"
#include "pool2d.hpp"
#include "reduce.hpp"
#include "simd_call.hpp"
#include "simd_elementwise.hpp"

namespace pretext::backend::detail {

/// Terms: what products make of their operands (gemm.hpp).
template <class Arch, class Terms = kernel::exact_terms>
struct simd_convolution {
  template <class S, class G>
  static index_t block_scratch(const input<S>& x, const G& g) {
    if constexpr (std::is_same_v<S, master_t<S>>)
      return kernel::block_moments_scratch<S, Arch, Terms>(g, x.extent(0));
    else
      return 0;
  }

  template <stored_value S, std::derived_from<conv2d_geometry> G, class T = master_t<S>>
  static index_t scratch(op::conv2d_op, int threads, const input<S>& x, const master<S>&, const master<S>&,
                         const tensor_view<S>&, const G& g) {
    return bytes_of<T>(kernel::conv2d_forward_scratch<T, Arch, Terms, S>(threads, g, x.extent(0)));
  }
  template <stored_value S, std::derived_from<conv2d_geometry> G, class T = master_t<S>>
  static void run(op::conv2d_op, const simd_call& call, const input<S>& x, const master<S>& w, const master<S>& bias, const tensor_view<S>& y,
                  const G& g) {
    kernel::conv2d_forward<T, Arch, Terms>(call.pool, g, x.extent(0), x.data, w.data, bias.data, y.data, call.scratch<T>());
  }
  template <class F, stored_value S, std::derived_from<conv2d_geometry> G, class T = master_t<S>>
  static index_t scratch(op::conv2d_map_op, int threads, const F&, const input<S>& x, const master<S>& w, const master<S>& bias,
                         const tensor_view<S>& y, const G& g) {
    return scratch(op::conv2d, threads, x, w, bias, y, g);
  }
  template <class F, stored_value S, std::derived_from<conv2d_geometry> G, class T = master_t<S>>
  static void run(op::conv2d_map_op, const simd_call& call, const F& f, const input<S>& x, const master<S>& w, const master<S>& bias,
                  const tensor_view<S>& y, const G& g) {
    if constexpr (requires { F::least; }) {
      kernel::conv2d_forward<T, Arch, Terms>(call.pool, g, x.extent(0), x.data, w.data, {bias.data, static_cast<T>(F::least)}, y.data,
                                             call.scratch<T>());
    } else {
      run(op::conv2d, call, x, w, bias, y, g);
      simd_elementwise<Arch>::run(op::map, call, f, as_const(y), y);
    }
  }
  template <stored_value S, std::derived_from<conv2d_geometry> G, class T = master_t<S>>
  static index_t scratch(op::conv2d_moments_op, int threads, const input<S>& x, const master<S>& w, const master<S>& bias, const tensor_view<S>& y,
                         const tensor_view<T>&, const tensor_view<T>&, const G& g) {
    const index_t product = scratch(op::conv2d, threads, x, w, bias, y, g), blocks = block_scratch<S>(x, g);
    const index_t apart = blocks > 0 ? 0 : bytes_of<T>(kernel::column_moments_scratch<T, Arch>(y.rows(), y.columns()));
    return blocks > 0 ? bytes_of<T>(blocks) + product : product < apart ? apart : product;
  }
  /// Moments of what is stored: of results that are rounded on their way to memory a pass of its own takes them.
  template <stored_value S, std::derived_from<conv2d_geometry> G, class T = master_t<S>>
  static void run(op::conv2d_moments_op, const simd_call& call, const input<S>& x, const master<S>& w, const master<S>& bias, const tensor_view<S>& y,
                  const tensor_view<T>& mean, const tensor_view<T>& m2, const G& g) {
    if (const index_t size = block_scratch<S>(x, g); size > 0 && x.extent(0) > 0) {
      kernel::finished<T> finish(bias.data);
      finish.moments = {call.scratch<T>(), g.out_c};
      kernel::conv2d_forward<T, Arch, Terms>(call.pool, g, x.extent(0), x.data, w.data, finish, y.data, call.scratch<T>() + size);
      kernel::merge_blocks<T, Arch>(kernel::forward_blocks<T, Arch, Terms>(g, x.extent(0)), finish.moments, mean.data, m2.data);
    } else {
      run(op::conv2d, call, x, w, bias, y, g);
      kernel::column_moments<T, Arch>(call.pool, y.rows(), y.columns(), as_const(y).data, mean.data, m2.data, call.scratch<T>());
    }
  }
  template <stored_value S, std::derived_from<conv2d_geometry> G, class T = master_t<S>>
  static index_t scratch(op::conv2d_input_gradient_op, int threads, const input<S>& dy, const master<S>&,
                         const tensor_view<S>&, const G& g) {
    return bytes_of<T>(kernel::conv2d_input_gradient_scratch<T, Arch, Terms, S>(threads, g, dy.extent(0)));
  }
  template <stored_value S, std::derived_from<conv2d_geometry> G, class T = master_t<S>>
  static void run(op::conv2d_input_gradient_op, const simd_call& call, const input<S>& dy, const master<S>& w, const tensor_view<S>& dx,
                  const G& g) {
    kernel::conv2d_input_gradient<T, Arch, Terms>(call.pool, g, dy.extent(0), dy.data, w.data, dx.data, false, call.scratch<T>());
  }
  template <lane_value T, stored_in<T> X, std::derived_from<conv2d_geometry> G>
  static index_t scratch(op::conv2d_weight_gradient_op, int threads, const tensor_view<X>& x, const stored_as<X>&,
                         const tensor_view<T>&, const G& g) {
    return bytes_of<T>(kernel::conv2d_weight_gradient_scratch<T, Arch, Terms>(threads, g, x.extent(0)));
  }
  template <lane_value T, stored_in<T> X, std::derived_from<conv2d_geometry> G>
  static void run(op::conv2d_weight_gradient_op, const simd_call& call, const tensor_view<X>& x, const stored_as<X>& dy, const tensor_view<T>& dw,
                  const G& g) {
    kernel::conv2d_weight_gradient<T, Arch, Terms>(call.pool, g, x.extent(0), stored_as<X>(x).data, dy.data, dw.data, call.scratch<T>());
  }

  template <stored_value S, class T = master_t<S>>
  static void run(op::max_pool2d_op, const simd_call& call, const input<S>& x, const tensor_view<S>& y,
                  const tensor_view<std::int32_t>& argmax, const pool2d_geometry& g) {
    // The kernel carries a pixel's number in a lane of T.
    expects(sizeof(T) > 4 || g.in_h * g.in_w < (index_t{1} << 24), "backend.102",
            "max_pool2d: a picture of 2^24 pixels or more needs double, or a smaller picture");
    kernel::max_pool2d_forward<T, Arch>(call.pool, g, x.extent(0), x.data, y.data, argmax.data);
  }
  template <stored_value S>
  static void run(op::max_pool2d_backward_op, const simd_call& call, const input<S>& dy, const tensor_view<const std::int32_t>& argmax,
                  const tensor_view<S>& dx, const pool2d_geometry& g) {
    kernel::max_pool2d_backward<master_t<S>, Arch>(call.pool, g, dy.extent(0), dy.data, argmax.data, dx.data, false);
  }
  template <stored_value S>
  static void run(op::avg_pool2d_op, const simd_call& call, const input<S>& x, const tensor_view<S>& y, const pool2d_geometry& g) {
    kernel::average_pool2d_forward<master_t<S>, Arch>(call.pool, g, x.extent(0), true, x.data, y.data);
  }
  template <lane_value T>
  static void run(op::avg_pool2d_backward_op, const simd_call& call, const input<T>& dy, const tensor_view<T>& dx,
                  const pool2d_geometry& g) {
    kernel::average_pool2d_backward<T, Arch>(call.pool, g, dy.extent(0), true, dy.data, dx.data, false);
  }
  template <stored_value S>
  static void run(op::spatial_mean_op, const simd_call& call, const input<S>& x, const tensor_view<S>& y) {
    const index_t pixels = y.size() == 0 ? 0 : x.size() / y.size();
    kernel::global_average_forward<master_t<S>, Arch>(call.pool, y.rows(), pixels, y.columns(), x.data, y.data);
  }
  template <stored_value S>
  static void run(op::spatial_mean_backward_op, const simd_call& call, const input<S>& dy, const tensor_view<S>& dx) {
    const index_t pixels = dy.size() == 0 ? 0 : dx.size() / dy.size();
    kernel::global_average_backward<master_t<S>, Arch>(call.pool, dy.rows(), pixels, dy.columns(), dy.data, dx.data, false);
  }
};

}  // namespace pretext::backend::detail
