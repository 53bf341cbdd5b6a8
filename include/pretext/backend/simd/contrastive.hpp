// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../../core/thread_pool.hpp"
#include "../ops/contrastive.hpp"
#include "gemm.hpp"
#include "simd_math.hpp"
#include "vector_math.hpp"

/// What sweeps over the pairs of a contrastive loss share: blocks of scores are computed, used and forgotten, so memory is
/// linear in the rows. contrastive_lse.hpp and contrastive_gradient.hpp have the sweeps, docs/design/contrastive.md the why.
namespace pretext::simd {

/// Rows q (M, D) against columns k (N, D).
template <class T>
struct contrast {
  index_t rows, columns, width;
  const T* q;
  index_t q_stride;
  const T* k;
  index_t k_stride;
};

/// Rows q against columns k under a mask and a pair functor score(dot, |row|^2, |column|^2).
template <class T, class Pair, class Mask = op::pair_mask>
struct pair_sweep {
  const Pair& pair;
  contrast<T> sizes;
  Mask mask;
  T inverse_temperature;
  const std::int32_t* row_positives = nullptr;     // (M), column of each row
  const std::int32_t* column_positives = nullptr;  // (N), row of each column

  constexpr bool drops_positive() const { return Mask::may_drop_positive && mask.drop_positive; }
  bool is_self(index_t i, index_t j) const { return mask.self_offset >= 0 && j == i + mask.self_offset; }

  /// Scores of a row with the columns of a vector, from their dots; `it` is the inverse temperature.
  template <class Arch>
  vec<T, Arch> score(const vec<T, Arch>& dot, const vec<T, Arch>& row_norm, const vec<T, Arch>& column_norm,
                     const vec<T, Arch>& it) const {
    return pair.template score<simd_math<T, Arch>>(dot, row_norm, column_norm) * it;
  }
};

/// Rows [i, i + rows) against columns [j, j + columns). Mirrored: each pair stands for (j, i) as well.
struct pair_block {
  index_t i, rows, j, columns;
  bool mirrored;

  /// On the diagonal of a mirrored sweep only pairs with row < column count.
  bool upper() const { return mirrored && i == j; }
};

namespace detail {

/// A pair functor that says that score(dot, a, b) = score(dot, b, a).
template <class Pair>
concept IsSymmetric = requires { requires static_cast<bool>(Pair::symmetric); };

/// Blocks of `side` rows that cover the pairs of `rows` rows with themselves once, in rounds whose blocks have no row in
/// common: a tournament. Fixed by the sizes, so what adds up along rows does so in one order, whoever does it.
PRETEXT_APART inline void each_mirrored_block(thread_pool& pool, index_t rows, index_t side,
                                              void (*call)(void*, const pair_block&, int), void* body) {
  const index_t blocks = ceil_div(rows, side), players = round_up(blocks, 2);
  for (index_t round = 0; round + 1 < players; ++round)
    pool.parallel_for_worker(players / 2, [&](index_t table, int worker) {
      index_t a = table == 0 ? players - 1 : (round + table) % (players - 1);
      index_t b = (round + players - 1 - table) % (players - 1);
      if (a > b) std::swap(a, b);
      const auto meet = [&](index_t x, index_t y) {
        if (y >= blocks) return;  // the one without a partner
        const auto length = [&](index_t z) { return rows - z * side < side ? rows - z * side : side; };
        call(body, {x * side, length(x), y * side, length(y), true}, worker);
      };
      if (round == 0) {
        meet(a, a);
        meet(b, b);
      }
      meet(a, b);
    });
}

/// All columns for each block of rows.
PRETEXT_APART inline void each_block(thread_pool& pool, index_t rows, index_t columns, index_t row_step, index_t side,
                                     void (*call)(void*, const pair_block&, int), void* body) {
  pool.parallel_for_worker(ceil_div(rows, row_step), [&](index_t task, int worker) {
    const index_t i = task * row_step, count = rows - i < row_step ? rows - i : row_step;
    for (index_t j = 0; j < columns; j += side)
      call(body, {i, count, j, columns - j < side ? columns - j : side, false}, worker);
  });
}

/// Sizes of a sweep and of its scratch in elements of T, from the problem's sizes alone.
template <class T, class Arch, bool UsesNorms>
struct pair_plan {
  static constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  /// Rows and columns of a block at most: its weights (150 KB of floats) lie in the second cache, a strip of R rows in the first.
  static constexpr index_t most = 192;
  static constexpr index_t weight_stride = most + 16;  // no power of two: rows of a tile fall into different cache sets
  static_assert(most % R == 0 && most % C == 0);
  index_t rows, columns, width, padded_width, padded_columns, side, row_step;

  pair_plan(index_t m, index_t n, index_t d, const op::pair_mask& mask)
      : rows(m), columns(n), width(d), padded_width(round_up(d, C)), padded_columns(round_up(n, C)),
        side(mask.same_rows ? limited(round_up(ceil_div(n, index_t{4}), C)) : most),
        row_step(limited(round_up(ceil_div(m, index_t{8}), R))) {}

  index_t norms_size() const { return UsesNorms ? round_up(padded_columns, 16) : 0; }
  /// k transposed in panels of C columns: what the scores are computed from.
  index_t panels_size() const { return round_up(padded_columns * width, 16); }
  /// k in blocks of `side` rows, panels of C of the width: what the gradient is added up from.
  index_t direct_size() const { return round_up(padded_columns * padded_width, 16); }
  /// Scores of R rows with the columns of a block, and a copy of the R rows.
  index_t strip_size() const { return R * most + round_up(R * (width + 16), 16); }

  template <class Body>
  void for_each_block(thread_pool& pool, bool mirrored, Body&& body) const {
    const auto call = [](void* b, const pair_block& block, int worker) { (*static_cast<std::remove_reference_t<Body>*>(b))(block, worker); };
    if (mirrored) each_mirrored_block(pool, rows, side, call, &body);
    else each_block(pool, rows, columns, row_step, side, call, &body);
  }

 private:
  static index_t limited(index_t n) { return n < most ? n : most; }
};

template <class T, class Arch>
T squared_norm(const T* row, index_t width) {
  using O = vector_ops<T, Arch>;
  auto sum = O::zero();
  for (index_t d = 0; d < width; d += O::width) {
    const auto v = O::load_some(row + d, width - d < O::width ? width - d : O::width);
    sum = O::fma(v, v, sum);
  }
  return O::sum(sum);
}

/// Transposed panels of k and, where they matter, its squared norms, zero beyond the end.
template <class T, class Arch, bool UsesNorms>
void pack_columns(thread_pool& pool, const contrast<T>& p, T* panels, T* norms) {
  constexpr index_t C = tile_shape<T, Arch>::columns;
  pool.parallel_for(ceil_div(p.columns, C), 4, [&](index_t first, index_t last) {
    for (index_t begin = first * C; begin < last * C; begin += C) {
      const index_t count = p.columns - begin < C ? p.columns - begin : C;
      transpose_panel<T, Arch>(p.k + begin * p.k_stride, p.k_stride, p.width, count, panels + begin * p.width);
      if constexpr (UsesNorms)
        for (index_t j = 0; j < C; ++j)
          norms[begin + j] = j < count ? squared_norm<T, Arch>(p.k + (begin + j) * p.k_stride, p.width) : T(0);
    }
  });
}

/// Dots of up to R rows from row i with columns [first, columns) of the panels, row r at strip[r * Stride]. `copy` holds
/// R rows: of a tile that is not whole, or whose rows would share their cache sets.
template <class T, class Arch, index_t Stride>
PRETEXT_APART void dot_strip(const contrast<T>& p, index_t i, index_t count, const T* panels, index_t first, index_t columns, T* strip, T* copy) {
  constexpr index_t conflict = 2048 / static_cast<index_t>(sizeof(T));
  const dense_left<T, Arch> left{p.q, p.q_stride, 1, p.q_stride % conflict != 0};
  const strided<T> rows = left.block(i, count, 0, p.width, copy);
  const store_result<T, Arch> store{{strip, Stride}, false};
  constexpr index_t C = tile_shape<T, Arch>::columns;
  for (index_t j = first; j < columns; j += C)
    run_tile<T, Arch>(p.width, rows, panels + j * p.width, store, 0, j, count, C, true, true);
}

/// Scores known to lie in [least, greatest] need no running maximum forward, exp(s - middle) is a number of the type, and
/// backward one exponential for both sides of a pair: exp(s - row_lse_i) + exp(s - column_lse_j) = exp(s - middle) (a_i + a_j)
/// with a = exp(middle - lse).
template <class Pair>
concept HasRange = requires {
  { Pair::least } -> std::convertible_to<double>;
  { Pair::greatest } -> std::convertible_to<double>;
};
template <class T>
struct shared_exponential {
  T middle = 0;
  bool safe = false;

  /// Half the range of the scores is the largest exponent. It must leave room for a log of the number of columns below it,
  /// or the a would lose bits as denormal numbers: a low temperature takes the general way.
  template <class Pair>
  static shared_exponential of(T inverse_temperature) {
    if constexpr (HasRange<Pair>) {
      constexpr double most = sizeof(T) == 4 ? 70 : 600;
      const double it = static_cast<double>(inverse_temperature);
      return {static_cast<T>((Pair::greatest + Pair::least) / 2 * it), (Pair::greatest - Pair::least) / 2 * it <= most};
    } else {
      return {};
    }
  }
};

}  // namespace detail

}  // namespace pretext::simd
