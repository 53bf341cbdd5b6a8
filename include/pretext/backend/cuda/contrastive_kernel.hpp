// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include <algorithm>

#include "../../core/scalar_math.hpp"
#include "../ops/contrastive.hpp"
#include "row_kernel.hpp"

/// Contrastive losses by tiles of scores that are never written down (docs/design/contrastive.md): the forward pass keeps a running
/// log-sum-exp, the backward pass computes the tiles again. Rows have one writer; nothing is added atomically.
namespace pretext::backend::blocks {

/// Products of 64 rows with `across` columns, 4 x (across / 16) a thread; in double 32 columns, so that two tiles fit into shared memory.
template <class T>
struct score_tile {
  static constexpr index_t wanted_blocks = 512;
  static constexpr int threads = 256, down = 64, across = sizeof(T) == 8 ? 32 : 64, depth = 16, own_rows = 4, own_columns = across / 16;
  struct operands {
    alignas(16) T rows[depth][down + 4];
    alignas(16) T columns[depth][across + 4];
  };

  static PRETEXT_DEVICE int row(int t, int r) { return t / 16 * own_rows + r; }
  static PRETEXT_DEVICE int column(int t, int c) { return t % 16 * own_columns + c; }

  /// Copies `depth` numbers of each row from e: neighbouring threads take neighbours of a row.
  template <int N>
  static PRETEXT_DEVICE void fetch(const T* from, index_t first, index_t count, index_t width, index_t e, int t, T (&to)[depth][N]) {
    const int d = t % depth;
    for (int i = t / depth; i < N - 4; i += threads / depth)
      to[d][i] = e + d < width && first + i < count ? from[(first + i) * width + e + d] : T(0);
  }
  static PRETEXT_DEVICE void step(const operands& s, int t, T (&sum)[own_rows][own_columns]) {
    PRETEXT_UNROLL
    for (int d = 0; d < depth; ++d) {
      T a[own_rows], b[own_columns];
      PRETEXT_UNROLL
      for (int r = 0; r < own_rows; ++r) a[r] = s.rows[d][row(t, r)];
      PRETEXT_UNROLL
      for (int c = 0; c < own_columns; ++c) b[c] = s.columns[d][column(t, c)];
      PRETEXT_UNROLL
      for (int r = 0; r < own_rows; ++r)
        PRETEXT_UNROLL
        for (int c = 0; c < own_columns; ++c) sum[r][c] += a[r] * b[c];
    }
  }
  /// own.sum becomes the products of the rows from i0 on with the columns from j0 on.
  template <class Block>
  static PRETEXT_DEVICE void products(Block& block, const T* rows, index_t i0, index_t row_count, const T* columns, index_t j0,
                                      index_t column_count, index_t width) {
    block.alone([&](int, auto& own) {
      PRETEXT_UNROLL
      for (int r = 0; r < own_rows; ++r)
        PRETEXT_UNROLL
        for (int c = 0; c < own_columns; ++c) own.sum[r][c] = T(0);
    });
    for (index_t e = 0; e < width; e += depth) {
      block.each([&](int t, auto&, auto& s) {
        fetch(rows, i0, row_count, width, e, t, s.in.rows);
        fetch(columns, j0, column_count, width, e, t, s.in.columns);
      });
      block.each([&](int t, auto& own, auto& s) { step(s.in, t, own.sum); });
    }
  }
};

/// A running sum of exponentials: sum exp(s) = total exp(largest).
template <class T>
struct log_sum {
  T largest, total;
  static PRETEXT_DEVICE log_sum none() {
    return {-infinity<T>, T(0)};
  }
  PRETEXT_DEVICE void add(const T& s) {
    if (s > largest) {
      total = total * scalar_math::exp(T(largest - s)) + T(1);
      largest = s;
    } else {
      total += scalar_math::exp(T(s - largest));  // a NaN comes through here
    }
  }
  PRETEXT_DEVICE T value() const { return largest + scalar_math::log(total); }
};
template <class T>
PRETEXT_DEVICE log_sum<T> merge(const log_sum<T>& a, const log_sum<T>& b) {
  const bool first = a.largest >= b.largest;
  const T top = first ? a.largest : b.largest, low = first ? b.largest : a.largest;
  if (low == -infinity<T>) return first ? log_sum<T>{a.largest, a.total + b.total} : log_sum<T>{b.largest, a.total + b.total};
  const T share = scalar_math::exp(T(low - top));
  return {top, first ? a.total + b.total * share : b.total + a.total * share};
}

/// How the pairs are cut: the rows of a tile a block, and runs of columns where the rows alone are too few blocks.
template <class Tile>
struct pair_grid {
  index_t rows, columns, width;
  index_t run;          // columns of a block, whole tiles
  std::uint32_t runs;
  static constexpr index_t wanted = Tile::wanted_blocks;

  static index_t most_runs(index_t rows, index_t columns) {
    const index_t tiles = std::max<index_t>(ceil_div(rows, Tile::down), 1);
    return std::clamp<index_t>(ceil_div(wanted, tiles), 1, std::max<index_t>(ceil_div(columns, Tile::across), 1));
  }
  /// A bound that holds for smaller batches too: rows and columns shrink together, and with them the blocks over the rows.
  static index_t part_rows(index_t rows, index_t columns) {
    return std::min(rows * std::max<index_t>(ceil_div(columns, Tile::across), 1),
                    wanted * Tile::down + std::min(rows, wanted * Tile::down));
  }
  static pair_grid over(index_t rows, index_t columns, index_t width) {
    pair_grid g{rows, columns, width, 0, 1};
    g.run = round_up(ceil_div(std::max<index_t>(columns, 1), most_runs(rows, columns)), Tile::across);
    g.runs = static_cast<std::uint32_t>(std::max<index_t>(ceil_div(columns, g.run), 1));
    return g;
  }
  index_t blocks() const { return ceil_div(rows, index_t{Tile::down}) * runs; }
  /// The end of the run that begins at `first`.
  PRETEXT_DEVICE int last(int first) const { return static_cast<int>(first + run < columns ? first + run : columns); }
};

template <class Pair, class T>
struct pair_scores {
  Pair pair;
  op::pair_mask mask;
  const T *rows, *columns;
  const T *row_norms, *column_norms;  // null where the similarity looks at none
  const T* inverse_temperature;

  /// A pair that says nothing may look at them.
  static constexpr bool looks_at_norms = [] {
    if constexpr (requires { Pair::uses_norms; })
      return Pair::uses_norms;
    else
      return true;
  }();

  PRETEXT_DEVICE bool is_self(index_t i, index_t j) const { return mask.self_offset >= 0 && j == i + mask.self_offset; }
  PRETEXT_DEVICE T row_norm(index_t i) const { return row_norms != nullptr ? row_norms[i] : T(0); }
  PRETEXT_DEVICE T column_norm(index_t j) const { return column_norms != nullptr ? column_norms[j] : T(0); }
  PRETEXT_DEVICE T score(const T& product, index_t i, index_t j) const {
    return pair.template score<scalar_math>(product, row_norm(i), column_norm(j)) * *inverse_temperature;
  }
};

template <class Pair, class T>
struct contrastive_forward_kernel {
  using tile = score_tile<T>;
  static constexpr int threads = tile::threads;
  struct shared {
    typename tile::operands in;
    log_sum<T> parts[tile::down][17];
  };
  struct state {
    T sum[tile::own_rows][tile::own_columns];
    log_sum<T> lse[tile::own_rows];
  };

  pair_scores<Pair, T> of;
  pair_grid<tile> grid;
  const std::int32_t* positives;
  T* positive_scores;
  T* lse;                // one run of columns: the result
  log_sum<T>* parts;     // else (runs, rows)

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    const auto n = static_cast<std::uint32_t>(block.number);
    const index_t i0 = static_cast<index_t>(n / grid.runs) * tile::down, first = static_cast<index_t>(n % grid.runs) * grid.run;
    const index_t last = first + grid.run < grid.columns ? first + grid.run : grid.columns;
    block.alone([&](int, state& own) {
      PRETEXT_UNROLL
      for (int r = 0; r < tile::own_rows; ++r) own.lse[r] = log_sum<T>::none();
    });
    for (index_t j0 = first; j0 < last; j0 += tile::across) {
      tile::products(block, of.rows, i0, grid.rows, of.columns, j0, grid.columns, grid.width);
      block.alone([&](int t, state& own) {
        PRETEXT_UNROLL
        for (int r = 0; r < tile::own_rows; ++r) {
          const index_t i = i0 + tile::row(t, r);
          if (i >= grid.rows) continue;
          const index_t positive = positives[i];
          PRETEXT_UNROLL
          for (int c = 0; c < tile::own_columns; ++c) {
            const index_t j = j0 + tile::column(t, c);
            if (j >= last) continue;
            const T s = of.score(own.sum[r][c], i, j);
            if (j == positive) positive_scores[i] = s;
            if (of.is_self(i, j) || (of.mask.drop_positive && j == positive)) continue;
            own.lse[r].add(s);
          }
        }
      });
    }
    block.each([&](int t, state& own, shared& s) {
      PRETEXT_UNROLL
      for (int r = 0; r < tile::own_rows; ++r) s.parts[tile::row(t, r)][t % 16] = own.lse[r];
    });
    block.each([&](int t, state&, shared& s) {
      const index_t i = i0 + t;
      if (t >= tile::down || i >= grid.rows) return;
      log_sum<T> all = s.parts[t][0];
      for (int k = 1; k < 16; ++k) all = merge(all, s.parts[t][k]);
      if (parts == nullptr)
        lse[i] = all.value();
      else
        parts[static_cast<index_t>(n % grid.runs) * grid.rows + i] = all;
    });
  }
};

/// Joins the runs of a row, in order.
template <class T>
struct join_log_sums_body {
  const log_sum<T>* parts;
  T* lse;
  index_t rows, runs;
  PRETEXT_DEVICE void operator()(index_t i, index_t) const {
    log_sum<T> all = parts[i];
    for (index_t k = 1; k < runs; ++k) all = merge(all, parts[k * rows + i]);
    lse[i] = all.value();
  }
};

/// d_i of 64 rows and 128 numbers of each, over a run of columns: the tile of scores, then its weights times the columns.
template <class Pair, class T>
struct contrastive_gradient_kernel {
  using tile = score_tile<T>;
  static constexpr int threads = tile::threads, min_blocks = 2, slice = 128, own_numbers = slice / 16;
  struct shared {
    typename tile::operands in;
    T weights[tile::across][tile::down + 4];
    T row_parts[tile::down][17];
  };
  struct state {
    T sum[tile::own_rows][tile::own_columns];
    T d[tile::own_rows][own_numbers];
    T expected[tile::own_rows], along[tile::own_rows];  // sum of p s; of what goes along the row itself
  };

  pair_scores<Pair, T> of;
  pair_grid<tile> grid;
  std::uint32_t slices;
  const std::int32_t *row_positives, *column_positives;
  const T *row_lse, *column_lse;
  T weight;
  T *d_rows, *expected;
  T *d_parts, *expected_parts;  // (runs, rows, width), (runs, rows) where there are several runs

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    auto n = static_cast<std::uint32_t>(block.number);
    const index_t e0 = static_cast<index_t>(n % slices) * slice;
    n /= slices;
    const index_t run_number = n % grid.runs, i0 = static_cast<index_t>(n / grid.runs) * tile::down;
    const index_t first = run_number * grid.run, last = first + grid.run < grid.columns ? first + grid.run : grid.columns;
    block.alone([&](int, state& own) {
      PRETEXT_UNROLL
      for (int r = 0; r < tile::own_rows; ++r) {
        own.expected[r] = own.along[r] = T(0);
        PRETEXT_UNROLL
        for (int k = 0; k < own_numbers; ++k) own.d[r][k] = T(0);
      }
    });
    for (index_t j0 = first; j0 < last; j0 += tile::across) {
      tile::products(block, of.rows, i0, grid.rows, of.columns, j0, grid.columns, grid.width);
      block.each([&](int t, state& own, shared& s) {
        PRETEXT_UNROLL
        for (int r = 0; r < tile::own_rows; ++r)
          PRETEXT_UNROLL
          for (int c = 0; c < tile::own_columns; ++c)
            s.weights[tile::column(t, c)][tile::row(t, r)] =
                weigh(own.sum[r][c], i0 + tile::row(t, r), j0 + tile::column(t, c), last, own.expected[r], own.along[r]);
      });
      block.each([&](int t, state& own, shared& s) {
        const index_t count = last - j0 < tile::across ? last - j0 : index_t{tile::across};
        for (int j = 0; j < count; ++j) {
          const T* from = of.columns + (j0 + j) * grid.width;
          T w[tile::own_rows];
          PRETEXT_UNROLL
          for (int r = 0; r < tile::own_rows; ++r) w[r] = s.weights[j][tile::row(t, r)];
          PRETEXT_UNROLL
          for (int k = 0; k < own_numbers; ++k) {
            const index_t e = e0 + k * 16 + t % 16;
            const T v = e < grid.width ? from[e] : T(0);
            PRETEXT_UNROLL
            for (int r = 0; r < tile::own_rows; ++r) own.d[r][k] += w[r] * v;
          }
        }
      });
    }
    join(block, [](state& own, int r) -> T& { return own.along[r]; });
    join(block, [](state& own, int r) -> T& { return own.expected[r]; });
    block.alone([&](int t, state& own) {
      PRETEXT_UNROLL
      for (int r = 0; r < tile::own_rows; ++r) {
        const index_t i = i0 + tile::row(t, r);
        if (i >= grid.rows) continue;
        PRETEXT_UNROLL
        for (int k = 0; k < own_numbers; ++k) {
          const index_t e = e0 + k * 16 + t % 16, at = i * grid.width + e;
          if (e >= grid.width) continue;
          // A row that nothing goes along may hold anything.
          const T d = own.d[r][k] + (own.along[r] != T(0) ? own.along[r] * of.rows[at] : T(0));
          if (d_parts == nullptr)
            d_rows[at] += weight * *of.inverse_temperature * d;
          else
            d_parts[run_number * grid.rows * grid.width + at] = d;
        }
        if (expected == nullptr || e0 != 0 || t % 16 != 0) continue;
        if (d_parts == nullptr)
          expected[i] = own.expected[r];
        else
          expected_parts[run_number * grid.rows + i] = own.expected[r];
      }
    });
  }

 private:
  /// The weight of column j in d_i; adds to what goes along the row, and to the expected score.
  PRETEXT_DEVICE T weigh(const T& product, index_t i, index_t j, index_t last, T& sum_expected, T& along) const {
    if (i >= grid.rows || j >= last || of.is_self(i, j)) return T(0);
    const T s = of.score(product, i, j);
    T w = T(0);
    if (row_lse != nullptr) {
      const bool positive = j == row_positives[i];
      const T p = positive && of.mask.drop_positive ? T(0) : scalar_math::exp(T(s - row_lse[i]));
      sum_expected += p == T(0) ? T(0) : p * s;
      w += p - (positive ? T(1) : T(0));
    }
    if (column_lse != nullptr) {
      const bool positive = i == column_positives[j];
      w += (positive && of.mask.drop_positive ? T(0) : scalar_math::exp(T(s - column_lse[j]))) - (positive ? T(1) : T(0));
    }
    if (w == T(0)) return T(0);
    const auto d = of.pair.template derivative<scalar_math>(product, of.row_norm(i), of.column_norm(j));
    along += T(2) * w * d.row;
    return w * d.dot;
  }
  /// The sum over the 16 threads of a row, in order, for all of them.
  template <class Block, class Get>
  PRETEXT_DEVICE void join(Block& block, const Get& get) const {
    block.each([&](int t, state& own, shared& s) {
      PRETEXT_UNROLL
      for (int r = 0; r < tile::own_rows; ++r) s.row_parts[tile::row(t, r)][t % 16] = get(own, r);
    });
    block.each([&](int t, state& own, shared& s) {
      PRETEXT_UNROLL
      for (int r = 0; r < tile::own_rows; ++r) {
        T sum = T(0);
        for (int k = 0; k < 16; ++k) sum += s.row_parts[tile::row(t, r)][k];
        get(own, r) = sum;
      }
    });
  }
};

/// Adds the runs of a gradient in order.
template <class T>
struct join_gradients_body {
  const T *parts, *inverse_temperature;
  T weight;
  T* d_rows;
  index_t rows, width, runs;
  PRETEXT_DEVICE void operator()(index_t i, index_t e) const {
    T sum = T(0);
    for (index_t k = 0; k < runs; ++k) sum += parts[(k * rows + i) * width + e];
    d_rows[i * width + e] += weight * *inverse_temperature * sum;
  }
};
template <class T>
struct join_expected_body {
  const T* parts;
  T* expected;
  index_t rows, runs;
  PRETEXT_DEVICE void operator()(index_t i, index_t) const {
    T sum = T(0);
    for (index_t k = 0; k < runs; ++k) sum += parts[k * rows + i];
    expected[i] = sum;
  }
};

/// Each row with its own positive: a warp a row.
template <class Pair, class T>
struct positive_kernel {
  static constexpr int threads = row_threads;
  using shared = nothing;
  struct state {
    T dot, row, other;
  };

  Pair pair;
  const T *rows, *others, *inverse_temperature;
  bool count_it, backward;
  T* lse;                // forward: joined with the score
  T* scores;
  const T* kept_lse;     // backward
  T weight;
  T *d_rows, *expected;
  index_t count, width;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    const auto add = [&](state& own, index_t at, index_t) {
      const T a = rows[at], b = others[at];
      own.dot += a * b;
      own.row += a * a;
      own.other += b * b;
    };
    sums_of_row(block, count, width, add, &state::dot, &state::row, &state::other);
    each_row(block, count, [&](int t, state& own, index_t i) {
      const T it = *inverse_temperature, s = it * pair.template score<scalar_math>(own.dot, own.row, own.other);
      if (!backward) {
        if (t % warp != 0) return;
        scores[i] = s;
        if (!count_it) return;
        const T l = lse[i], top = l > s ? l : s, low = l > s ? s : l;
        lse[i] = top + scalar_math::log(T(T(1) + scalar_math::exp(T(low - top))));
        return;
      }
      const T p = count_it ? scalar_math::exp(T(s - kept_lse[i])) : T(0);
      const auto d = pair.template derivative<scalar_math>(own.dot, own.row, own.other);
      const T scale = weight * (p - T(1)) * it;
      own_columns(t, width, [&](index_t e) {
        const index_t at = i * width + e;
        d_rows[at] += scale * (d.dot * others[at] + d.row * T(2) * rows[at]);
      });
      if (expected != nullptr && t % warp == 0) expected[i] += p * s;
    });
  }
};

}  // namespace pretext::backend::blocks
