// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/rng.hpp"
#include "feature_matrix.hpp"
#include "parallel_loop.hpp"
#include "spectrum.hpp"
#include "symmetric_eigen.hpp"

namespace pretext::eval {

/// Directions of largest variance, strongest first, each of length 1 and with its largest entry positive.
struct pca_model {
  index_t columns = 0;
  index_t components = 0;
  std::vector<double> mean;        // (columns)
  std::vector<double> directions;  // (components, columns), row-major
  std::vector<double> variances;   // (components), unbiased
  double total_variance = 0;       // over all directions

  /// Coordinates along the directions (rows, components), labels kept.
  /// errors  pretext[eval.001] to [eval.003]; pretext[eval.008] another number of features
  feature_matrix project(const feature_view& x) const {
    detail::check_features(x, "features");
    if (x.columns != columns)
      throw_error("eval.008", {"the map was made for ", columns, " features and is given ", x.columns,
          "; compute both with the same encoder"});
    feature_matrix out{{}, x.rows, components, {x.labels.begin(), x.labels.end()}};
    out.values.reserve(static_cast<std::size_t>(x.rows * components));
    std::vector<double> centred(static_cast<std::size_t>(columns));
    for (index_t i = 0; i < x.rows; ++i) {
      for (index_t j = 0; j < columns; ++j)
        centred[static_cast<std::size_t>(j)] = static_cast<double>(x.row(i)[j]) - mean[static_cast<std::size_t>(j)];
      for (index_t k = 0; k < components; ++k)
        out.values.push_back(static_cast<float>(detail::dot_row(directions.data() + k * columns, centred.data(), columns)));
    }
    return out;
  }
};

namespace detail {

/// Above this width an eigen-decomposition takes seconds, and iterating on a few directions does not.
inline constexpr index_t largest_decomposition = 1024;

/// Makes rows orthonormal, one after the other; twice, because once loses digits on nearly parallel rows. A row with
/// nothing left becomes a row of zeros.
inline void orthonormalise(std::vector<double>& q, index_t rows, index_t columns) {
  for (index_t i = 0; i < rows; ++i) {
    double* mine = q.data() + i * columns;
    const double before = std::sqrt(dot_row(mine, mine, columns));
    for (int pass = 0; pass < 2; ++pass)
      for (index_t j = 0; j < i; ++j) {
        const double* other = q.data() + j * columns;
        const double along = dot_row(mine, other, columns);
        for (index_t k = 0; k < columns; ++k) mine[k] -= along * other[k];
      }
    const double length = std::sqrt(dot_row(mine, mine, columns));
    const double scale = length > 1e-12 * before ? 1 / length : 0.0;
    for (index_t k = 0; k < columns; ++k) mine[k] *= scale;
  }
}

/// out = (X^T X) q for each row of q, X = x minus mean: chunks of rows, added in order.
inline void apply_scatter(const feature_view& x, const std::vector<double>& mean, const std::vector<double>& q,
                          index_t count, std::vector<double>& out, parallel_loop loop) {
  const index_t d = x.columns, chunk = std::max<index_t>(256, ceil_div(x.rows, 16));
  const index_t chunks = ceil_div(x.rows, chunk);
  std::vector<std::vector<double>> parts(static_cast<std::size_t>(chunks));
  loop(chunks, [&](index_t which) {
    std::vector<double>& part = parts[static_cast<std::size_t>(which)];
    part.assign(q.size(), 0.0);
    std::vector<double> row(static_cast<std::size_t>(d));
    for (index_t i = which * chunk; i < std::min(x.rows, (which + 1) * chunk); ++i) {
      for (index_t j = 0; j < d; ++j)
        row[static_cast<std::size_t>(j)] = static_cast<double>(x.row(i)[j]) - mean[static_cast<std::size_t>(j)];
      for (index_t k = 0; k < count; ++k) {
        const double along = dot_row(row.data(), q.data() + k * d, d);
        double* sum = part.data() + k * d;
        for (index_t j = 0; j < d; ++j) sum[j] += along * row[static_cast<std::size_t>(j)];
      }
    }
  });
  out.assign(q.size(), 0.0);
  for (const std::vector<double>& part : parts)
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += part[i];
}

/// Rotates the rows of q to the eigenvectors of X^T X within their span; returns the eigenvalues.
inline std::vector<double> rayleigh_ritz(std::vector<double>& q, const std::vector<double>& applied, index_t count,
                                         index_t d) {
  std::vector<double> small(static_cast<std::size_t>(count * count));
  for (index_t i = 0; i < count; ++i)
    for (index_t j = 0; j < count; ++j)
      small[static_cast<std::size_t>(i * count + j)] = 0.5 * (dot_row(q.data() + i * d, applied.data() + j * d, d) +
                                                              dot_row(q.data() + j * d, applied.data() + i * d, d));
  const eigen_pairs pairs = symmetric_eigen(small, count);
  std::vector<double> turned(q.size(), 0.0);
  for (index_t i = 0; i < count; ++i)
    for (index_t j = 0; j < count; ++j) {
      const double weight = pairs.vectors[static_cast<std::size_t>(i * count + j)];
      for (index_t k = 0; k < d; ++k)
        turned[static_cast<std::size_t>(i * d + k)] += weight * q[static_cast<std::size_t>(j * d + k)];
    }
  q.swap(turned);
  return pairs.values;
}

/// Orthogonal iteration from random rows, eight more than asked for, until the wanted eigenvalues stand still.
inline std::vector<double> iterate_directions(const feature_view& x, const std::vector<double>& mean, index_t wanted,
                                              std::vector<double>& q, parallel_loop loop) {
  const index_t d = x.columns, count = std::min(wanted + 8, std::min(x.rows, d));
  q.resize(static_cast<std::size_t>(count * d));
  for (index_t k = 0; k < count; ++k) {
    rng::stream draws(rng::key{.sample = static_cast<std::uint64_t>(k)}.with_purpose(rng::purpose::probe, 1));
    for (index_t j = 0; j < d; ++j) q[static_cast<std::size_t>(k * d + j)] = draws.uniform(-1, 1);
  }
  orthonormalise(q, count, d);
  std::vector<double> values, before, applied;
  for (int pass = 0; pass < 200; ++pass) {
    apply_scatter(x, mean, q, count, applied, loop);
    std::vector<double> turned = q;
    values = rayleigh_ritz(turned, applied, count, d);
    bool still = !before.empty();
    for (index_t k = 0; still && k < wanted; ++k)
      still = std::abs(values[static_cast<std::size_t>(k)] - before[static_cast<std::size_t>(k)]) <= 1e-10 * values[0];
    if (still) {
      q = turned;
      break;
    }
    before = values;
    q = applied;
    orthonormalise(q, count, d);
  }
  return values;
}

inline void fix_sign(double* direction, index_t columns) {
  index_t at = 0;
  for (index_t j = 1; j < columns; ++j)
    if (std::abs(direction[j]) > std::abs(direction[at])) at = j;
  if (direction[at] < 0)
    for (index_t j = 0; j < columns; ++j) direction[j] = -direction[j];
}

}  // namespace detail

/// Principal components of the features.
/// laws    directions are orthonormal, variances fall; shifting all rows changes nothing but the mean
/// errors  pretext[eval.001] to [eval.003]; pretext[eval.013] fewer than two rows; pretext[eval.017] components below 1 or
///         above min(rows, columns)
/// cost    N D^2 + 6 D^3 operations up to 1024 columns; wider, some tens of passes of 4 N D (components + 8)
/// repeat  same bits for any loop; directions of equal variance are arbitrary but always the same ones
inline pca_model pca(const feature_view& x, index_t components = 2, parallel_loop loop = {}) {
  detail::check_features(x, "features");
  if (x.rows < 2) throw_error("eval.013", "pca: one row has no directions of variance; pass at least two");
  if (components < 1 || components > std::min(x.rows, x.columns))
    throw_error("eval.017", {"pca: ", components, " components of ", x.rows, " rows of ", x.columns,
        "; choose from 1 to the smaller of the two numbers"});
  const index_t d = x.columns;
  pca_model out;
  out.columns = d;
  out.components = components;
  out.mean = detail::column_means(x);
  double squares = 0;
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < d; ++j) {
      const double apart = static_cast<double>(x.row(i)[j]) - out.mean[static_cast<std::size_t>(j)];
      squares += apart * apart;
    }
  const double freedom = static_cast<double>(x.rows - 1);
  out.total_variance = squares / freedom;
  std::vector<double> values;
  if (d <= detail::largest_decomposition) {
    eigen_pairs pairs = symmetric_eigen(detail::gram_matrix(x, out.mean, false, loop), d);
    values.swap(pairs.values);
    out.directions.swap(pairs.vectors);
  } else {
    values = detail::iterate_directions(x, out.mean, components, out.directions, loop);
  }
  out.directions.resize(static_cast<std::size_t>(components * d));
  for (index_t k = 0; k < components; ++k) {
    out.variances.push_back(std::max(values[static_cast<std::size_t>(k)], 0.0) / freedom);
    detail::fix_sign(out.directions.data() + k * d, d);
  }
  return out;
}

}  // namespace pretext::eval
