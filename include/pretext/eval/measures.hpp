// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "feature_matrix.hpp"
#include "panel_product.hpp"
#include "parallel_loop.hpp"
#include "spectrum.hpp"

namespace pretext::eval {

namespace detail {

inline void check_two_rows(const feature_view& x, const char* what) {
  check_features(x, what);
  if (x.rows < 2)
    throw_error("eval.013", {what, ": one row says nothing about spread; pass at least two"});
}

/// Rows of length 1 in double; a row of zeros stays zero.
inline std::vector<double> unit_rows(const feature_view& x) {
  std::vector<double> out(x.values.size());
  for (index_t i = 0; i < x.rows; ++i) {
    double squares = 0;
    for (index_t j = 0; j < x.columns; ++j) squares += static_cast<double>(x.row(i)[j]) * static_cast<double>(x.row(i)[j]);
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0.0;
    for (index_t j = 0; j < x.columns; ++j)
      out[static_cast<std::size_t>(i * x.columns + j)] = static_cast<double>(x.row(i)[j]) * scale;
  }
  return out;
}

}  // namespace detail

/// How close two views of one sample lie, on the unit sphere: 0 when equal, 4 when opposite (alpha 2).
///   mean_i |a_i / |a_i| - b_i / |b_i||^alpha
/// shapes  a, b (N, D); row i of both is the same sample
/// errors  pretext[eval.001] to [eval.003]; pretext[eval.014] the two differ in shape
/// source  Wang and Isola 2020, arXiv:2005.10242, equation 2
inline double alignment(const feature_view& a, const feature_view& b, double alpha = 2) {
  detail::check_features(a, "first views");
  detail::check_features(b, "second views");
  if (a.rows != b.rows || a.columns != b.columns)
    throw_error("eval.014", {"alignment: first views are ", a.rows, " x ", a.columns, " and second ", b.rows, " x ", b.columns,
        "; row i of both must be the same sample"});
  const std::vector<double> x = detail::unit_rows(a), y = detail::unit_rows(b);
  double sum = 0;
  for (index_t i = 0; i < a.rows; ++i) {
    double squares = 0;
    for (index_t j = 0; j < a.columns; ++j) {
      const double apart = x[static_cast<std::size_t>(i * a.columns + j)] - y[static_cast<std::size_t>(i * a.columns + j)];
      squares += apart * apart;
    }
    sum += std::pow(squares, 0.5 * alpha);
  }
  return sum / static_cast<double>(a.rows);
}

/// How evenly rows cover the unit sphere: 0 when all are equal, lower is more uniform, never below -4 t.
///   log mean_{i < j} exp(-t |z_i - z_j|^2), z on the unit sphere
/// errors  pretext[eval.001] to [eval.003]; pretext[eval.013] fewer than two rows
/// cost    N^2 D operations, 2 N D + 64 N values: take a few thousand rows (take_rows)
/// repeat  same bits for any loop
/// source  Wang and Isola 2020, arXiv:2005.10242, equation 3
inline double uniformity(const feature_view& z, double t = 2, parallel_loop loop = {}) {
  detail::check_two_rows(z, "embeddings");
  constexpr index_t block = 64;
  const index_t n = z.rows, d = z.columns;
  const std::vector<double> x = detail::unit_rows(z);
  std::vector<double> squares(static_cast<std::size_t>(n));
  for (index_t i = 0; i < n; ++i) squares[static_cast<std::size_t>(i)] = detail::dot_row(x.data() + i * d, x.data() + i * d, d);
  std::vector<double> panels(static_cast<std::size_t>(round_up(n, detail::panel_width<double>) * d));
  detail::pack_panels(x.data(), 1, d, d, n, panels.data());
  std::vector<double> sums(static_cast<std::size_t>(ceil_div(n, block)), 0.0);
  loop(ceil_div(n, block), [&](index_t which) {
    const index_t first = which * block, count = std::min(block, n - first);
    std::vector<double> tile(static_cast<std::size_t>(count * block));
    for (index_t from = first; from < n; from += block) {  // pairs i < j only
      const index_t wide = std::min(block, n - from);
      std::fill(tile.begin(), tile.end(), 0.0);
      detail::multiply_panels(x.data() + first * d, d, index_t{1}, count, panels.data() + from * d, d, wide, tile.data(), block);
      for (index_t i = 0; i < count; ++i)
        for (index_t j = 0; j < wide; ++j) {
          if (from + j <= first + i) continue;
          const double apart = squares[static_cast<std::size_t>(first + i)] + squares[static_cast<std::size_t>(from + j)] -
                               2 * tile[static_cast<std::size_t>(i * block + j)];
          sums[static_cast<std::size_t>(which)] += std::exp(-t * std::max(apart, 0.0));
        }
    }
  });
  double sum = 0;
  for (const double s : sums) sum += s;
  return std::log(sum) - std::log(0.5 * static_cast<double>(n) * static_cast<double>(n - 1));
}

/// The standard deviation of each feature of the L2-normalised rows, averaged over features.
/// Rows spread evenly over the sphere have 1 / sqrt(D); a collapsed encoder has 0.
/// errors  pretext[eval.001] to [eval.003]; pretext[eval.013] fewer than two rows
/// source  Chen and He 2021, arXiv:2011.10566, section 4.1
inline double normalised_std(const feature_view& z) {
  detail::check_two_rows(z, "embeddings");
  const std::vector<double> x = detail::unit_rows(z);
  const std::size_t d = static_cast<std::size_t>(z.columns);
  const double n = static_cast<double>(z.rows);
  std::vector<double> mean(d, 0.0), squares(d, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) mean[i % d] += x[i] / n;
  for (std::size_t i = 0; i < x.size(); ++i) squares[i % d] += (x[i] - mean[i % d]) * (x[i] - mean[i % d]);
  double sum = 0;
  for (const double s : squares) sum += std::sqrt(s / n);
  return sum / static_cast<double>(d);
}

/// What normalised_std is for rows spread evenly over the sphere in D dimensions.
inline double healthy_std(index_t columns) { return 1 / std::sqrt(static_cast<double>(columns)); }

enum class collapse_kind {
  complete,     // all samples get nearly the same embedding
  dimensional,  // embeddings differ, but only in a few directions
};

struct collapse {
  collapse_kind kind = collapse_kind::complete;
  std::string sentence;
  double value = 0;  // what was measured: normalised_std, or rank
  double least = 0;  // what it should reach
};

struct collapse_limits {
  double least_std = 0.1;    // share of healthy_std
  double least_rank = 0.05;  // share of what is possible: min(rows - 1, columns)
};

/// Nothing when the embeddings are healthy, else which way they collapsed, in a sentence for a log.
/// The rank is the entropy rank of the singular values of the centred rows.
/// errors  pretext[eval.001] to [eval.003]; pretext[eval.013] fewer than two rows
/// cost    that of singular_values; a few hundred to a thousand rows are enough
inline std::optional<collapse> collapse_warning(const feature_view& z, const collapse_limits& limits = {},
                                                          parallel_loop loop = {}) {
  const auto text = [](double v) {
    const std::string digits = std::to_string(v);
    return digits.substr(0, digits.find('.') + 5);
  };
  const double spread = normalised_std(z), least = limits.least_std * healthy_std(z.columns);
  if (spread < least)
    return collapse{collapse_kind::complete,
                              "complete collapse: all samples get nearly the same embedding (mean std of normalised "
                              "embeddings " + text(spread) + ", healthy is " + text(healthy_std(z.columns)) +
                                  "); lower the learning rate, or check negatives, predictor and stop-gradient",
                              spread, least};
  const double most = static_cast<double>(std::min(z.rows - 1, z.columns));
  const double rank = entropy_rank(singular_values(z, true, loop));
  // In a narrow embedding the share alone would allow a single line.
  const double wanted = std::max(limits.least_rank * most, most > 2 ? 1.5 : 0.0);
  if (rank < wanted)
    return collapse{collapse_kind::dimensional,
                              "dimensional collapse: embeddings vary in about " + text(rank) + " of " +
                                  std::to_string(std::min(z.rows - 1, z.columns)) +
                                  " possible directions; use a wider batch, stronger augmentation or a variance term",
                              rank, wanted};
  return std::nullopt;
}

}  // namespace pretext::eval
