// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>
#include <type_traits>

#include "gemm_tile.hpp"

namespace pretext::simd {

/// A left operand names a block of itself as `strided` rows, copying into `buffer` only where it must:
///   strided<T> block(i, rows, p, steps, buffer)
/// Rows up to the next multiple of the tile must be readable; the buffer holds round_up(rows, tile) * (steps + 16).
/// by_steps(): whether that buffer holds tiles step by step, element (i, p) of a tile at [p * tile + i], and not rows.
/// stored: how its elements lie in memory; what is stored in fewer digits is widened while it is copied.
/// A right operand writes panels of tile_shape::columns, zero beyond its end:
///   void panels(p, steps, j, columns, to)     panel c begins at to + c * tile_shape::columns * steps
/// and may have lines(): where its lines lie in memory as they are, so that tiles can copy them on their way.

template <class T>
struct source_lines {
  const T* data = nullptr;  // null: there are none
  index_t stride = 0;
};

/// Row tiles in a block of a left operand, at most.
template <class T, class Arch>
inline constexpr index_t most_tiles = 8;

template <class T, class Arch, class S>
inline void copy_run(const S* from, index_t n, T* to) {
  using O = vector_ops<T, Arch>;
  index_t i = 0;
  for (; i + O::width <= n; i += O::width) O::store(to + i, O::load(from + i));
  if (i < n) O::store_some(to + i, O::load_some(from + i, n - i), n - i);
}

/// Element (i, p) at data[i * row_stride + p * step_stride], one of the strides being 1.
template <class T, class Arch, class S = T>
struct dense_left {
  using stored = S;
  const S* data;
  index_t row_stride;
  index_t step_stride;
  bool in_place;

  bool by_steps() const { return step_stride != 1; }
  strided<T> block(index_t i, index_t rows, index_t p, index_t steps, T* buffer) const {
    constexpr index_t R = tile_shape<T, Arch>::rows;
    const S* from = data + i * row_stride + p * step_stride;
    if constexpr (std::is_same_v<S, T>)
      if (in_place && rows % R == 0) return {from, row_stride, step_stride, R * row_stride};
    const index_t padded = round_up(rows, R);
    if (step_stride == 1) {
      // A stride that is no power of two keeps the rows of a tile in different cache sets.
      const index_t stride = steps + 16;
      for (index_t r = 0; r < rows; ++r) {
        if constexpr (std::is_same_v<S, T>)
          std::memcpy(buffer + r * stride, from + r * row_stride, static_cast<std::size_t>(steps) * sizeof(T));
        else
          copy_run<T, Arch>(from + r * row_stride, steps, buffer + r * stride);
      }
      for (index_t r = rows; r < padded; ++r)
        std::memset(buffer + r * stride, 0, static_cast<std::size_t>(steps) * sizeof(T));
      return {buffer, stride, 1, R * stride};
    }
    // Tile by tile, so that a tile reads one run of memory.
    for (index_t s = 0; s < steps; ++s) {
      const T* line;
      alignas(64) T widened[std::is_same_v<S, T> ? 1 : most_tiles<T, Arch> * R];
      if constexpr (std::is_same_v<S, T>) {
        line = from + s * step_stride;
      } else {
        copy_run<T, Arch>(from + s * step_stride, rows, widened);
        line = widened;
      }
      T* to = buffer + s * R;
      index_t r = 0;
      for (; r + R <= rows; r += R, to += steps * R) std::memcpy(to, line + r, R * sizeof(T));
      if (r < rows) {
        for (index_t l = 0; l < R; ++l) to[l] = r + l < rows ? line[r + l] : T(0);
      }
    }
    return {buffer, 1, R, steps * R};
  }
};

/// Copies (steps x columns) of a row-major matrix into panels, row by row: the source is read in long runs.
template <class T, class Arch, class S>
void copy_panels(const S* from, index_t stride, index_t steps, index_t columns, T* to) {
  using O = vector_ops<T, Arch>;
  constexpr index_t C = tile_shape<T, Arch>::columns, W = O::width;
  const index_t whole = columns / C * C;
  for (index_t s = 0; s < steps; ++s) {
    const S* row = from + s * stride;
    // The next rows are too far apart for the hardware to guess.
    if (s + 4 < steps)
      for (index_t c = 0; c < columns; c += 64 / static_cast<index_t>(sizeof(S)))
        __builtin_prefetch(row + 4 * stride + c);
    for (index_t j = 0; j < whole; j += C)
      for (index_t v = 0; v < C; v += W) O::store(to + j * steps + s * C + v, O::load(row + j + v));
    if (whole < columns) {
      T* rest = to + whole * steps + s * C;
      for (index_t v = 0; v < C; v += W) {
        const index_t left = columns - whole - v;
        O::store(rest + v, left >= W ? O::load(row + whole + v) : O::load_some(row + whole + v, left > 0 ? left : 0));
      }
    }
  }
}

/// The same for a matrix stored transposed: column c of the panel is row c of `from`.
template <class T, class Arch, class S>
void transpose_panel(const S* from, index_t stride, index_t steps, index_t columns, T* to) {
  using O = vector_ops<T, Arch>;
  constexpr index_t C = tile_shape<T, Arch>::columns, W = O::width;
  for (index_t c = 0; c < C; c += W) {
    const index_t valid = columns - c < W ? columns - c : W;
    index_t s = 0;
    if (valid == W)
      for (; s + W <= steps; s += W) O::transpose(from + c * stride + s, stride, to + s * C + c, C);
    for (; s < steps; ++s) {
      for (index_t x = 0; x < valid; ++x) to[s * C + c + x] = from[(c + x) * stride + s];
      for (index_t x = valid < 0 ? 0 : valid; x < W; ++x) to[s * C + c + x] = T(0);
    }
  }
}

/// Element (p, j) at data[p * stride + j], or at data[j * stride + p] when transposed.
template <class T, class Arch, class S = T>
struct dense_right {
  using stored = S;
  const S* data;
  index_t stride;
  bool transposed;

  source_lines<T> lines() const
    requires std::is_same_v<S, T>
  {
    return transposed ? source_lines<T>{} : source_lines<T>{data, stride};
  }
  void panels(index_t p, index_t steps, index_t j, index_t columns, T* to) const {
    constexpr index_t C = tile_shape<T, Arch>::columns;
    if (!transposed) return copy_panels<T, Arch>(data + p * stride + j, stride, steps, columns, to);
    for (index_t c = 0; c < columns; c += C)
      transpose_panel<T, Arch>(data + (j + c) * stride + p, stride, steps, columns - c < C ? columns - c : C,
                               to + c * steps);
  }
};

}  // namespace pretext::simd
