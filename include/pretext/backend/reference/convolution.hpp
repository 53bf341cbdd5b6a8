// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "../ops/convolution.hpp"
#include "matrix.hpp"

namespace pretext::backend::detail {

struct reference_convolution {
  /// Calls f(input element, weight element, output element) for every product of the convolution.
  template <class F>
  static void for_each_product(index_t samples, const conv2d_geometry& g, F&& f) {
    const index_t ci = g.in_c / g.groups, co = g.out_c / g.groups;
    for (index_t b = 0; b < samples; ++b)
      for (index_t i = 0; i < g.out_h; ++i)
        for (index_t j = 0; j < g.out_w; ++j)
          for (index_t u = 0; u < g.kernel_h; ++u)
            for (index_t v = 0; v < g.kernel_w; ++v) {
              const index_t y = i * g.stride_h + u - g.pad_h, x = j * g.stride_w + v - g.pad_w;
              if (y < 0 || y >= g.in_h || x < 0 || x >= g.in_w) continue;
              for (index_t group = 0; group < g.groups; ++group)
                for (index_t c = 0; c < ci; ++c)
                  for (index_t o = 0; o < co; ++o)
                    f(((b * g.in_h + y) * g.in_w + x) * g.in_c + group * ci + c,
                      (((group * g.kernel_h + u) * g.kernel_w + v) * ci + c) * co + o,
                      ((b * g.out_h + i) * g.out_w + j) * g.out_c + group * co + o);
            }
  }
  template <class T, class M = master_t<T>>
  static void run(op::conv2d_op, workspace& memory, const auto& x, const auto& w, const auto& bias, tensor_view<T> y,
                  const conv2d_geometry& g) {
    in_master(memory, y, [&](tensor_view<M> sums) {
      for (index_t i = 0; i < sums.size(); ++i) sums[i] = bias ? bias[i % g.out_c] : M{};
      for_each_product(x.extent(0), g, [&](index_t in, index_t k, index_t out) { sums[out] += x[in] * w[k]; });
    });
  }
  template <class T, class M = master_t<T>>
  static void run(op::conv2d_input_gradient_op, workspace& memory, const auto& dy, const auto& w, tensor_view<T> dx,
                  const conv2d_geometry& g) {
    in_master(memory, dx, [&](tensor_view<M> sums) {
      for (M& v : sums) v = M{};
      for_each_product(dy.extent(0), g, [&](index_t in, index_t k, index_t out) { sums[in] += dy[out] * w[k]; });
    });
  }
  template <class F, class T, class M = master_t<T>>
  static void run(op::conv2d_map_op, workspace& memory, const F&, const auto& x, const auto& w, const auto& bias, tensor_view<T> y,
                  const conv2d_geometry& g) {
    in_master(memory, y, [&](tensor_view<M> sums) {
      run(op::conv2d, memory, x, w, bias, sums, g);
      for (M& v : sums) v = F::template value<scalar_math>(v);
    });
  }
  template <class T>
  static void run(op::conv2d_weight_gradient_op, workspace&, const auto& x, const auto& dy, tensor_view<T> dw,
                  const conv2d_geometry& g) {
    for_each_product(x.extent(0), g, [&](index_t in, index_t k, index_t out) { dw[k] += x[in] * dy[out]; });
  }

  /// Calls f(window number w, input element, plane index) for every element of every pooling window of channel c.
  template <class F>
  static void for_each_window(index_t samples, const pool2d_geometry& g, F&& f) {
    for (index_t b = 0; b < samples; ++b)
      for (index_t i = 0; i < g.out_h; ++i)
        for (index_t j = 0; j < g.out_w; ++j)
          for (index_t c = 0; c < g.channels; ++c)
            for (index_t u = 0; u < g.kernel_h; ++u)
              for (index_t v = 0; v < g.kernel_w; ++v) {
                const index_t y = i * g.stride_h + u - g.pad_h, x = j * g.stride_w + v - g.pad_w;
                if (y < 0 || y >= g.in_h || x < 0 || x >= g.in_w) continue;
                f(((b * g.out_h + i) * g.out_w + j) * g.channels + c,
                  ((b * g.in_h + y) * g.in_w + x) * g.channels + c, y * g.in_w + x);
              }
  }
  template <class T>
  static void run(op::max_pool2d_op, workspace&, input<T> x, tensor_view<T> y, tensor_view<std::int32_t> argmax,
                  const pool2d_geometry& g) {
    for (std::int32_t& a : argmax) a = -1;
    for_each_window(x.extent(0), g, [&](index_t out, index_t in, index_t plane) {
      if (argmax[out] < 0 || x[in] > y[out]) {
        y[out] = x[in];
        argmax[out] = static_cast<std::int32_t>(plane);
      }
    });
  }
  template <class T>
  static void run(op::max_pool2d_backward_op, workspace& memory, input<T> dy, tensor_view<const std::int32_t> argmax,
                  tensor_view<T> dx, const pool2d_geometry& g) {
    using M = master_t<T>;
    in_master(memory, dx, [&](tensor_view<M> sums) {
      for (M& v : sums) v = M{};
      const index_t per_sample = g.out_h * g.out_w * g.channels;
      for (index_t i = 0; i < dy.size(); ++i)
        sums[(i / per_sample * g.in_h * g.in_w + argmax[i]) * g.channels + i % g.channels] += dy[i];
    });
  }
  template <class T>
  static void run(op::avg_pool2d_op, workspace& memory, input<T> x, tensor_view<T> y, const pool2d_geometry& g) {
    using M = master_t<T>;
    in_master(memory, y, [&](tensor_view<M> sums) {
      for (M& v : sums) v = M{};
      const M share = M(1) / static_cast<M>(g.kernel_h * g.kernel_w);
      for_each_window(x.extent(0), g, [&](index_t out, index_t in, index_t) { sums[out] += share * x[in]; });
    });
  }
  template <class T>
  static void run(op::avg_pool2d_backward_op, workspace& memory, input<T> dy, tensor_view<T> dx, const pool2d_geometry& g) {
    using M = master_t<T>;
    in_master(memory, dx, [&](tensor_view<M> sums) {
      for (M& v : sums) v = M{};
      const M share = M(1) / static_cast<M>(g.kernel_h * g.kernel_w);
      for_each_window(dy.extent(0), g, [&](index_t out, index_t in, index_t) { sums[in] += share * dy[out]; });
    });
  }
  template <class T>
  static void run(op::spatial_mean_op, workspace&, input<T> x, tensor_view<T> y) {
    const index_t c = y.columns(), s = y.size() == 0 ? 0 : x.size() / y.size();
    for (index_t b = 0; b < y.rows(); ++b)
      for (index_t j = 0; j < c; ++j) {
        master_t<T> sum{};
        for (index_t p = 0; p < s; ++p) sum += x[(b * s + p) * c + j];
        y(b, j) = static_cast<T>(sum / static_cast<master_t<T>>(s));
      }
  }
  template <class T>
  static void run(op::spatial_mean_backward_op, workspace&, input<T> dy, tensor_view<T> dx) {
    const index_t c = dy.columns(), s = dy.size() == 0 ? 0 : dx.size() / dy.size();
    for (index_t i = 0; i < dx.size(); ++i) dx[i] = static_cast<T>(dy(i / (s * c), i % c) / static_cast<master_t<T>>(s));
  }
};

}  // namespace pretext::backend::detail
