// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "../config.hpp"
#include "../core/index.hpp"

/// The one matrix product of the evaluations. It is here, and not Eigen's, because a header that evaluates is included
/// with everything else: Eigen's product and eigenvalues cost more compile time than the whole budget of pretext.hpp.
namespace pretext::eval::detail {

/// 16 bytes wide on every machine, so that packed panels have one format in all translation units, whatever their flags.
template <class T>
struct lane_of;
template <>
struct lane_of<float> {
  typedef float type __attribute__((vector_size(16)));
};
template <>
struct lane_of<double> {
  typedef double type __attribute__((vector_size(16)));
};

/// Columns in a panel: two lanes.
template <class T>
inline constexpr index_t panel_width = static_cast<index_t>(32 / sizeof(T));

template <class T>
constexpr index_t panel_count(index_t columns) {
  return ceil_div(columns, panel_width<T>);
}

/// Copies b(k, j) = b[k step_k + j step_j] into panels: panel p holds, for each k, its columns side by side, zero padded.
template <class T>
inline void pack_panels(const T* b, index_t step_k, index_t step_j, index_t depth, index_t columns, T* out) {
  constexpr index_t width = panel_width<T>;
  for (index_t first = 0; first < columns; first += width) {
    const index_t wide = std::min(width, columns - first);
    for (index_t k = 0; k < depth; ++k) {
      for (index_t j = 0; j < wide; ++j) out[j] = b[k * step_k + (first + j) * step_j];
      for (index_t j = wide; j < width; ++j) out[j] = T(0);
      out += width;
    }
  }
}

/// c(j) += the first `columns` sums of two lanes.
template <class T, class C>
PRETEXT_APART void add_lanes(typename lane_of<T>::type low, typename lane_of<T>::type high, index_t columns, C* c) {
  T sums[panel_width<T>];
  std::memcpy(sums, &low, sizeof low);
  std::memcpy(sums + panel_width<T> / 2, &high, sizeof high);
  for (index_t j = 0; j < columns; ++j) c[j] += static_cast<C>(sums[j]);
}

/// One tile: `rows` rows and at most as many as the pack `R` is long, one or two lanes wide. A pack and not a loop, so that the
/// sums are named at compile time and live in registers at any optimisation level above none. Where rows are missing the last
/// one stands in for them.
template <class T, int Lanes, class C, std::size_t... R>
inline void multiply_tile(std::index_sequence<R...>, const T* a, index_t step_i, index_t step_k, index_t rows, const T* panel,
                          index_t depth, C* c, index_t c_stride, index_t columns) {
  using lane = typename lane_of<T>::type;
  constexpr index_t width = panel_width<T>, half = width / 2;
  const T* x[] = {a + std::min(static_cast<index_t>(R), rows - 1) * step_i...};
  lane low[sizeof...(R)] = {}, high[sizeof...(R)] = {};
  for (index_t k = 0; k < depth; ++k) {
    const index_t at = k * step_k;
    lane b;
    std::memcpy(&b, panel + k * width, sizeof b);
    ((low[R] += x[R][at] * b), ...);
    if constexpr (Lanes == 2) {
      std::memcpy(&b, panel + k * width + half, sizeof b);
      ((high[R] += x[R][at] * b), ...);
    }
  }
  ((static_cast<index_t>(R) < rows ? add_lanes<T>(low[R], high[R], columns, c + static_cast<index_t>(R) * c_stride) : void()), ...);
}

template <class T, int Lanes, std::size_t Rows, class C>
inline void multiply_rows(const T* a, index_t step_i, index_t step_k, index_t rows, const T* panel, index_t depth, C* c,
                          index_t c_stride, index_t columns) {
  for (index_t i = 0; i < rows; i += static_cast<index_t>(Rows))
    multiply_tile<T, Lanes>(std::make_index_sequence<Rows>{}, a + i * step_i, step_i, step_k, rows - i, panel, depth,
                            c + i * c_stride, c_stride, columns);
}

/// c(i, j) += sum_k a(i, k) panel(k, j) for one panel; a(i, k) = a[i step_i + k step_k], c row-major.
/// Each sum runs over k in order in one accumulator of type T and is then added to C, so neither the number of rows nor
/// the place of a row among them changes its bits.
template <class T, class C>
inline void multiply_panel(const T* a, index_t step_i, index_t step_k, index_t rows, const T* panel, index_t depth,
                           C* c, index_t c_stride, index_t columns) {
  if (columns > panel_width<T> / 2)
    multiply_rows<T, 2, 4>(a, step_i, step_k, rows, panel, depth, c, c_stride, columns);
  else  // ten classes are a panel and a quarter: half of the second one is not worth computing
    multiply_rows<T, 1, 8>(a, step_i, step_k, rows, panel, depth, c, c_stride, columns);
}

/// c(i, j) += sum_k a(i, k) b(k, j), b packed with all its `depth` rows. Long sums are cut every 256 terms: the panel's
/// piece stays in the first cache and the rounding error of a float sum stays small.
template <class T, class C>
PRETEXT_APART void multiply_panels(const T* a, index_t step_i, index_t step_k, index_t rows, const T* panels, index_t depth,
                            index_t columns, C* c, index_t c_stride) {
  constexpr index_t width = panel_width<T>;
  constexpr index_t piece = 256;
  for (index_t k = 0; k < depth; k += piece) {
    const index_t deep = std::min(piece, depth - k);
    for (index_t j = 0; j < columns; j += width)
      multiply_panel(a + k * step_k, step_i, step_k, rows, panels + j * depth + k * width, deep, c + j, c_stride,
                     std::min(width, columns - j));
  }
}

}  // namespace pretext::eval::detail
