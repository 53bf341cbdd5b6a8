// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include <algorithm>

#include "block.hpp"

namespace pretext::backend::blocks {

/// How a block of 256 threads lies on a matrix: `lanes` threads beside each other, a power of two, each with `width` columns,
/// and 256 / lanes rows at once. A block has `rows` rows of one batch; it follows from sizes alone.
struct column_grid {
  static constexpr int threads = 256;

  index_t batches, rows_total, columns;
  index_t rows;        // of a block
  int width;           // 1, or that of a pack
  int lanes_log2;
  std::int32_t chunks, tiles;  // blocks over the rows of a batch, over the columns

  index_t blocks() const { return batches * chunks * tiles; }

  /// `most_chunks` bounds the blocks over the rows, `at_once` is how many rows a thread has at least where there are enough.
  static column_grid over(index_t batches, index_t rows, index_t columns, int width, index_t at_once, index_t most_chunks) {
    column_grid g{batches, rows, columns, 0, width, 0, 1, 1};
    const index_t across = std::max<index_t>(ceil_div(columns, width), 1);
    while (g.lanes_log2 < 8 && (index_t{1} << g.lanes_log2) < across) ++g.lanes_log2;
    const index_t down = threads >> g.lanes_log2;
    g.rows = std::max(down * at_once, round_up(ceil_div(std::max<index_t>(rows, 1), most_chunks), down));
    g.chunks = static_cast<std::int32_t>(std::max<index_t>(ceil_div(rows, g.rows), 1));
    g.tiles = static_cast<std::int32_t>(ceil_div(across, index_t{1} << g.lanes_log2));
    return g;
  }

  /// Where a thread is: its first column, its first row, the end of the block's rows, and the rows from one to the next.
  struct place {
    index_t column, row, end;
    int step;
    index_t batch;
    std::int32_t chunk;
  };
  PRETEXT_DEVICE place of(index_t number, int t) const {
    const auto n = static_cast<std::uint32_t>(number);
    const std::uint32_t tile = n % static_cast<std::uint32_t>(tiles), rest = n / static_cast<std::uint32_t>(tiles);
    const std::uint32_t chunk = rest % static_cast<std::uint32_t>(chunks);
    const index_t batch = rest / static_cast<std::uint32_t>(chunks);
    place p;
    p.column = ((static_cast<index_t>(tile) << lanes_log2) + (t & ((1 << lanes_log2) - 1))) * width;
    p.step = threads >> lanes_log2;
    p.row = chunk * rows + (t >> lanes_log2);
    p.end = (chunk + 1) * rows < rows_total ? (chunk + 1) * rows : rows_total;
    p.batch = batch;
    p.chunk = static_cast<std::int32_t>(chunk);
    return p;
  }
};

/// y(i, j) = body(in_n(i, j)..., column_c[j]...): `body(const T* in, const T* columns)`. A thread keeps its columns' numbers.
template <class Body, class T, int N, int C>
struct column_map_kernel {
  static constexpr int threads = column_grid::threads;
  using shared = nothing;
  using state = nothing;

  Body body;
  column_grid grid;
  T* out;
  const T* in[N];
  const T* columns[C];

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.alone([&](int t, state&) {
      const column_grid::place p = grid.of(block.number, t);
      if (p.column >= grid.columns) return;
      if (grid.width == 1)
        rows<1>(p);
      else
        rows<pack_size<T>>(p);
    });
  }

 private:
  template <int W>
  PRETEXT_DEVICE void rows(const column_grid::place& p) const {
    T c[C][W];
    PRETEXT_UNROLL
    for (int n = 0; n < C; ++n) load<W>(columns[n] + p.column, c[n]);
    for (index_t i = p.row; i < p.end; i += p.step) {
      const index_t at = i * grid.columns + p.column;
      T v[N][W], y[W];
      PRETEXT_UNROLL
      for (int n = 0; n < N; ++n) load<W>(in[n] + at, v[n]);
      PRETEXT_UNROLL
      for (int k = 0; k < W; ++k) {
        T a[N], b[C];
        PRETEXT_UNROLL
        for (int n = 0; n < N; ++n) a[n] = v[n][k];
        PRETEXT_UNROLL
        for (int n = 0; n < C; ++n) b[n] = c[n][k];
        y[k] = body(a, b);
      }
      store<W>(out + at, y);
    }
  }
};

/// Reduces each column of a matrix, or of each matrix of a batch, to an accumulator A:
///   Source: A start(); void add(index_t row, index_t column, A (&)[W]) for the W columns from `column`, row within all rows
///   A: combine(A, A) in Combine
///   Finish: void operator()(index_t batch, index_t column, const A&)
/// Where a batch has several chunks, their results go to `parts` ((batches, chunks, columns), a second launch combines them).
template <class Source, class Combine, class Finish>
struct column_reduce_kernel {
  using A = typename Source::accumulator;
  static constexpr int threads = column_grid::threads;
  static constexpr int most = Source::width;
  struct shared {
    A part[threads * most];
  };
  using state = nothing;

  Source source;
  Combine combine;
  Finish finish;
  column_grid grid;
  A* parts;  // null: finish at once

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.each([&](int t, state&, shared& s) {
      const column_grid::place p = grid.of(block.number, t);
      if (p.column >= grid.columns) return;
      if (grid.width == 1)
        rows<1>(p, s, t);
      else if constexpr (most > 1)
        rows<most>(p, s, t);
    });
    for (int down = threads >> (grid.lanes_log2 + 1); down > 0; down /= 2)
      block.each([&](int t, state&, shared& s) {
        if (t >= down << grid.lanes_log2 || grid.of(block.number, t).column >= grid.columns) return;
        for (int k = 0; k < grid.width; ++k)
          s.part[k * threads + t] = combine(s.part[k * threads + t], s.part[k * threads + t + (down << grid.lanes_log2)]);
      });
    block.each([&](int t, state&, shared& s) {
      const column_grid::place p = grid.of(block.number, t);
      if (t >> grid.lanes_log2 != 0 || p.column >= grid.columns) return;
      for (int k = 0; k < grid.width; ++k) {
        const A& a = s.part[k * threads + t];
        if (parts == nullptr)
          finish(p.batch, p.column + k, a);
        else
          parts[(p.batch * grid.chunks + p.chunk) * grid.columns + p.column + k] = a;
      }
    });
  }

 private:
  template <int W>
  PRETEXT_DEVICE void rows(const column_grid::place& p, shared& s, int t) const {
    A a[W];
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) a[k] = source.start();
    for (index_t i = p.row; i < p.end; i += p.step) source.template add<W>(p.batch * grid.rows_total + i, p.column, a);
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) s.part[k * threads + t] = a[k];
  }
};

/// The second launch: combines the accumulators of the chunks.
template <class A, class Combine>
struct parts_source {
  using accumulator = A;
  static constexpr int width = 1;
  const A* parts;
  index_t columns;
  A nothing_yet;
  Combine combine;
  PRETEXT_DEVICE A start() const { return nothing_yet; }
  template <int W>
  PRETEXT_DEVICE void add(index_t row, index_t column, A (&a)[W]) const {
    a[0] = combine(a[0], parts[row * columns + column]);
  }
};

inline constexpr index_t most_chunks = 256, reduce_at_once = 16;

/// The grid of the first launch.
inline column_grid reduce_grid(index_t batches, index_t rows, index_t columns, int width) {
  return column_grid::over(batches, rows, columns, width, reduce_at_once, most_chunks);
}
/// Elements of A that the parts take: enough for the widest and the narrowest access, since a plan sees no pointers, and by a bound
/// that never falls where `rows` grows, as the number of chunks may.
template <class T>
index_t reduce_parts(index_t batches, index_t rows, index_t columns) {
  const auto bound = [&](int width) {
    const index_t down = column_grid::threads >> reduce_grid(batches, rows, columns, width).lanes_log2;
    return std::min(ceil_div(rows, down * reduce_at_once), most_chunks);
  };
  const index_t chunks = std::max(bound(1), bound(pack_size<T>));
  return chunks > 1 ? chunks * batches * columns : 0;
}

/// Both launches. `zero` is the accumulator of no rows; `parts` is scratch of reduce_parts elements.
template <class Call, class Source, class Combine, class Finish, class A = typename Source::accumulator>
void reduce_columns(const Call& call, const Source& source, const Combine& combine, const Finish& finish, index_t batches, index_t rows,
                    index_t columns, bool packs, const A& zero, A* parts) {
  const column_grid grid = reduce_grid(batches, rows, columns, packs ? Source::width : 1);
  if (columns == 0 || batches == 0) return;
  if (grid.chunks == 1) {
    call.launch(column_reduce_kernel<Source, Combine, Finish>{source, combine, finish, grid, nullptr}, grid.blocks());
    return;
  }
  call.launch(column_reduce_kernel<Source, Combine, Finish>{source, combine, finish, grid, parts}, grid.blocks());
  using second = parts_source<A, Combine>;
  const column_grid last = column_grid::over(batches, grid.chunks, columns, 1, most_chunks, 1);
  call.launch(column_reduce_kernel<second, Combine, Finish>{{parts, columns, zero, combine}, combine, finish, last, nullptr}, last.blocks());
}

}  // namespace pretext::backend::blocks
