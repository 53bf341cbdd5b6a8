// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "block_moments.hpp"
#include "vector_ops.hpp"

namespace pretext::simd {

/// The block of a product that lives in registers: `rows` broadcasts against `vectors` loads.
/// 12 x 2 leaves 8 of 32 registers for operands (AVX-512, NEON), 6 x 2 leaves 4 of 16; without fused multiply-add one more is
/// needed.
template <class T, class Arch>
struct tile_shape {
  static constexpr int rows = Arch::vector_bytes == 64 || XSIMD_WITH_NEON64 ? 12 : Arch::vector_bytes == 32 ? 6 : 4;
  static constexpr int vectors = 2;
  static constexpr index_t columns = vectors * lanes<T, Arch>;
};

/// Rows of a left operand wherever they lie: element (i, p) of tile t at data[t * tile_stride + i * row_stride + p *
/// step_stride].
template <class T>
struct strided {
  const T* data;
  index_t row_stride;
  index_t step_stride;
  index_t tile_stride = 0;

  strided tile(index_t t) const { return {data + t * tile_stride, row_stride, step_stride, tile_stride}; }
};

/// What a tile asks for while it computes, because another will need it soon: a line a step, `step` elements on each time.
template <class T>
struct read_ahead {
  const T* from = nullptr;
  index_t step = 0;
};
/// What a tile copies while it computes: a vector a step, to one after another, from rows of two vectors that lie `row` elements
/// apart. It goes on by `step` and row - step in turn, which is a vector within a row and the rest of the way to the next.
template <class T>
struct copy_ahead {
  const T* from = nullptr;
  T* to = nullptr;
  index_t row = 0;
  index_t step = 0;
};
struct no_ahead {};

template <class T, class Arch, int R, int V>
struct tile_accumulator {
  vec<T, Arch> at[R][V];
};

/// What elements of type T of packed operands are summed in. An element may hold several terms of a sum
/// (gemm_bfloat16.hpp); a step of the kernel is one element.
template <class T>
struct packed_element {
  using sum = T;
  static constexpr index_t tail = 0;  // steps after a block's last one: scales (gemm_block16.hpp)
  static constexpr index_t most_steps = 4096 / static_cast<index_t>(sizeof(T));  // in a block
};
template <class T>
using sum_of = typename packed_element<T>::sum;

/// result(r, v) = sum over p in order of a(r, p) * b(p, v), one chain of fused multiply-adds per element: its bits do not
/// depend on R, V or on where the operands lie. `b` has tile_shape::columns elements per step.
/// n counts the registers of the tile, V to a row; a pack and not a loop, so that each is a register.
template <class Arch, class T, class Ahead, int R, int V, std::size_t... n>
inline void multiply_tile(index_t steps, const strided<T>& a, const T* b, Ahead ahead,
                          tile_accumulator<sum_of<T>, Arch, R, V>& result, std::index_sequence<n...>) {
  using O = vector_ops<T, Arch>;
  tile_accumulator<sum_of<T>, Arch, R, V> acc;
  ((acc.at[n / V][n % V] = O::zero()), ...);
  // Two pointers six rows apart share five offsets, so that every address stays in a register; with an array of
  // pointers or eleven offsets g++ reads some of them from memory at every step.
  constexpr int half = 6;
  const T* upper = a.data;
  const T* lower = a.data + half * a.row_stride;
  const index_t row_stride = a.row_stride, step_stride = a.step_stride;
  for (index_t left = steps; left > 0; --left) {
    typename O::vector bv[V];
    ((n < V ? void(bv[n % V] = O::load(b + n % V * O::width)) : void()), ...);
    // The compiler reads and spreads a row's value once for its V vectors.
    ((acc.at[n / V][n % V] = O::fma(O::set((n / V < half ? upper : lower)[static_cast<index_t>(n / V % half) * row_stride]),
                                    bv[n % V], acc.at[n / V][n % V])), ...);
    if constexpr (std::is_same_v<Ahead, read_ahead<T>>) {
      __builtin_prefetch(ahead.from, 0, 2);
      ahead.from += ahead.step;
    } else if constexpr (std::is_same_v<Ahead, copy_ahead<T>>) {
      // Six rows before they are copied: many more do not fit into the first-level cache where rows lie 4 KiB apart.
      __builtin_prefetch(ahead.from + 6 * ahead.row);
      O::store(ahead.to, O::load(ahead.from));
      ahead.to += O::width;
      ahead.from += ahead.step;
      ahead.step = ahead.row - ahead.step;
    }
    upper += step_stride;
    if constexpr (R > half) lower += step_stride;
    b += tile_shape<T, Arch>::columns;
  }
  if constexpr (packed_element<T>::tail > 0) {
    vec<sum_of<T>, Arch> columns[V];
    ((n < V ? void(columns[n % V] = O::scales(b + n % V * O::width)) : void()), ...);
    ((result.at[n / V][n % V] =
          O::finish(acc.at[n / V][n % V], O::scale((n / V < half ? upper : lower)[static_cast<index_t>(n / V % half) * row_stride]),
                    columns[n % V])), ...);
  } else {
    ((result.at[n / V][n % V] = acc.at[n / V][n % V]), ...);
  }
}

/// Where row i of a result begins: one after another, or every few pixels of every few lines of a map.
template <class T>
struct result_rows {
  T* data;
  index_t stride;
  index_t part_stride = 0;   // from one partial product to the next
  index_t width = 0, height = 0;  // rows in a line and lines in a map; 0: rows follow each other
  index_t line_stride = 0, map_stride = 0;

  T* operator()(index_t i) const {
    if (width == 0) return data + i * stride;
    const index_t line = i / width;
    return data + i % width * stride + line % height * line_stride + line / height * map_stride;
  }
  /// Rows i, i + 1, ... at column j; the question whether they follow each other is asked once.
  void find(index_t i, index_t j, index_t rows, T** to) const {
    if (width == 0) {
      T* at = data + i * stride + j;
      for (index_t r = 0; r < rows; ++r, at += stride) to[r] = at;
    } else {
      for (index_t r = 0; r < rows; ++r) to[r] = (*this)(i + r) + j;
    }
  }
  result_rows part(index_t s) const {
    result_rows moved = *this;
    moved.data += s * part_stride;
    return moved;
  }
};

/// What becomes of a finished sum of column j: max(least, sum + bias[j]). Minus infinity leaves all as it is, NaN too.
template <class T>
struct finished {
  const T* bias = nullptr;
  T least = -std::numeric_limits<T>::infinity();
  /// Where the kernels of a convolution that can take them leave the moments of what they finish (conv2d.hpp: forward_blocks).
  block_moments<T> moments = {};

  constexpr finished() = default;
  constexpr finished(const T* b) : bias(b) {}
  constexpr finished(const T* b, T l) : bias(b), least(l) {}
  /// Of the columns from j on.
  constexpr finished from(index_t j) const {
    finished f(bias ? bias + j : nullptr, least);
    if (moments) f.moments = {moments.data + j, moments.columns};
    return f;
  }
  constexpr bool clamps() const { return least > -std::numeric_limits<T>::infinity(); }
};

/// Epilogue: result rows, stored as Y, = product (+ what is there), finished. What is stored in fewer digits than summed is to come
/// in one block of steps (multiply_into).
/// An epilogue is told by expect(i, j, rows) which rows come next, then gets the tile at (i, j) with rows x columns of it valid; `first` and `last` tell the block of steps.
template <class T, class Arch, class Y = T>
struct store_result {
  result_rows<Y> row;
  bool accumulate = false;
  finished<T> finish{};
  /// Whole tiles go past the caches: where vector_ops::streams says so of the result, and one block of steps is all there is.
  bool streams = false;
  static constexpr bool copies_ahead = std::is_same_v<Y, T>;

  /// Where partial product s goes.
  store_result part(index_t s) const { return {row.part(s), accumulate, finish, streams}; }

  /// Called before the product is computed, so that the result's lines arrive meanwhile.
  void expect(index_t i, index_t j, index_t rows) const {
    const auto fetch = [](const Y* to) {
      __builtin_prefetch(to, 1);
      __builtin_prefetch(to + tile_shape<T, Arch>::columns - 1, 1);
    };
    if (row.width == 0) {
      const Y* to = row.data + i * row.stride + j;
      for (index_t r = 0; r < rows; ++r, to += row.stride) fetch(to);
    } else {
      for (index_t r = 0; r < rows; ++r) fetch(row(i + r) + j);
    }
  }

  template <int R, int V>
  void operator()(tile_accumulator<T, Arch, R, V>& acc, index_t i, index_t j, index_t rows, index_t columns, bool first,
                  bool last) const {
    using O = vector_ops<T, Arch>;
    bool add = accumulate || !first;
    if (last && finish.bias) add_bias(acc, finish.bias + j, columns);
    if (last && finish.clamps()) {
      clamp(acc, i, j, rows, columns, add);
      add = false;
    }
    if (rows == R && columns == V * O::width) {
      Y* to[R];  // all read before the first store, which may change anything as far as the compiler knows
      row.find(i, j, R, to);
      const auto whole = [&](auto how) {
        [&]<std::size_t... n>(std::index_sequence<n...>) {
          (store_vector<how.value>(to[n / V] + static_cast<index_t>(n % V) * O::width, acc.at[n / V][n % V]), ...);
        }(std::make_index_sequence<static_cast<std::size_t>(R * V)>{});
      };
      if (add) whole(std::integral_constant<int, added>{});
      else if (streams) whole(std::integral_constant<int, streamed>{});
      else whole(std::integral_constant<int, written>{});
    } else {
      store_part(acc, i, j, rows, columns, add);
    }
  }

 private:
  static constexpr int written = 0, added = 1, streamed = 2;
  template <int How>
  static void store_vector(Y* to, const vec<T, Arch>& x) {
    using O = vector_ops<T, Arch>;
    if constexpr (How == added) O::store(to, O::load(to) + x);
    else if constexpr (How == streamed) O::stream(to, x);
    else O::store(to, x);
  }
  template <int R, int V>
  static void add_bias(tile_accumulator<T, Arch, R, V>& acc, const T* biases, index_t columns) {
    using O = vector_ops<T, Arch>;
    for (int v = 0; v < V; ++v) {
      const index_t left = columns - v * O::width;
      if (left <= 0) break;
      const auto shift = left >= O::width ? O::load(biases + v * O::width) : O::load_some(biases + v * O::width, left);
      for (int r = 0; r < R; ++r) acc.at[r][v] = acc.at[r][v] + shift;
    }
  }
  /// Takes in what is there, since only the whole sum may be clamped.
  template <int R, int V>
  PRETEXT_APART void clamp(tile_accumulator<T, Arch, R, V>& acc, index_t i, index_t j, index_t rows, index_t columns, bool add) const {
    using O = vector_ops<T, Arch>;
    const auto least = O::set(finish.least);
    for (index_t r = 0; r < rows; ++r) {
      const Y* there = row(i + r) + j;
      for (int v = 0; v < V; ++v) {
        const index_t left = columns - v * O::width;
        if (left <= 0) break;
        auto& x = acc.at[r][v];
        if (add) x = O::load_some(there + v * O::width, left < O::width ? left : O::width) + x;
        x = O::max(least, x);
      }
    }
  }
  /// Apart, so that whole tiles do not pay for its registers.
  template <int R, int V>
  PRETEXT_APART void store_part(const tile_accumulator<T, Arch, R, V>& acc, index_t i, index_t j, index_t rows, index_t columns,
                                bool add) const {
    using O = vector_ops<T, Arch>;
    for (index_t r = 0; r < rows; ++r) {
      Y* to = row(i + r) + j;
      for (int v = 0; v < V; ++v) {
        const index_t left = columns - v * O::width;
        if (left <= 0) break;
        const auto x = acc.at[r][v];
        if (left >= O::width)
          O::store(to + v * O::width, add ? O::load(to + v * O::width) + x : x);
        else
          O::store_some(to + v * O::width, add ? O::load_some(to + v * O::width, left) + x : x, left);
      }
    }
  }
};

/// Whether tiles with this epilogue can copy ahead: a tile more to compile, so only where products with few rows end.
template <class T, class Epilogue>
constexpr bool copies_ahead() {
  if constexpr (std::is_same_v<sum_of<T>, T> && requires { Epilogue::copies_ahead; })
    return Epilogue::copies_ahead;
  else
    return false;
}

namespace detail {
/// A tile of R x V, with its epilogue.
template <int R, int V, class Arch, class T, class Epilogue, class Ahead>
inline void run_tile_of(index_t steps, const strided<T>& a, const T* b, const Epilogue& epilogue, index_t i, index_t j, index_t rows,
                        index_t columns, bool first, bool last, Ahead ahead) {
  tile_accumulator<sum_of<T>, Arch, R, V> acc;
  epilogue.expect(i, j, rows);
  multiply_tile<Arch>(steps, a, b, ahead, acc, std::make_index_sequence<static_cast<std::size_t>(R * V)>{});
  epilogue(acc, i, j, rows, columns, first, last);
}
}  // namespace detail

/// Picks the narrowest compiled tile that holds rows x columns and runs it with its epilogue. Whole tiles read ahead.
template <class T, class Arch, class Epilogue>
PRETEXT_APART void run_tile(index_t steps, const strided<T>& a, const T* b, const Epilogue& epilogue, index_t i, index_t j, index_t rows,
              index_t columns, bool first, bool last, read_ahead<T> ahead = {}) {
  constexpr int R = tile_shape<T, Arch>::rows, two_thirds = 2 * R / 3, third = R / 3 < 2 ? 2 : R / 3;
  const auto go = [&](auto r, auto v, auto what) {
    detail::run_tile_of<decltype(r)::value, decltype(v)::value, Arch>(steps, a, b, epilogue, i, j, rows, columns, first, last, what);
  };
  const auto with_rows = [&](auto v) {
    if (rows > two_thirds)
      go(std::integral_constant<int, R>{}, v, no_ahead{});
    else if (rows > third)
      go(std::integral_constant<int, two_thirds>{}, v, no_ahead{});
    else
      go(std::integral_constant<int, third>{}, v, no_ahead{});
  };
  if (columns <= lanes<T, Arch>)
    with_rows(std::integral_constant<int, 1>{});
  else if (rows == R && ahead.from != nullptr)
    go(std::integral_constant<int, R>{}, std::integral_constant<int, 2>{}, ahead);
  else
    with_rows(std::integral_constant<int, 2>{});
}

/// A whole tile that copies ahead. Apart from run_tile, which would have fewer registers with it (3 % slower at 1024^3).
template <class T, class Arch, class Epilogue>
PRETEXT_APART void run_copying_tile(index_t steps, const strided<T>& a, const T* b, const Epilogue& epilogue, index_t i, index_t j,
                                    index_t columns, bool first, bool last, copy_ahead<T> ahead) {
  constexpr int R = tile_shape<T, Arch>::rows;
  detail::run_tile_of<R, 2, Arch>(steps, a, b, epilogue, i, j, R, columns, first, last, ahead);
}

}  // namespace pretext::simd
