// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>

#include "../../core/thread_pool.hpp"
#include "../geometry.hpp"
#include "elementwise.hpp"

/// Windows over (N, H, W, C) maps; vectors run over channels.
namespace pretext::simd {

/// y = the greatest of each window; argmax = its pixel in the input map (y * in_w + x), the first of equals. A NaN wins.
/// limits  in_h * in_w < 2^24 for float: the pixel travels in a lane of T
template <class T, class Arch, class S>
void max_pool2d_forward(thread_pool& pool, const pool2d_geometry& g, index_t batch, const S* x, S* y,
                        std::int32_t* argmax) {
  using O = vector_ops<T, Arch>;
  const index_t C = g.channels;
  pool.parallel_for(batch * g.out_h, [&](index_t row) {
    const index_t n = row / g.out_h, oy = row % g.out_h;
    const S* image = x + n * g.in_h * g.in_w * C;
    const index_t y0 = oy * g.stride_h - g.pad_h;
    const index_t ky0 = y0 < 0 ? -y0 : 0, ky1 = g.in_h - y0 < g.kernel_h ? g.in_h - y0 : g.kernel_h;
    for (index_t ox = 0; ox < g.out_w; ++ox) {
      const index_t x0 = ox * g.stride_w - g.pad_w;
      const index_t kx0 = x0 < 0 ? -x0 : 0, kx1 = g.in_w - x0 < g.kernel_w ? g.in_w - x0 : g.kernel_w;
      const index_t to = (row * g.out_w + ox) * C;
      for (index_t c = 0; c < C; c += O::width) {
        const index_t lanes_left = C - c < O::width ? C - c : O::width;
        auto best = O::set(-std::numeric_limits<T>::infinity());
        auto where = O::set(static_cast<T>((y0 + ky0) * g.in_w + x0 + kx0));
        for (index_t ky = ky0; ky < ky1; ++ky)
          for (index_t kx = kx0; kx < kx1; ++kx) {
            const index_t pixel = (y0 + ky) * g.in_w + x0 + kx;
            const auto v = O::load_some(image + pixel * C + c, lanes_left);
            const auto wins = (v > best) | xsimd::isnan(v);  // xsimd's != is false for NaN with AVX-512
            best = O::select(wins, v, best);
            where = O::select(wins, O::set(static_cast<T>(pixel)), where);
          }
        O::store_some(y + to + c, best, lanes_left);
        if (argmax != nullptr) {
          alignas(64) T index[O::width];
          O::store(index, where);
          for (index_t l = 0; l < lanes_left; ++l) argmax[to + c + l] = static_cast<std::int32_t>(index[l]);
        }
      }
    }
  });
}

namespace detail {

/// The same for windows that overlap and maps stored in fewer digits: each pixel looks for the windows it has won, in their
/// order, and its sum is rounded once.
template <class T, class Arch, class S>
void max_pool2d_gather(thread_pool& pool, const pool2d_geometry& g, index_t batch, const S* dy, const std::int32_t* argmax, S* dx,
                       bool accumulate) {
  constexpr index_t width = 64;
  const index_t C = g.channels;
  const auto first_of = [](index_t at, index_t kernel, index_t stride) { return at < kernel ? 0 : (at - kernel) / stride + 1; };
  pool.parallel_for(batch * g.in_h, [&](index_t row) {
    const index_t n = row / g.in_h, y = row % g.in_h, below = y + g.pad_h;
    const index_t y0 = first_of(below, g.kernel_h, g.stride_h), y1 = below / g.stride_h + 1 < g.out_h ? below / g.stride_h + 1 : g.out_h;
    for (index_t x = 0; x < g.in_w; ++x) {
      const index_t beside = x + g.pad_w, pixel = y * g.in_w + x;
      const index_t x0 = first_of(beside, g.kernel_w, g.stride_w), x1 = beside / g.stride_w + 1 < g.out_w ? beside / g.stride_w + 1 : g.out_w;
      S* const to = dx + (row * g.in_w + x) * C;
      for (index_t c0 = 0; c0 < C; c0 += width) {
        const index_t lanes_left = C - c0 < width ? C - c0 : width;
        T sum[width] = {};
        if (accumulate)
          for (index_t c = 0; c < lanes_left; ++c) sum[c] = to[c0 + c];
        for (index_t oy = y0; oy < y1; ++oy)
          for (index_t ox = x0; ox < x1; ++ox) {
            const index_t from = ((n * g.out_h + oy) * g.out_w + ox) * C + c0;
            for (index_t c = 0; c < lanes_left; ++c) sum[c] += argmax[from + c] == pixel ? static_cast<T>(dy[from + c]) : T(0);
          }
        for (index_t c = 0; c < lanes_left; ++c) to[c0 + c] = static_cast<S>(sum[c]);
      }
    }
  });
}

}  // namespace detail

/// dx = or += dy at the winners. Each sample and group of 64 channels belongs to one thread, so overlapping windows add in
/// a fixed order.
template <class T, class Arch, class S>
void max_pool2d_backward(thread_pool& pool, const pool2d_geometry& g, index_t batch, const S* dy,
                         const std::int32_t* argmax, S* dx, bool accumulate) {
  if constexpr (!std::is_same_v<S, T>)
    if (g.stride_h < g.kernel_h || g.stride_w < g.kernel_w)
      return detail::max_pool2d_gather<T, Arch>(pool, g, batch, dy, argmax, dx, accumulate);
  constexpr index_t width = 64;
  const index_t C = g.channels, blocks = ceil_div(C, width), in = g.in_h * g.in_w, out = g.out_h * g.out_w;
  pool.parallel_for(batch * blocks, [&](index_t task) {
    const index_t n = task / blocks, c0 = task % blocks * width, c1 = c0 + width < C ? c0 + width : C;
    S* map = dx + n * in * C;
    if (!accumulate)
      for (index_t p = 0; p < in; ++p)
        for (index_t c = c0; c < c1; ++c) map[p * C + c] = S(0);
    for (index_t p = 0; p < out; ++p) {
      const index_t from = (n * out + p) * C;
      for (index_t c = c0; c < c1; ++c) {
        S& to = map[argmax[from + c] * C + c];
        to = static_cast<S>(to + dy[from + c]);
      }
    }
  });
}

namespace detail {

/// Pixels a window averages over, given the input pixels it covers.
constexpr index_t average_count(const pool2d_geometry& g, index_t covered, bool count_padding) {
  return count_padding ? g.kernel_h * g.kernel_w : covered;
}

}  // namespace detail

/// y = the mean of each window, over the pixels inside the map, or over the whole kernel with `count_padding`.
template <class T, class Arch, class S>
void average_pool2d_forward(thread_pool& pool, const pool2d_geometry& g, index_t batch, bool count_padding, const S* x,
                            S* y) {
  using O = vector_ops<T, Arch>;
  const index_t C = g.channels;
  pool.parallel_for(batch * g.out_h, [&](index_t row) {
    const index_t n = row / g.out_h, oy = row % g.out_h;
    const S* image = x + n * g.in_h * g.in_w * C;
    const index_t y0 = oy * g.stride_h - g.pad_h;
    const index_t ky0 = y0 < 0 ? -y0 : 0, ky1 = g.in_h - y0 < g.kernel_h ? g.in_h - y0 : g.kernel_h;
    for (index_t ox = 0; ox < g.out_w; ++ox) {
      const index_t x0 = ox * g.stride_w - g.pad_w;
      const index_t kx0 = x0 < 0 ? -x0 : 0, kx1 = g.in_w - x0 < g.kernel_w ? g.in_w - x0 : g.kernel_w;
      const index_t covered = (ky1 > ky0 ? ky1 - ky0 : 0) * (kx1 > kx0 ? kx1 - kx0 : 0);
      const index_t count = detail::average_count(g, covered, count_padding);
      const auto share = O::set(count > 0 ? T(1) / static_cast<T>(count) : T(0));
      for (index_t c = 0; c < C; c += O::width) {
        const index_t lanes_left = C - c < O::width ? C - c : O::width;
        auto sum = O::zero();
        for (index_t ky = ky0; ky < ky1; ++ky)
          for (index_t kx = kx0; kx < kx1; ++kx)
            sum = sum + O::load_some(image + ((y0 + ky) * g.in_w + x0 + kx) * C + c, lanes_left);
        O::store_some(y + (row * g.out_w + ox) * C + c, sum * share, lanes_left);
      }
    }
  });
}

/// dx = or += the share of dy each window sends to each of its pixels. A sample belongs to one thread.
template <class T, class Arch>
void average_pool2d_backward(thread_pool& pool, const pool2d_geometry& g, index_t batch, bool count_padding, const T* dy,
                             T* dx, bool accumulate) {
  using O = vector_ops<T, Arch>;
  const index_t C = g.channels, in = g.in_h * g.in_w * C;
  pool.parallel_for(batch, [&](index_t n) {
    T* map = dx + n * in;
    if (!accumulate) map_run<T, Arch>(in, map, false, [] { return O::zero(); });
    for (index_t oy = 0; oy < g.out_h; ++oy)
      for (index_t ox = 0; ox < g.out_w; ++ox) {
        const index_t y0 = oy * g.stride_h - g.pad_h, x0 = ox * g.stride_w - g.pad_w;
        const index_t ky0 = y0 < 0 ? -y0 : 0, ky1 = g.in_h - y0 < g.kernel_h ? g.in_h - y0 : g.kernel_h;
        const index_t kx0 = x0 < 0 ? -x0 : 0, kx1 = g.in_w - x0 < g.kernel_w ? g.in_w - x0 : g.kernel_w;
        const index_t covered = (ky1 > ky0 ? ky1 - ky0 : 0) * (kx1 > kx0 ? kx1 - kx0 : 0);
        if (covered == 0) continue;
        const auto share = O::set(T(1) / static_cast<T>(detail::average_count(g, covered, count_padding)));
        const T* from = dy + ((n * g.out_h + oy) * g.out_w + ox) * C;
        for (index_t ky = ky0; ky < ky1; ++ky)
          for (index_t kx = kx0; kx < kx1; ++kx)
            map_run<T, Arch>(C, map + ((y0 + ky) * g.in_w + x0 + kx) * C, true,
                             [&](const vec<T, Arch>& d) { return d * share; }, from);
      }
  });
}

/// y (N, C) = the mean of each channel over the map, added up in blocks of 64 pixels.
template <class T, class Arch, class S>
void global_average_forward(thread_pool& pool, index_t batch, index_t pixels, index_t channels, const S* x, S* y) {
  using O = vector_ops<T, Arch>;
  const T share = pixels > 0 ? T(1) / static_cast<T>(pixels) : T(0);
  pool.parallel_for(batch, [&](index_t n) {
    const S* map = x + n * pixels * channels;
    for (index_t c = 0; c < channels; c += O::width) {
      const index_t lanes_left = channels - c < O::width ? channels - c : O::width;
      auto total = O::zero();
      for (index_t b = 0; b < pixels; b += 64) {
        auto sum = O::zero();
        for (index_t p = b; p < pixels && p < b + 64; ++p) sum = sum + O::load_some(map + p * channels + c, lanes_left);
        total = total + sum;
      }
      O::store_some(y + n * channels + c, total * O::set(share), lanes_left);
    }
  });
}

/// dx (N, pixels, C) = or += dy (N, C) / pixels.
template <class T, class Arch, class S>
void global_average_backward(thread_pool& pool, index_t batch, index_t pixels, index_t channels, const S* dy, S* dx,
                             bool accumulate) {
  using O = vector_ops<T, Arch>;
  const auto share = O::set(pixels > 0 ? T(1) / static_cast<T>(pixels) : T(0));
  pool.parallel_for(batch, [&](index_t n) {
    for (index_t p = 0; p < pixels; ++p)
      map_run<T, Arch>(channels, dx + (n * pixels + p) * channels, accumulate,
                       [&](const vec<T, Arch>& d) { return d * share; }, dy + n * channels);
  });
}

}  // namespace pretext::simd
