// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include "../../core/extent.hpp"
#include "block.hpp"

/// Kernels that follow lists of rows: ids, edges of graphs, members of samples. Every result has one writer.
namespace pretext::backend::blocks {

/// A thread an element of a result: body(row, column) writes it.
template <class Body>
struct element_kernel {
  static constexpr int threads = 256;
  using shared = nothing;
  using state = nothing;

  Body body;
  index_t rows;
  std::uint32_t columns;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.alone([&](int t, state&) {
      const index_t i = block.number * threads + t;
      if (i >= rows * columns) return;
      // In 32 bits where they suffice: a division of 64 costs a hundred instructions.
      if (i >> 32 == 0)
        body(static_cast<std::uint32_t>(i) / columns, static_cast<std::uint32_t>(i) % columns);
      else
        body(i / columns, i % columns);
    });
  }
};
template <class Call, class Body>
void for_each_element(const Call& call, const Body& body, index_t rows, index_t columns) {
  using kernel = element_kernel<Body>;
  call.launch(kernel{body, rows, static_cast<std::uint32_t>(columns)}, ceil_div(rows * columns, kernel::threads));
}

/// y_i = table[ids_i]; an id outside the table cannot be thrown from a kernel: its row is NaN.
template <class T>
struct gather_body {
  const T* table;
  const std::int32_t* ids;
  T* y;
  index_t columns, table_rows;
  PRETEXT_DEVICE void operator()(index_t i, index_t j) const {
    const index_t id = ids[i];
    y[i * columns + j] = id < 0 ? T(0) : id < table_rows ? table[id * columns + j] : not_a_number<T>;
  }
};

/// dtable[ids_i] += dy_i in order of i: a block an id, which works where the id stands for the first time.
template <class T>
struct scatter_kernel {
  static constexpr int threads = 256;
  using shared = nothing;
  struct state {
    int seen;
  };
  const T* dy;
  const std::int32_t* ids;
  T* dtable;
  index_t count, columns, table_rows;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    const index_t i = block.number;
    const std::int32_t id = ids[i];
    block.alone([&](int t, state& own) {
      own.seen = 0;
      for (index_t e = t; e < i; e += threads) own.seen |= ids[e] == id ? 1 : 0;
    });
    block.block_reduce([](state& own) -> int& { return own.seen; }, greater_of{});
    block.alone([&](int t, state& own) {
      if (own.seen != 0 || id < 0 || id >= table_rows) return;
      for (index_t j = t; j < columns; j += threads) {
        T sum = dtable[id * columns + j];
        for (index_t e = i; e < count; ++e)
          if (ids[e] == id) sum += dy[e * columns + j];
        dtable[id * columns + j] = sum;
      }
    });
  }
};

/// The edges of a graph, and what an edge of a node counts.
template <class T>
struct edges {
  extent graph;
  bool mean;
  /// f(node at the other end, share) for the edges of node r.
  template <class F>
  PRETEXT_DEVICE void each(index_t r, const F& f) const {
    const std::int32_t begin = graph.offsets[r], end = graph.offsets[r + 1];
    const T share = mean && end > begin ? T(1) / static_cast<T>(end - begin) : T(1);
    for (std::int32_t e = begin; e < end; ++e) f(index_t{graph.columns[e]}, share);
  }
};
template <class T>
struct aggregate_body {
  const T* x;
  edges<T> of;
  T* y;
  index_t columns;
  PRETEXT_DEVICE void operator()(index_t r, index_t j) const {
    T sum = T(0);
    of.each(r, [&](index_t c, const T& share) { sum += share * x[c * columns + j]; });
    y[r * columns + j] = sum;
  }
};
/// The adjoint: a node looks for the edges that end in it, since there is no list of them. Time nodes x edges.
template <class T>
struct aggregate_backward_body {
  const T* dy;
  edges<T> of;
  T* dx;
  index_t columns;
  PRETEXT_DEVICE void operator()(index_t c, index_t j) const {
    T sum = dx[c * columns + j];
    for (index_t r = 0; r < of.graph.nodes; ++r)
      of.each(r, [&](index_t to, const T& share) {
        if (to == c) sum += share * dy[r * columns + j];
      });
    dx[c * columns + j] = sum;
  }
};

/// Rows [begin, end) of a sample, of which with graph_of only those that say so are its own.
struct members {
  extent structure;
  index_t rows;
  PRETEXT_DEVICE index_t begin(index_t b) const { return structure.graph_of != nullptr ? 0 : b * (rows / structure.samples); }
  PRETEXT_DEVICE index_t end(index_t b) const {
    if (structure.graph_of != nullptr) return rows;
    return begin(b) + (structure.lengths != nullptr ? structure.lengths[b] : rows / structure.samples);
  }
  PRETEXT_DEVICE bool has(index_t b, index_t r) const { return structure.graph_of == nullptr || structure.graph_of[r] == b; }
  PRETEXT_DEVICE index_t count(index_t b) const {
    if (structure.graph_of == nullptr) return end(b) - begin(b);
    index_t n = 0;
    for (index_t r = 0; r < rows; ++r) n += structure.graph_of[r] == b ? 1 : 0;
    return n;
  }
};
template <class T>
struct sample_mean_body {
  const T* x;
  members of;
  T* y;
  index_t columns;
  PRETEXT_DEVICE void operator()(index_t b, index_t j) const {
    T sum = T(0);
    index_t n = 0;
    for (index_t r = of.begin(b); r < of.end(b); ++r)
      if (of.has(b, r)) {
        sum += x[r * columns + j];
        ++n;
      }
    y[b * columns + j] = n > 0 ? sum / static_cast<T>(n) : T(0);
  }
};
template <class T>
struct sample_mean_backward_body {
  const T* dy;
  members of;
  T* dx;
  index_t columns;
  PRETEXT_DEVICE void operator()(index_t r, index_t j) const {
    const bool graph = of.structure.graph_of != nullptr;
    const index_t b = graph ? of.structure.graph_of[r] : r / (of.rows / of.structure.samples);
    dx[r * columns + j] = r < of.end(b) ? dy[b * columns + j] / static_cast<T>(of.count(b)) : T(0);
  }
};

template <class T>
struct add_scaled_rows_body {
  const T *weights, *x;
  T* y;
  index_t columns;
  PRETEXT_DEVICE void operator()(index_t i, index_t j) const { y[i * columns + j] += weights[i] * x[i * columns + j]; }
};

/// y_i = offset + (i + shift) mod n for the first n, else -1
struct pair_indices_body {
  index_t offset, shift, n;
  std::int32_t* y;
  PRETEXT_DEVICE void operator()(index_t i, index_t) const { y[i] = i < n ? static_cast<std::int32_t>(offset + (i + shift) % n) : -1; }
};

template <class T>
struct copy_columns_body {
  const T* x;
  T* y;
  index_t x_columns, y_columns, from, to;
  PRETEXT_DEVICE void operator()(index_t i, index_t j) const { y[i * y_columns + to + j] = x[i * x_columns + from + j]; }
};

/// y(b, q, p) = x(b, p, q) by tiles of 32 x 32, so that both sides are read and written along memory.
template <class T>
struct transpose_kernel {
  static constexpr int threads = 256;
  static constexpr int side = 32;
  struct shared {
    T tile[side][side + 1];  // one more: a column lies in 32 banks
  };
  using state = nothing;
  const T* x;
  T* y;
  index_t down, across;
  std::uint32_t tiles_down, tiles_across;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    const auto n = static_cast<std::uint32_t>(block.number);
    const index_t q = static_cast<index_t>(n % tiles_across) * side, p = static_cast<index_t>(n / tiles_across % tiles_down) * side;
    const index_t base = static_cast<index_t>(n / tiles_across / tiles_down) * down * across;
    block.each([&](int t, state&, shared& s) {
      for (int r = t / side; r < side; r += threads / side)
        if (p + r < down && q + t % side < across) s.tile[r][t % side] = x[base + (p + r) * across + q + t % side];
    });
    block.each([&](int t, state&, shared& s) {
      for (int r = t / side; r < side; r += threads / side)
        if (q + r < across && p + t % side < down) y[base + (q + r) * down + p + t % side] = s.tile[t % side][r];
    });
  }
};

}  // namespace pretext::backend::blocks
