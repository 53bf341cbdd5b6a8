// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../core/thread_pool.hpp"
#include "gemm.hpp"

/// What sweeps over the pairs of a contrastive loss share: strips of a tile's rows by a few hundred columns are computed,
/// used and forgotten, so memory is linear in the rows. contrastive_pairs.hpp has the sweeps.
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

namespace detail {

/// Sizes of the streaming sweep, from the problem's sizes alone.
template <class T, class Arch>
struct contrast_plan {
  static constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  static constexpr index_t strip = 256;                    // columns a row tile handles at once, a multiple of C
  static constexpr index_t rows_per_task = R * 4;
  index_t width, padded_width, padded_columns;

  contrast_plan(index_t columns, index_t d)
      : width(d), padded_width(round_up(d, C)), padded_columns(round_up(columns, C)) {}
  /// k transposed in panels of C columns: what the similarities are computed from.
  index_t transposed_size() const { return padded_columns * width; }
  /// k in blocks of `strip` rows, panels of C of the width: what the gradient is added up from.
  index_t direct_size() const { return padded_columns * padded_width; }
  index_t worker_size(bool gradient) const {
    return round_up(R * strip + rows_per_task * (width + 16) + (gradient ? rows_per_task * padded_width : 0), 16);
  }
};

template <class T, class Arch>
void pack_transposed(thread_pool& pool, const contrast<T>& p, T* to) {
  constexpr index_t C = tile_shape<T, Arch>::columns;
  pool.parallel_for(p.columns, C, [&](index_t begin, index_t end) {
    transpose_panel<T, Arch>(p.k + begin * p.k_stride, p.k_stride, p.width, end - begin, to + begin * p.width);
  });
}

/// The similarities' dots of R rows and up to `strip` columns, row r at strip[r * plan::strip].
template <class T, class Arch>
void dot_strip(strided<T> rows, index_t count, index_t columns, index_t width, const T* panels, T* strip) {
  using plan = contrast_plan<T, Arch>;
  const store_result<T, Arch> store{{strip, plan::strip}, false, nullptr};
  for (index_t j = 0; j < columns; j += plan::C)
    run_tile<T, Arch>(width, rows, panels + j * width, store, 0, j, count, plan::C, true, true);
}

}  // namespace detail

}  // namespace pretext::simd
