// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <limits>
#include <utility>

#include "../../core/thread_pool.hpp"
#include "block_moments.hpp"
#include "partials.hpp"
#include "vector_ops.hpp"

/// Sums of fixed shape: rows are cut into chunks by the sizes alone, chunks into blocks of rows, and everything is added in
/// an order that no thread can change.
namespace pretext::simd {

/// How the rows of a (rows, columns) matrix are cut for sums over rows.
struct row_chunks {
  index_t rows;
  index_t chunk;  // rows in a chunk, the last may have fewer
  index_t count;

  row_chunks(index_t r, index_t columns) : rows(r) {
    const index_t by_size = ceil_div(8192, columns > 0 ? columns : 1), by_count = ceil_div(r, 32);
    chunk = by_size > by_count ? by_size : by_count;
    count = r > 0 ? ceil_div(r, chunk) : 0;
  }
  /// Chunks that no matrix of at most `r` rows exceeds: rounding makes the count itself jump.
  static index_t most(index_t r, index_t columns) {
    const index_t by_size = ceil_div(r, ceil_div(8192, columns > 0 ? columns : 1));
    return by_size < 32 ? by_size : 32;
  }
  index_t begin(index_t c) const { return c * chunk; }
  index_t end(index_t c) const { return (c + 1) * chunk < rows ? (c + 1) * chunk : rows; }
};

/// Rows added up one after another before the sum joins the chunk's: keeps rounding small in long sums.
inline constexpr index_t sum_block = 64;

/// Elements of scratch, also for fewer rows, of sums over rows with `sums` results a column.
template <class T, class Arch>
index_t column_scratch(index_t rows, index_t columns, index_t sums = 1) {
  return row_chunks::most(rows, columns) * columns * sums;
}

/// partial[s] (columns) = sum over the rows [begin, end) of term s, where terms(row, column, lanes_left) returns an array
/// of S vectors.
template <class T, class Arch, int S, class Terms>
void sum_rows(index_t begin, index_t end, index_t columns, const Terms& terms, T* partial) {
  using O = vector_ops<T, Arch>;
  for (index_t i = 0; i < S * columns; ++i) partial[i] = T(0);
  for (index_t b = begin; b < end; b += sum_block) {
    const index_t stop = b + sum_block < end ? b + sum_block : end;
    const auto add = [&](index_t c, index_t n, int s, const vec<T, Arch>& sum) {
      T* to = partial + s * columns + c;
      O::store_some(to, O::load_some(to, n) + sum, n);
    };
    index_t c = 0;
    for (; c + 2 * O::width <= columns; c += 2 * O::width) {  // two at once, for a sum alone would wait for itself
      vec<T, Arch> sum[S], next[S];
      for (int s = 0; s < S; ++s) sum[s] = next[s] = O::zero();
      for (index_t r = b; r < stop; ++r) {
        terms(r, c, O::width, sum);
        terms(r, c + O::width, O::width, next);
      }
      for (int s = 0; s < S; ++s) {
        add(c, O::width, s, sum[s]);
        add(c + O::width, O::width, s, next[s]);
      }
    }
    for (; c < columns; c += O::width) {
      const index_t n = columns - c < O::width ? columns - c : O::width;
      vec<T, Arch> sum[S];
      for (int s = 0; s < S; ++s) sum[s] = O::zero();
      for (index_t r = b; r < stop; ++r) terms(r, c, n, sum);
      for (int s = 0; s < S; ++s) add(c, n, s, sum[s]);
    }
  }
}

/// to (S, columns) += the sums over all rows of S terms; scratch column_scratch(rows, columns, S).
template <class T, class Arch, int S, class Terms>
void sum_columns(thread_pool& pool, index_t rows, index_t columns, const Terms& terms, T* const (&to)[S], T* scratch) {
  const row_chunks chunks(rows, columns);
  if (chunks.count == 0) return;
  const index_t size = S * columns;
  pool.parallel_for(chunks.count, [&](index_t c) {
    sum_rows<T, Arch, S>(chunks.begin(c), chunks.end(c), columns, terms, scratch + c * size);
  });
  combine_in_tree(chunks.count,
                  [&](index_t into, index_t from) { add_run<T, Arch>(scratch + into * size, scratch + from * size, size); });
  for (int s = 0; s < S; ++s) add_run<T, Arch>(to[s], scratch + s * columns, columns);
}

/// sums (columns) += the column sums of x (rows, columns).
template <class T, class Arch, class S>
void column_sums(thread_pool& pool, index_t rows, index_t columns, const S* x, T* sums, T* scratch) {
  using O = vector_ops<T, Arch>;
  sum_columns<T, Arch, 1>(
      pool, rows, columns,
      [&](index_t r, index_t c, index_t n, vec<T, Arch>* sum) { sum[0] = sum[0] + O::load_some(x + r * columns + c, n); },
      {sums}, scratch);
}

/// (count, mean, m2) of `a` becomes that of both: Chan et al. 1979. Never E[x^2] - E[x]^2, which cancels.
template <class T, class Arch>
void merge_moments(index_t columns, index_t count_a, T* mean_a, T* m2_a, index_t count_b, const T* mean_b, const T* m2_b) {
  using O = vector_ops<T, Arch>;
  const double a = static_cast<double>(count_a), b = static_cast<double>(count_b);
  const auto share = O::set(static_cast<T>(b / (a + b))), weight = O::set(static_cast<T>(a * b / (a + b)));
  for (index_t c = 0; c < columns; c += O::width) {
    const index_t n = columns - c < O::width ? columns - c : O::width;
    const auto mean = O::load_some(mean_a + c, n), delta = O::load_some(mean_b + c, n) - mean;
    O::store_some(mean_a + c, O::fma(delta, share, mean), n);
    O::store_some(m2_a + c, O::fma(delta * delta, weight, O::load_some(m2_a + c, n) + O::load_some(m2_b + c, n)), n);
  }
}

/// The moments of `parts` runs of rows become those of all rows, in the place of the first: means of part p at data[p apart], squares `m2`
/// further on. before(p) rows stand in front of part p, before(parts) is all of them.
template <class T, class Arch, class Before>
void merge_in_tree(index_t parts, index_t columns, const Before& before, T* data, index_t apart, index_t m2) {
  index_t stride = 1;  // combine_in_tree visits all pairs of one distance before the next
  combine_in_tree(parts, [&](index_t into, index_t from) {
    stride = from - into;
    const index_t end = from + stride < parts ? from + stride : parts;
    T *a = data + into * apart, *b = data + from * apart;
    merge_moments<T, Arch>(columns, before(from) - before(into), a, a + m2, before(end) - before(from), b, b + m2);
  });
}

/// Elements of scratch for column_moments, also for fewer rows.
template <class T, class Arch>
index_t column_moments_scratch(index_t rows, index_t columns) {
  return 4 * row_chunks::most(rows, columns) * columns;
}

/// mean (columns) and m2 (columns) = sum over rows of (x - mean)^2; both overwritten, zero for no rows.
template <class T, class Arch, class S>
void column_moments(thread_pool& pool, index_t rows, index_t columns, const S* x, T* mean, T* m2, T* scratch) {
  using O = vector_ops<T, Arch>;
  const row_chunks chunks(rows, columns);
  if (chunks.count == 0) {
    for (index_t c = 0; c < columns; ++c) mean[c] = m2[c] = T(0);
    return;
  }
  pool.parallel_for(chunks.count, [&](index_t chunk) {
    T* const total = scratch + chunk * 4 * columns;  // mean, m2, then the block's mean, m2
    const index_t begin = chunks.begin(chunk), end = chunks.end(chunk);
    for (index_t b = begin; b < end; b += sum_block) {
      const index_t stop = b + sum_block < end ? b + sum_block : end;
      T* const into = b == begin ? total : total + 2 * columns;
      const auto inverse = O::set(T(1) / static_cast<T>(stop - b));
      // Written out over a pack: an array that a loop walks would live in memory.
      const auto side_by_side = [&]<std::size_t... v>(index_t c, index_t lanes, std::index_sequence<v...>) {
        constexpr index_t W = O::width;
        const auto at = [&](index_t r, std::size_t k) { return O::load_some(x + r * columns + c + static_cast<index_t>(k) * W, lanes); };
        // The first row as origin: the block's mean is then exact for constant columns far from zero.
        const vec<T, Arch> origin[] = {at(b, v)...};
        vec<T, Arch> sum[] = {(static_cast<void>(v), O::zero())...}, squares[] = {(static_cast<void>(v), O::zero())...};
        for (index_t r = b; r < stop; ++r) ((sum[v] = sum[v] + (at(r, v) - origin[v])), ...);
        ((sum[v] = O::fma(sum[v], inverse, origin[v])), ...);
        const auto add_square = [&](index_t r, std::size_t k, const auto& average, auto& added) {
          const auto d = at(r, k) - average;
          added = O::fma(d, d, added);
        };
        for (index_t r = b; r < stop; ++r) (add_square(r, v, sum[v], squares[v]), ...);
        (O::store_some(into + c + static_cast<index_t>(v) * W, sum[v], lanes), ...);
        (O::store_some(into + columns + c + static_cast<index_t>(v) * W, squares[v], lanes), ...);
      };
      index_t c = 0;  // sums side by side, for one alone would wait for itself
      for (; c + 4 * O::width <= columns; c += 4 * O::width) side_by_side(c, O::width, std::make_index_sequence<4>{});
      for (; c < columns; c += O::width)
        side_by_side(c, columns - c < O::width ? columns - c : O::width, std::make_index_sequence<1>{});
      if (b != begin)
        merge_moments<T, Arch>(columns, b - begin, total, total + columns, stop - b, total + 2 * columns,
                               total + 3 * columns);
    }
  });
  merge_in_tree<T, Arch>(
      chunks.count, columns, [&](index_t chunk) { return chunk < chunks.count ? chunks.begin(chunk) : rows; }, scratch, 4 * columns, columns);
  for (index_t c = 0; c < columns; ++c) {
    mean[c] = scratch[c];
    m2[c] = scratch[columns + c];
  }
}

/// mean, m2 (columns) of all blocks, of which there is one or more. Columns fill whole vectors. Destroys the sums.
template <class T, class Arch>
void merge_blocks(const result_blocks& blocks, const block_moments<T>& of, T* mean, T* m2) {
  using O = vector_ops<T, Arch>;
  const index_t columns = of.columns;
  for (index_t b = 0; b < blocks.count(); ++b)
    for (index_t c = 0; c < columns; c += O::width) {
      moment_sums<T, Arch> own(of.of(b, c), columns);
      own.centre(blocks.before(b + 1) - blocks.before(b));
      own.store(of.of(b, c), columns);
    }
  merge_in_tree<T, Arch>(blocks.count(), columns, [&](index_t b) { return blocks.before(b); }, of.data, 3 * columns, 2 * columns);
  for (index_t c = 0; c < columns; ++c) {
    mean[c] = of.data[c];
    m2[c] = of.data[2 * columns + c];
  }
}

inline constexpr index_t square_chunk = 16384;

/// Doubles of scratch for sum_of_squares.
inline index_t sum_of_squares_scratch(index_t n) { return n > 0 ? ceil_div(n, square_chunk) : 0; }

/// Sum of x^2 in double precision: the norm of a gradient of many elements. Eight chains in turn, added along a tree.
template <class T, class Arch>
double sum_of_squares(thread_pool& pool, index_t n, const T* x, double* scratch) {
  using D = vector_ops<double, Arch>;
  constexpr int parts = static_cast<int>(8 / D::width);
  const index_t chunks = sum_of_squares_scratch(n);
  if (chunks == 0) return 0;
  pool.parallel_for(chunks, [&](index_t chunk) {
    const T* const from = x + chunk * square_chunk;
    const index_t size = n - chunk * square_chunk < square_chunk ? n - chunk * square_chunk : square_chunk;
    vec<double, Arch> part[parts];
    for (int k = 0; k < parts; ++k) part[k] = D::zero();
    const auto squared = [](const auto& v, const auto& sum) { return D::fma(v, v, sum); };
    const index_t whole = size / 8 * 8;
    for (index_t i = 0; i < whole; i += 8)
      [&]<std::size_t... k>(std::index_sequence<k...>) {
        ((part[k] = squared(D::load_widened(from + i + static_cast<index_t>(k) * D::width), part[k])), ...);
      }
      (std::make_index_sequence<static_cast<std::size_t>(parts)>{});
    alignas(64) double sum[8];
    for (int k = 0; k < parts; ++k) D::store(sum + k * D::width, part[k]);
    for (index_t i = whole; i < size; ++i) sum[i - whole] += static_cast<double>(from[i]) * static_cast<double>(from[i]);
    scratch[chunk] = ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
  });
  combine_in_tree(chunks, [&](index_t into, index_t from) { scratch[into] += scratch[from]; });
  return scratch[0];
}

/// fold over the vectors of one row in four chains by turns, so that none waits for the one before, and `join` over the
/// chains; the tail is padded with `padding`. Asks for the row after this one, `columns` further, where `ahead`.
template <class T, class Arch, bool ahead = false, class Fold, class Join>
vec<T, Arch> fold_row(const T* x, index_t columns, T first, T padding, const Fold& fold, const Join& join) {
  using O = vector_ops<T, Arch>;
  auto a = O::set(first), b = a, c = a, d = a;
  index_t i = 0;
  for (; i + 4 * O::width <= columns; i += 4 * O::width) {
    if constexpr (ahead)
      for (index_t line = 0; line < 4 * O::width; line += 64 / static_cast<index_t>(sizeof(T))) prefetch(x + i + columns + line);
    a = fold(a, O::load(x + i));
    b = fold(b, O::load(x + i + O::width));
    c = fold(c, O::load(x + i + 2 * O::width));
    d = fold(d, O::load(x + i + 3 * O::width));
  }
  for (; i < columns; i += O::width)
    a = fold(a, columns - i < O::width ? O::load_some(x + i, columns - i, padding) : O::load(x + i));
  return join(join(a, b), join(c, d));
}

/// sums (rows) = the row sums of x (rows, columns).
template <class T, class Arch>
void row_sums(thread_pool& pool, index_t rows, index_t columns, const T* x, T* sums) {
  using O = vector_ops<T, Arch>;
  pool.parallel_for(rows, ceil_div(8192, columns > 0 ? columns : 1), [&](index_t begin, index_t end) {
    const auto add = [](const auto& a, const auto& b) { return a + b; };
    for (index_t r = begin; r < end; ++r) sums[r] = O::sum(fold_row<T, Arch>(x + r * columns, columns, T(0), T(0), add, add));
  });
}

/// The greatest of one row; minus infinity for no columns.
template <class T, class Arch>
T largest_of_row(const T* x, index_t columns) {
  using O = vector_ops<T, Arch>;
  constexpr T nothing = -std::numeric_limits<T>::infinity();
  const auto greater = [](const auto& a, const auto& b) { return O::max(a, b); };
  return O::largest(fold_row<T, Arch>(x, columns, nothing, nothing, greater, greater));
}

/// largest (rows) = the greatest of each row; minus infinity for no columns.
template <class T, class Arch>
void row_max(thread_pool& pool, index_t rows, index_t columns, const T* x, T* largest) {
  pool.parallel_for(rows, ceil_div(8192, columns > 0 ? columns : 1), [&](index_t begin, index_t end) {
    for (index_t r = begin; r < end; ++r) largest[r] = largest_of_row<T, Arch>(x + r * columns, columns);
  });
}

}  // namespace pretext::simd
