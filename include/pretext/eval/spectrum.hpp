// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "../core/index.hpp"
#include "feature_matrix.hpp"
#include "panel_product.hpp"
#include "parallel_loop.hpp"
#include "symmetric_eigen.hpp"

namespace pretext::eval {

namespace detail {

inline std::vector<double> column_means(const feature_view& x) {
  std::vector<double> mean(static_cast<std::size_t>(x.columns), 0.0);
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < x.columns; ++j) mean[static_cast<std::size_t>(j)] += static_cast<double>(x.row(i)[j]);
  for (double& m : mean) m /= static_cast<double>(x.rows);
  return mean;
}

/// X^T X (columns, columns), or X X^T (rows, rows) when `by_rows`, of x minus `centre`, in double.
/// Blocks of the summed index are converted one at a time; panels of a block run on the loop, each filling its own columns.
inline std::vector<double> gram_matrix(const feature_view& x, const std::vector<double>& centre, bool by_rows,
                                       parallel_loop loop) {
  constexpr index_t block = 256, width = panel_width<double>;
  const index_t n = by_rows ? x.rows : x.columns, depth = by_rows ? x.columns : x.rows;
  const index_t step_i = by_rows ? block : 1, step_k = by_rows ? 1 : x.columns;
  std::vector<double> c(static_cast<std::size_t>(n * n), 0.0);
  std::vector<double> piece(static_cast<std::size_t>(n * block));
  std::vector<double> panels(static_cast<std::size_t>(round_up(n, width) * block));
  for (index_t first = 0; first < depth; first += block) {
    const index_t deep = std::min(block, depth - first);
    const auto at = [&](index_t i, index_t j) {
      return static_cast<double>(x.row(i)[j]) - centre[static_cast<std::size_t>(j)];
    };
    for (index_t k = 0; k < deep; ++k)
      for (index_t i = 0; i < n; ++i)
        piece[static_cast<std::size_t>(i * step_i + k * step_k)] = by_rows ? at(i, first + k) : at(first + k, i);
    pack_panels(piece.data(), step_k, step_i, deep, n, panels.data());
    loop(ceil_div(n, width), [&](index_t p) {  // only rows up to the diagonal: the rest is the mirror image
      const index_t j = p * width, wide = std::min(width, n - j);
      multiply_panel(piece.data(), step_i, step_k, j + wide, panels.data() + j * deep, deep, c.data() + j, n, wide);
    });
  }
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < i; ++j) c[static_cast<std::size_t>(i * n + j)] = c[static_cast<std::size_t>(j * n + i)];
  return c;
}

}  // namespace detail

/// The min(rows, columns) singular values of the features, or of the features minus their mean, in falling order.
/// limits  found as roots of eigenvalues: those below 1e-8 of the largest are rounding
/// errors  pretext[eval.001] to [eval.003]
/// cost    N D min(N, D) + 4/3 min(N, D)^3 operations
inline std::vector<double> singular_values(const feature_view& x, bool centred = false, parallel_loop loop = {}) {
  detail::check_features(x, "features");
  const std::vector<double> centre =
      centred ? detail::column_means(x) : std::vector<double>(static_cast<std::size_t>(x.columns), 0.0);
  const bool by_rows = x.rows < x.columns;
  std::vector<double> values =
      symmetric_eigen(detail::gram_matrix(x, centre, by_rows, loop), by_rows ? x.rows : x.columns, true).values;
  for (double& v : values) v = v > 0 ? std::sqrt(v) : 0.0;
  return values;
}

/// exp(entropy) of a spectrum as shares: how many equal values would be spread as widely. 0 for a spectrum of zeros.
///   exp(-sum_k p_k log p_k), p_k = s_k / sum s + floor
/// laws    r equal values give r; unchanged by a factor
/// source  Roy and Vetterli 2007, "The effective rank"
inline double entropy_rank(const std::vector<double>& spectrum, double floor = 0) {
  double sum = 0, entropy = 0;
  for (const double s : spectrum) sum += s;
  if (!(sum > 0)) return 0;
  for (const double s : spectrum) {
    const double p = s / sum + floor;
    if (p > 0) entropy -= p * std::log(p);
  }
  return std::exp(entropy);
}

/// RankMe: the entropy rank of the singular values of the embeddings as they are.
/// source  Garrido et al. 2023, arXiv:2210.02885, equation 1
inline double rank_me(const feature_view& x, parallel_loop loop = {}) {
  return entropy_rank(singular_values(x, false, loop), 1e-7);
}

/// Roy and Vetterli's effective rank of the covariance matrix: the entropy rank of the variances along its axes.
/// Smaller than RankMe of the same features, because variances are squares and the mean is taken away.
inline double effective_rank(const feature_view& x, parallel_loop loop = {}) {
  std::vector<double> variances = singular_values(x, true, loop);
  for (double& v : variances) v *= v;
  return entropy_rank(variances);
}

}  // namespace pretext::eval
