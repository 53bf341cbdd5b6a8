// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>

#include "../geometry.hpp"
#include "gemm_operands.hpp"

namespace pretext::simd {

template <class T, class Arch>
inline void zero_run(index_t n, T* to) {
  using O = vector_ops<T, Arch>;
  index_t i = 0;
  for (; i + O::width <= n; i += O::width) O::store(to + i, O::zero());
  for (; i < n; ++i) to[i] = T(0);
}

/// Walks pixel numbers (n, y, x) in order without dividing at each.
struct pixel_walk {
  index_t h, w;
  index_t n, y, x;
  pixel_walk(index_t number, index_t height, index_t width)
      : h(height), w(width), n(number / (height * width)), y(number / width % height), x(number % width) {}
  void next() {
    if (++x < w) return;
    x = 0;
    if (++y < h) return;
    y = 0;
    ++n;
  }
};

/// The patches of one group: patch i is what output pixel i sees, in the order of the weights' rows.
template <class T, class Arch, class S = T>
struct conv_patches {
  using stored = S;
  const S* x;
  conv2d_geometry g;
  index_t group;

  /// Whether a patch is one pixel of the map.
  bool is_pixel() const { return g.taps() == 1 && g.groups == 1 && g.pad_h == 0 && g.pad_w == 0; }
  const S* pixel(const pixel_walk& at) const {
    return x + ((at.n * g.in_h + at.y * g.stride_h) * g.in_w + at.x * g.stride_w) * g.in_c;
  }

  /// Elements [p, p + count) of the patch of one output pixel.
  void copy(const pixel_walk& at, index_t p, index_t count, T* to) const {
    if (is_pixel()) return copy_run<T, Arch>(pixel(at) + p, count, to);
    // A row of the kernel, or with groups a tap of it, is one run of memory, cut where it leaves the map.
    const bool whole = g.groups == 1;
    const index_t depth = g.group_in(), run = whole ? g.kernel_w * depth : depth, limit = g.in_w * depth;
    const S* image = x + at.n * g.in_h * g.in_w * g.in_c + group * depth;
    index_t which = p / run, offset = p % run;
    while (count > 0) {
      const index_t length = count < run - offset ? count : run - offset;
      const index_t row = whole ? which : which / g.kernel_w, yy = at.y * g.stride_h - g.pad_h + row;
      const index_t xx = at.x * g.stride_w - g.pad_w + (whole ? 0 : which - row * g.kernel_w);
      // What of the run lies in the map: [low, high).
      const index_t begin = xx * depth + offset, end = begin + length;
      const index_t low = begin < 0 ? -begin : 0, high = yy < 0 || yy >= g.in_h ? 0 : end > limit ? limit - begin : length;
      if (low >= high) {
        zero_run<T, Arch>(length, to);
      } else {
        if (low > 0) zero_run<T, Arch>(low, to);
        copy_run<T, Arch>(image + (yy * g.in_w + xx) * g.in_c + offset + low, high - low, to + low);
        if (high < length) zero_run<T, Arch>(length - high, to + high);
      }
      to += length;
      count -= length;
      offset = 0;
      ++which;
    }
  }

  static constexpr bool by_steps() { return false; }
  /// Left operand of the forward product: (pixels, patch).
  strided<T> block(index_t i, index_t rows, index_t p, index_t steps, T* buffer) const {
    const index_t padded = round_up(rows, tile_shape<T, Arch>::rows), stride = steps + 16;
    pixel_walk at(i, g.out_h, g.out_w);
    for (index_t r = 0; r < rows; ++r, at.next()) copy(at, p, steps, buffer + r * stride);
    for (index_t r = rows; r < padded; ++r) zero_run<T, Arch>(steps, buffer + r * stride);
    return {buffer, stride, 1, tile_shape<T, Arch>::rows * stride};
  }
};

/// Left operand of the weight gradient: (patch, pixels).
template <class T, class Arch, class S = T>
struct conv_patches_transposed {
  using stored = S;
  conv_patches<T, Arch, S> patches;

  static constexpr bool by_steps() { return true; }
  strided<T> block(index_t i, index_t rows, index_t p, index_t steps, T* buffer) const {
    constexpr index_t R = tile_shape<T, Arch>::rows;
    alignas(64) T line[most_tiles<T, Arch> * R];
    const index_t padded = round_up(rows, R);
    pixel_walk at(p, patches.g.out_h, patches.g.out_w);
    if (rows < padded) zero_run<T, Arch>(padded - rows, line + rows);
    const bool in_place = std::is_same_v<S, T> && rows == padded && patches.is_pixel();
    // Tile by tile, so that a tile reads one run of memory.
    for (index_t s = 0; s < steps; ++s, at.next()) {
      const T* from = line;
      if constexpr (std::is_same_v<S, T>)
        if (in_place) from = patches.pixel(at) + i;
      if (!in_place) patches.copy(at, i, rows, line);
      T* to = buffer + s * R;
      for (index_t r = 0; r < padded; r += R, to += steps * R) std::memcpy(to, from + r, R * sizeof(T));
    }
    return {buffer, 1, R, steps * R};
  }
};

/// The input pixels whose coordinates leave the same remainders by the stride. They see the same kernel taps, so their
/// gradient is one dense product; for stride 1 there is one class and it has all taps.
struct stride_class {
  index_t remainder_y, remainder_x;  // of the input coordinates
  index_t first_y, first_x;          // lowest kernel row and column that reach such a pixel
  index_t taps_y, taps_x;
  index_t height, width;             // pixels of the class in a map
  index_t shift_y, shift_x;          // output coordinate under the first tap = class coordinate + shift

  stride_class(const conv2d_geometry& g, index_t ry, index_t rx) : remainder_y(ry), remainder_x(rx) {
    first_y = (ry + g.pad_h) % g.stride_h;
    first_x = (rx + g.pad_w) % g.stride_w;
    taps_y = first_y < g.kernel_h ? (g.kernel_h - 1 - first_y) / g.stride_h + 1 : 0;
    taps_x = first_x < g.kernel_w ? (g.kernel_w - 1 - first_x) / g.stride_w + 1 : 0;
    height = ceil_div(g.in_h - ry, g.stride_h);
    width = ceil_div(g.in_w - rx, g.stride_w);
    shift_y = (ry + g.pad_h - first_y) / g.stride_h;
    shift_x = (rx + g.pad_w - first_x) / g.stride_w;
  }
};

/// Left operand of the input gradient: (pixels of a class, (taps, output channels)).
template <class T, class Arch, class S = T>
struct conv_gradient_patches {
  using stored = S;
  const S* dy;
  conv2d_geometry g;
  index_t group;
  stride_class c;

  static constexpr bool by_steps() { return false; }
  strided<T> block(index_t i, index_t rows, index_t p, index_t steps, T* buffer) const {
    const index_t padded = round_up(rows, tile_shape<T, Arch>::rows), stride = steps + 16, depth = g.group_out();
    pixel_walk at(i, c.height, c.width);
    for (index_t r = 0; r < rows; ++r, at.next()) {
      T* to = buffer + r * stride;
      const S* image = dy + at.n * g.out_h * g.out_w * g.out_c + group * depth;
      const index_t y0 = at.y + c.shift_y, x0 = at.x + c.shift_x;
      index_t left = steps, tap = depth > 0 ? p / depth : 0, offset = p - tap * depth;
      index_t ty = c.taps_x > 0 ? tap / c.taps_x : 0, tx = tap - ty * c.taps_x;
      while (left > 0) {
        const index_t length = left < depth - offset ? left : depth - offset;
        const index_t y = y0 - ty, x = x0 - tx;
        if (y < 0 || y >= g.out_h || x < 0 || x >= g.out_w)
          zero_run<T, Arch>(length, to);
        else
          copy_run<T, Arch>(image + (y * g.out_w + x) * g.out_c + offset, length, to);
        to += length;
        left -= length;
        offset = 0;
        if (++tx == c.taps_x) {
          tx = 0;
          ++ty;
        }
      }
    }
    for (index_t r = rows; r < padded; ++r) zero_run<T, Arch>(steps, buffer + r * stride);
    return {buffer, stride, 1, tile_shape<T, Arch>::rows * stride};
  }
};

/// Right operand of the input gradient: weights of one group stored [tap][output channel][input channel], of which a
/// class uses some taps.
template <class T, class Arch>
struct conv_gradient_weights {
  using stored = T;
  const T* w;
  conv2d_geometry g;
  stride_class c;

  void panels(index_t p, index_t steps, index_t j, index_t columns, T* to) const {
    constexpr index_t C = tile_shape<T, Arch>::columns;
    const index_t depth = g.group_out(), width = g.group_in();
    index_t done = 0;
    while (done < steps) {
      const index_t tap = (p + done) / depth, offset = (p + done) % depth;
      const index_t length = steps - done < depth - offset ? steps - done : depth - offset;
      const index_t ky = c.first_y + tap / c.taps_x * g.stride_h, kx = c.first_x + tap % c.taps_x * g.stride_w;
      const T* from = w + ((ky * g.kernel_w + kx) * depth + offset) * width + j;
      for (index_t col = 0; col < columns; col += C)
        copy_panels<T, Arch>(from + col, width, length, columns - col < C ? columns - col : C,
                             to + col * steps + done * C);
      done += length;
    }
  }
};

/// Result rows of the input gradient: the pixels of a class, `dx` being at the group's first channel.
template <class T>
result_rows<T> class_rows(T* dx, const conv2d_geometry& g, const stride_class& c) {
  if (g.stride_h == 1 && g.stride_w == 1) return {dx, g.in_c};
  const index_t line = g.in_w * g.in_c;
  return {dx + c.remainder_y * line + c.remainder_x * g.in_c, g.stride_w * g.in_c, 0, c.width, c.height, g.stride_h * line,
          g.in_h * line};
}

}  // namespace pretext::simd
