// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "../../core/thread_pool.hpp"
#include "elementwise.hpp"

namespace pretext::simd {

namespace detail {

/// V vectors of columns beginning at `first`, rows [begin, end): what depends on the column stays in registers.
template <class T, class Arch, int V, int P, int I, class S, class F>
inline void columns_run(index_t begin, index_t end, index_t columns, index_t first, index_t lanes, S* to, bool streams, const F& f,
                        const T* const (&per_column)[P], const S* const (&in)[I]) {
  using O = vector_ops<T, Arch>;
  const bool whole = lanes == V * O::width;
  const auto left = [&](int v) { return lanes - v * O::width < O::width ? lanes - v * O::width : O::width; };
  vec<T, Arch> held[V][P];
  for (int v = 0; v < V; ++v)
    for (int p = 0; p < P; ++p) held[v][p] = O::load_some(per_column[p] + first + v * O::width, left(v));
  for (index_t r = begin; r < end; ++r) {
    const index_t at = r * columns + first;
    for (int v = 0; v < V; ++v) {
      vec<T, Arch> x[I];
      if (whole) {
        for (int i = 0; i < I; ++i) x[i] = O::load(in[i] + at + v * O::width);
        const vec<T, Arch> y = f(x, held[v]);
        if (streams)
          O::stream(to + at + v * O::width, y);
        else
          O::store(to + at + v * O::width, y);
      } else {
        for (int i = 0; i < I; ++i) x[i] = O::load_some(in[i] + at + v * O::width, left(v));
        O::store_some(to + at + v * O::width, f(x, held[v]), left(v));
      }
    }
  }
}

}  // namespace detail

/// to (rows, columns), stored as S, = f(x, c): x the I inputs of that shape at an element, c its column's P values, as vectors.
/// For many short rows, where loading the columns' values for each row would cost more than the arithmetic.
template <class T, class Arch, int P, int I, class S, class F>
void map_with_columns(thread_pool& pool, index_t rows, index_t columns, S* to, const F& f, const T* const (&per_column)[P],
                      const S* const (&in)[I]) {
  using O = vector_ops<T, Arch>;
  if (columns <= 0) return;
  bool streams = O::streams(to, rows * columns, columns);
  for (const S* from : in) streams = streams && from != to;
  pool.parallel_for(rows, ceil_div(detail::map_chunk, columns), [&](index_t begin, index_t end) {
    index_t c = 0;
    for (; c + 2 * O::width <= columns; c += 2 * O::width)
      detail::columns_run<T, Arch, 2>(begin, end, columns, c, 2 * O::width, to, streams, f, per_column, in);
    for (; c < columns; c += O::width)
      detail::columns_run<T, Arch, 1>(begin, end, columns, c, columns - c < O::width ? columns - c : O::width, to, streams, f,
                                      per_column, in);
    if (streams) O::end_stream();
  });
}

}  // namespace pretext::simd
