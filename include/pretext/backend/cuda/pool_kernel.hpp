// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include "../geometry.hpp"
#include "block.hpp"

/// Pooling: a thread a result, channels beside each other; backward gathers, so that every element has one writer.
namespace pretext::backend::blocks {

/// Where element (row, c) of an (N, H, W, C) map is, rows being (n, i, j).
struct pixel {
  index_t sample;
  int i, j;
};
PRETEXT_DEVICE pixel pixel_of(index_t row, int height, int width) {
  const auto r = static_cast<std::uint32_t>(row), w = static_cast<std::uint32_t>(width), h = static_cast<std::uint32_t>(height);
  return {r / w / h, static_cast<int>(r / w % h), static_cast<int>(r % w)};
}

/// A pooling window's sizes in 32 bits.
struct window {
  int in_h, in_w, channels, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;

  static window of(const pool2d_geometry& g) {
    const auto n = [](index_t v) { return static_cast<int>(v); };
    return {n(g.in_h),     n(g.in_w),     n(g.channels), n(g.out_h), n(g.out_w), n(g.kernel_h),
            n(g.kernel_w), n(g.stride_h), n(g.stride_w), n(g.pad_h), n(g.pad_w)};
  }
  /// Calls f(element of x, index in the plane) for what lies in window (i, j).
  template <class F>
  PRETEXT_DEVICE void each_inside(const pixel& at, index_t channel, const F& f) const {
    for (int u = 0; u < kernel_h; ++u)
      for (int v = 0; v < kernel_w; ++v) {
        const int y = at.i * stride_h + u - pad_h, x = at.j * stride_w + v - pad_w;
        if (y < 0 || y >= in_h || x < 0 || x >= in_w) continue;
        f(((at.sample * in_h + y) * in_w + x) * channels + channel, y * in_w + x);
      }
  }
  /// Calls f(element of y) for the windows in which pixel (i, j) lies, in order.
  template <class F>
  PRETEXT_DEVICE void each_window(const pixel& at, index_t channel, const F& f) const {
    const int top = at.i + pad_h - kernel_h + 1, left = at.j + pad_w - kernel_w + 1;
    const int i0 = top <= 0 ? 0 : (top + stride_h - 1) / stride_h, j0 = left <= 0 ? 0 : (left + stride_w - 1) / stride_w;
    for (int i = i0; i < out_h && i * stride_h <= at.i + pad_h; ++i)
      for (int j = j0; j < out_w && j * stride_w <= at.j + pad_w; ++j) f(((at.sample * out_h + i) * out_w + j) * channels + channel);
  }
};

template <class T>
struct max_pool_body {
  window w;
  const T* x;
  T* y;
  std::int32_t* argmax;
  PRETEXT_DEVICE void operator()(index_t row, index_t c) const {
    T best = T(0);
    std::int32_t where = -1;
    w.each_inside(pixel_of(row, w.out_h, w.out_w), c, [&](index_t in, int plane) {
      if (where < 0 || x[in] > best) {
        best = x[in];
        where = plane;
      }
    });
    if (where >= 0) y[row * w.channels + c] = best;
    argmax[row * w.channels + c] = where;
  }
};
template <class T>
struct max_pool_backward_body {
  window w;
  const T* dy;
  const std::int32_t* argmax;
  T* dx;
  PRETEXT_DEVICE void operator()(index_t row, index_t c) const {
    const pixel at = pixel_of(row, w.in_h, w.in_w);
    const std::int32_t plane = at.i * w.in_w + at.j;
    T sum = T(0);
    w.each_window(at, c, [&](index_t out) {
      if (argmax[out] == plane) sum += dy[out];
    });
    dx[row * w.channels + c] = sum;
  }
};
template <class T>
struct avg_pool_body {
  window w;
  const T* x;
  T* y;
  T share;
  PRETEXT_DEVICE void operator()(index_t row, index_t c) const {
    T sum = T(0);
    w.each_inside(pixel_of(row, w.out_h, w.out_w), c, [&](index_t in, int) { sum += share * x[in]; });
    y[row * w.channels + c] = sum;
  }
};
template <class T>
struct avg_pool_backward_body {
  window w;
  const T* dy;
  T* dx;
  T share;
  PRETEXT_DEVICE void operator()(index_t row, index_t c) const {
    T sum = T(0);
    w.each_window(pixel_of(row, w.in_h, w.in_w), c, [&](index_t out) { sum += share * dy[out]; });
    dx[row * w.channels + c] = sum;
  }
};
/// dx(b, s, c) = dy(b, c) / S; row = b S + s
template <class T>
struct spatial_mean_backward_body {
  const T* dy;
  T* dx;
  std::uint32_t positions;
  index_t channels;
  PRETEXT_DEVICE void operator()(index_t row, index_t c) const {
    dx[row * channels + c] = dy[static_cast<std::uint32_t>(row) / positions * channels + c] / static_cast<T>(positions);
  }
};

}  // namespace pretext::backend::blocks
