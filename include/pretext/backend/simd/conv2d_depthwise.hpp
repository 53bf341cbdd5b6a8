// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../core/thread_pool.hpp"
#include "../geometry.hpp"
#include "gemm_tile.hpp"
#include "partials.hpp"
#include "vector_ops.hpp"

/// Convolutions with one channel a group: a product would fill one lane of its tile, so vectors run over channels.
namespace pretext::simd {

constexpr bool is_depthwise(const conv2d_geometry& g) { return g.groups > 1 && g.in_c == g.groups && g.out_c == g.groups; }

namespace detail {

constexpr index_t depthwise_chunks(const conv2d_geometry& g, index_t batch) {
  const index_t rows = batch * g.out_h;
  return rows < 16 ? (rows < 1 ? 1 : rows) : 16;
}

/// Weights (channels, taps) to (taps, channels) and back.
template <class T>
void turn(const T* from, index_t rows, index_t columns, T* to) {
  for (index_t r = 0; r < rows; ++r)
    for (index_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
}

}  // namespace detail

template <class T, class Arch>
index_t depthwise_scratch(int, const conv2d_geometry& g, index_t batch) {
  return (detail::depthwise_chunks(g, batch) + 1) * g.taps() * g.in_c;
}

template <class T, class Arch, class S>
void depthwise_forward(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* x, const T* w,
                       const finished<T>& finish, S* y, T* scratch) {
  using O = vector_ops<T, Arch>;
  const index_t C = g.in_c;
  detail::turn(w, C, g.taps(), scratch);
  pool.parallel_for(batch * g.out_h, [&](index_t row) {
    const index_t n = row / g.out_h, oy = row % g.out_h;
    for (index_t ox = 0; ox < g.out_w; ++ox)
      for (index_t c = 0; c < C; c += O::width) {
        const index_t lanes_left = C - c < O::width ? C - c : O::width;
        auto sum = O::zero();
        for (index_t ky = 0; ky < g.kernel_h; ++ky) {
          const index_t iy = oy * g.stride_h - g.pad_h + ky;
          if (iy < 0 || iy >= g.in_h) continue;
          for (index_t kx = 0; kx < g.kernel_w; ++kx) {
            const index_t ix = ox * g.stride_w - g.pad_w + kx;
            if (ix < 0 || ix >= g.in_w) continue;
            const S* from = x + ((n * g.in_h + iy) * g.in_w + ix) * C + c;
            const T* weight = scratch + (ky * g.kernel_w + kx) * C + c;
            if (lanes_left == O::width)
              sum = O::fma(O::load(from), O::load(weight), sum);
            else
              sum = O::fma(O::load_some(from, lanes_left), O::load_some(weight, lanes_left), sum);
          }
        }
        if (finish.bias) sum = sum + O::load_some(finish.bias + c, lanes_left);
        O::store_some(y + (row * g.out_w + ox) * C + c, O::max(O::set(finish.least), sum), lanes_left);
      }
  });
}

template <class T, class Arch, class S>
void depthwise_input_gradient(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* dy, const T* w,
                              S* dx, bool accumulate, T* scratch) {
  using O = vector_ops<T, Arch>;
  const index_t C = g.in_c;
  detail::turn(w, C, g.taps(), scratch);
  pool.parallel_for(batch * g.in_h, [&](index_t row) {
    const index_t n = row / g.in_h, iy = row % g.in_h;
    for (index_t ix = 0; ix < g.in_w; ++ix)
      for (index_t c = 0; c < C; c += O::width) {
        const index_t lanes_left = C - c < O::width ? C - c : O::width;
        auto sum = O::zero();
        for (index_t ky = 0; ky < g.kernel_h; ++ky) {
          const index_t ry = iy + g.pad_h - ky, oy = ry / g.stride_h;
          if (ry < 0 || ry % g.stride_h != 0 || oy >= g.out_h) continue;
          for (index_t kx = 0; kx < g.kernel_w; ++kx) {
            const index_t rx = ix + g.pad_w - kx, ox = rx / g.stride_w;
            if (rx < 0 || rx % g.stride_w != 0 || ox >= g.out_w) continue;
            const S* from = dy + ((n * g.out_h + oy) * g.out_w + ox) * C + c;
            const T* weight = scratch + (ky * g.kernel_w + kx) * C + c;
            sum = O::fma(O::load_some(from, lanes_left), O::load_some(weight, lanes_left), sum);
          }
        }
        S* to = dx + (row * g.in_w + ix) * C + c;
        if (accumulate) sum = O::load_some(to, lanes_left) + sum;
        O::store_some(to, sum, lanes_left);
      }
  });
}

template <class T, class Arch, class S>
void depthwise_weight_gradient(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* x, const S* dy,
                               T* dw, T* scratch) {
  using O = vector_ops<T, Arch>;
  const index_t C = g.in_c, size = g.taps() * C, rows = batch * g.out_h;
  const index_t chunks = detail::depthwise_chunks(g, batch), chunk = ceil_div(rows, chunks);
  T* const partials = scratch;
  pool.parallel_for(chunks, [&](index_t part) {
    T* const into = partials + part * size;
    for (index_t i = 0; i < size; ++i) into[i] = T(0);
    for (index_t row = part * chunk; row < rows && row < (part + 1) * chunk; ++row) {
      const index_t n = row / g.out_h, oy = row % g.out_h;
      for (index_t ky = 0; ky < g.kernel_h; ++ky) {
        const index_t iy = oy * g.stride_h - g.pad_h + ky;
        if (iy < 0 || iy >= g.in_h) continue;
        for (index_t kx = 0; kx < g.kernel_w; ++kx)
          for (index_t c = 0; c < C; c += O::width) {
            const index_t lanes_left = C - c < O::width ? C - c : O::width;
            auto sum = O::zero();
            for (index_t ox = 0; ox < g.out_w; ++ox) {
              const index_t ix = ox * g.stride_w - g.pad_w + kx;
              if (ix < 0 || ix >= g.in_w) continue;
              sum = O::fma(O::load_some(x + ((n * g.in_h + iy) * g.in_w + ix) * C + c, lanes_left),
                           O::load_some(dy + (row * g.out_w + ox) * C + c, lanes_left), sum);
            }
            T* to = into + (ky * g.kernel_w + kx) * C + c;
            O::store_some(to, O::load_some(to, lanes_left) + sum, lanes_left);
          }
      }
    }
  });
  T* const total = scratch + chunks * size;
  for (index_t i = 0; i < size; ++i) total[i] = T(0);
  add_partials<T, Arch>(pool, chunks, size, partials, total);
  for (index_t tap = 0; tap < g.taps(); ++tap)
    for (index_t c = 0; c < C; ++c) dw[c * g.taps() + tap] += total[tap * C + c];
}

}  // namespace pretext::simd
