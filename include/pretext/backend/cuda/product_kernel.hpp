// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include <algorithm>

#include "block.hpp"
#include "list_kernel.hpp"

namespace pretext::backend::blocks {

/// An operand of a product: element (place, step) of a group, by
///   line_type           of line
///   line(group, i)      what is known of row i (of the left one) or column i (of the right one)
///   step(group, p)      what is known of step p of the sum
///   at(line, step)
///   along_steps         whether neighbours in memory are steps: then neighbouring threads load steps, else lines
/// This one is a matrix in memory, transposed or not.
template <class T>
struct strided {
  using line_type = index_t;
  const T* data;
  index_t line_stride, step_stride, group_stride;
  bool along_steps;

  PRETEXT_DEVICE index_t line(index_t group, index_t i) const { return group * group_stride + i * line_stride; }
  PRETEXT_DEVICE index_t step(index_t, index_t p) const { return p * step_stride; }
  PRETEXT_DEVICE T at(index_t l, index_t s) const { return data[l + s]; }

  static strided lines(const T* data, index_t stride, index_t group_stride = 0) { return {data, stride, 1, group_stride, true}; }
  static strided steps(const T* data, index_t stride, index_t group_stride = 0) { return {data, 1, stride, group_stride, false}; }
};

/// Where a product goes: c(i, j) (+)= sum + bias(j).
template <class T>
struct product_output {
  T* c;
  index_t row_stride, group_stride;
  const T* bias;          // null: none; groups one after the other
  bool accumulate;
  PRETEXT_DEVICE void operator()(index_t group, index_t i, index_t j, index_t columns, const T& sum) const {
    T& y = c[group * group_stride + i * row_stride + j];
    const T with = bias != nullptr ? sum + bias[group * columns + j] : sum;
    y = accumulate ? y + with : with;
  }
};

/// How a product is cut: 64 x 64 results a block, the sum in chunks where there are too few blocks otherwise and the op allows it.
struct product_grid {
  static constexpr int tile = 64;
  index_t rows, columns, steps, groups;
  index_t steps_a_chunk;
  std::uint32_t tiles_down, tiles_across, chunks, most_chunks;

  index_t blocks() const { return groups * chunks * tiles_down * tiles_across; }
  static product_grid over(index_t rows, index_t columns, index_t steps, index_t groups, bool may_cut_sum) {
    product_grid g{rows, columns, steps, groups, std::max<index_t>(steps, 1), 0, 0, 1, 1};
    g.tiles_down = static_cast<std::uint32_t>(ceil_div(rows, tile));
    g.tiles_across = static_cast<std::uint32_t>(ceil_div(columns, tile));
    if (may_cut_sum) {
      const index_t tiles = std::max<index_t>(index_t{g.tiles_down} * g.tiles_across * groups, 1);
      const index_t wanted = std::max<index_t>(std::min(ceil_div(index_t{512}, tiles), ceil_div(steps, index_t{1024})), 1);
      g.most_chunks = static_cast<std::uint32_t>(wanted);
      g.steps_a_chunk = round_up(ceil_div(std::max<index_t>(steps, 1), wanted), 16);
      g.chunks = static_cast<std::uint32_t>(std::max<index_t>(ceil_div(steps, g.steps_a_chunk), 1));
    }
    return g;
  }
  /// Elements of scratch for the chunks. By their bound, which never falls where `steps` grows, as the number itself may.
  index_t parts() const { return most_chunks > 1 ? index_t{most_chunks} * groups * rows * columns : 0; }
};

/// c = left right for every group, through shared memory, 4 x 4 results a thread. The chain of a result's sum depends on its length alone.
template <class T, class Left, class Right>
struct product_kernel {
  static constexpr int threads = 256, tile = product_grid::tile, depth = 16, own = 4;
  static constexpr int loads = tile * depth / threads;
  struct shared {
    alignas(16) T left[depth][tile + 4];  // 4 more: rows stay aligned and lie in other banks
    alignas(16) T right[depth][tile + 4];
  };
  struct state {
    T sum[own][own];
    typename Left::line_type left[loads];
    typename Right::line_type right[loads];
  };

  Left left;
  Right right;
  product_output<T> out;
  product_grid grid;
  T* parts;  // (chunks, groups, rows, columns), or null

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    std::uint32_t n = static_cast<std::uint32_t>(block.number);
    const index_t j0 = static_cast<index_t>(n % grid.tiles_across) * tile;
    n /= grid.tiles_across;
    const index_t i0 = static_cast<index_t>(n % grid.tiles_down) * tile;
    n /= grid.tiles_down;
    const index_t chunk = n % grid.chunks, group = n / grid.chunks;
    const index_t first = chunk * grid.steps_a_chunk, stop = first + grid.steps_a_chunk, last = stop < grid.steps ? stop : grid.steps;

    block.alone([&](int t, state& own_state) {
      PRETEXT_UNROLL
      for (int i = 0; i < own; ++i)
        PRETEXT_UNROLL
        for (int j = 0; j < own; ++j) own_state.sum[i][j] = T(0);
      lines(left, group, t, i0, grid.rows, own_state.left);
      lines(right, group, t, j0, grid.columns, own_state.right);
    });
    for (index_t p = first; p < last; p += depth) {
      block.each([&](int t, state& own_state, shared& s) {
        fetch(left, group, t, i0, grid.rows, p, last, own_state.left, s.left);
        fetch(right, group, t, j0, grid.columns, p, last, own_state.right, s.right);
      });
      block.each([&](int t, state& own_state, shared& s) {
        const int i = t / 16 * own, j = t % 16 * own;
        PRETEXT_UNROLL
        for (int d = 0; d < depth; ++d) {
          T a[own], b[own];
          read(&s.left[d][i], a);
          read(&s.right[d][j], b);
          PRETEXT_UNROLL
          for (int r = 0; r < own; ++r)
            PRETEXT_UNROLL
            for (int c = 0; c < own; ++c) own_state.sum[r][c] += a[r] * b[c];
        }
      });
    }
    block.alone([&](int t, state& own_state) {
      PRETEXT_UNROLL
      for (int r = 0; r < own; ++r)
        PRETEXT_UNROLL
        for (int c = 0; c < own; ++c) {
          const index_t i = i0 + t / 16 * own + r, j = j0 + t % 16 * own + c;
          if (i >= grid.rows || j >= grid.columns) continue;
          if (parts == nullptr)
            out(group, i, j, grid.columns, own_state.sum[r][c]);
          else
            parts[((chunk * grid.groups + group) * grid.rows + i) * grid.columns + j] = own_state.sum[r][c];
        }
    });
  }

 private:
  static PRETEXT_DEVICE void read(const T* from, T (&v)[own]) {
    constexpr int W = pack_size<T> < own ? pack_size<T> : own;
    PRETEXT_UNROLL
    for (int k = 0; k < own; k += W) {
      T some[W];
      load<W>(from + k, some);
      PRETEXT_UNROLL
      for (int e = 0; e < W; ++e) v[k + e] = some[e];
    }
  }
  // A thread loads `loads` elements: of one step and lines 16 apart, or of one line and steps 4 apart.
  template <class O, class L>
  static PRETEXT_DEVICE void lines(const O& o, index_t group, int t, index_t from, index_t count, L (&line)[loads]) {
    PRETEXT_UNROLL
    for (int q = 0; q < loads; ++q) {
      const index_t i = from + (o.along_steps ? t / depth + q * (threads / depth) : t % tile);
      line[q] = o.line(group, i < count ? i : count - 1);
    }
  }
  template <class O, class L>
  static PRETEXT_DEVICE void fetch(const O& o, index_t group, int t, index_t from, index_t count, index_t p, index_t last, const L (&line)[loads],
                                   T (&to)[depth][tile + 4]) {
    if (o.along_steps) {
      const int d = t % depth;
      const bool inside = p + d < last;
      const auto step = o.step(group, inside ? p + d : last - 1);
      PRETEXT_UNROLL
      for (int q = 0; q < loads; ++q) {
        const int i = t / depth + q * (threads / depth);
        to[d][i] = inside && from + i < count ? o.at(line[q], step) : T(0);
      }
    } else {
      const int i = t % tile;
      PRETEXT_UNROLL
      for (int q = 0; q < loads; ++q) {
        const int d = t / tile + q * (threads / tile);
        to[d][i] = p + d < last && from + i < count ? o.at(line[q], o.step(group, p + d)) : T(0);
      }
    }
  }
};

/// Adds the chunks of a product in order.
template <class T>
struct add_chunks_body {
  const T* parts;
  product_output<T> out;
  product_grid grid;
  PRETEXT_DEVICE void operator()(index_t row, index_t j) const {
    const auto r = static_cast<std::uint32_t>(row), rows = static_cast<std::uint32_t>(grid.rows);
    T sum = T(0);
    for (index_t c = 0; c < grid.chunks; ++c) sum += parts[(c * grid.groups * grid.rows + row) * grid.columns + j];
    out(r / rows, r % rows, j, grid.columns, sum);
  }
};

template <class T, class Call, class Left, class Right>
void multiply(const Call& call, const Left& left, const Right& right, const product_output<T>& out, const product_grid& grid, T* parts) {
  call.launch(product_kernel<T, Left, Right>{left, right, out, grid, grid.chunks > 1 ? parts : nullptr}, grid.blocks());
  if (grid.chunks > 1 && grid.blocks() > 0)
    for_each_element(call, add_chunks_body<T>{parts, out, grid}, grid.groups * grid.rows, grid.columns);
}

}  // namespace pretext::backend::blocks
