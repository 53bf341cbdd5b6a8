// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "vector_ops.hpp"

/// Mean and squared deviations of a result's columns, taken while a kernel has the result in registers, so that no pass reads it
/// again. A kernel finishes blocks of rows, each by one worker; the cut follows from the sizes alone, and blocks are merged along a tree.
namespace pretext::simd {

/// Where blocks leave their sums, (blocks, 3, columns): an origin, and the sums of what their elements are off it and of the squares of
/// that. Nothing is asked for where data is null.
template <class T>
struct block_moments {
  T* data = nullptr;
  index_t columns = 0;

  explicit operator bool() const { return data != nullptr; }
  /// Of a block, from column j on.
  T* of(index_t block, index_t j = 0) const { return data + 3 * block * columns + j; }
  static index_t size(index_t blocks, index_t columns) { return 3 * blocks * columns; }
};

/// How a map's results (N, h, w) are cut: into tiles, in order, of which `together` make a block.
struct result_blocks {
  index_t h = 0, w = 0;            // of a map
  index_t tile_h = 1, tile_w = 1;
  index_t tiles = 0, together = 1;
  index_t most = 0;                // blocks, also of smaller batches

  index_t count() const { return ceil_div(tiles, together); }
  /// Results in front of block b, which may be count().
  index_t before(index_t b) const {
    const index_t t = b * together < tiles ? b * together : tiles, width = ceil_div(w, tile_w), height = ceil_div(h, tile_h);
    const index_t map = t / (height * width), y = tile_h * (t / width % height), x = tile_w * (t % width);
    return (map * h + y) * w + (h - y < tile_h ? h - y : tile_h) * x;
  }
};

/// The sums of one vector of columns in registers.
template <class T, class Arch>
struct moment_sums {
  using O = vector_ops<T, Arch>;
  vec<T, Arch> origin, sum, squares;

  /// Of a block that begins with x.
  explicit moment_sums(const vec<T, Arch>& x) : origin(x), sum(O::zero()), squares(O::zero()) {}
  /// Of a block that has begun.
  moment_sums(const T* from, index_t columns) : origin(O::load(from)), sum(O::load(from + columns)), squares(O::load(from + 2 * columns)) {}

  void add(const vec<T, Arch>& x) {
    const vec<T, Arch> d = x - origin;
    sum = sum + d;
    squares = O::fma(d, d, squares);
  }
  /// Moves the origin to the mean of the `count` elements so far. Done whenever their number has doubled, the difference in `squares`
  /// never cancels more than one bit: half of the elements are off an origin that is their own mean.
  void centre(index_t count) {
    const vec<T, Arch> off = sum * O::set(T(1) / static_cast<T>(count));
    origin = origin + off;
    squares = O::max(O::fnma(sum, off, squares), O::zero());
    sum = O::zero();
  }
  void store(T* to, index_t columns) const {
    O::store(to, origin);
    O::store(to + columns, sum);
    O::store(to + 2 * columns, squares);
  }
};

}  // namespace pretext::simd
