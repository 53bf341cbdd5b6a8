// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/order.hpp"

namespace pretext::eval {

/// Eigenvalues in falling order and, where asked for, their unit eigenvectors: vector i is row i of (n, n).
struct eigen_pairs {
  std::vector<double> values;
  std::vector<double> vectors;
};

namespace detail {

/// Four sums side by side: one would wait for its own last addition at every term.
inline double dot_row(const double* a, const double* b, index_t n) {
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  index_t i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (; i < n; ++i) s0 += a[i] * b[i];
  return (s0 + s1) + (s2 + s3);
}

/// Householder reflections make a symmetric matrix tridiagonal: A = Q T Q^T. On return d and e hold T, and z (if not
/// empty) the rows of Q^T; e[i] couples i and i + 1.
inline void tridiagonalise(std::vector<double>& a, index_t n, std::vector<double>& d, std::vector<double>& e,
                           std::vector<double>& z) {
  std::vector<double> p(static_cast<std::size_t>(n)), beta(static_cast<std::size_t>(n), 0.0);
  d.assign(static_cast<std::size_t>(n), 0.0);
  e.assign(static_cast<std::size_t>(n), 0.0);
  const auto row = [&](index_t i) { return a.data() + i * n; };
  // Row k right of the diagonal becomes the reflection vector v of step k; the trailing block gets H A H.
  for (index_t k = 0; k + 1 < n; ++k) {
    d[static_cast<std::size_t>(k)] = row(k)[k];
    double* v = row(k) + k + 1;
    const index_t m = n - k - 1;
    const double norm = std::sqrt(dot_row(v, v, m));
    if (m == 1 || !(norm > 0) || dot_row(v + 1, v + 1, m - 1) == 0) {
      e[static_cast<std::size_t>(k)] = v[0];
      continue;  // already in shape: beta stays 0, no reflection
    }
    const double alpha = v[0] > 0 ? -norm : norm;
    e[static_cast<std::size_t>(k)] = alpha;
    v[0] -= alpha;
    const double b = 2 / dot_row(v, v, m);
    beta[static_cast<std::size_t>(k)] = b;
    for (index_t i = 0; i < m; ++i) p[static_cast<std::size_t>(i)] = b * dot_row(row(k + 1 + i) + k + 1, v, m);
    const double shift = 0.5 * b * dot_row(p.data(), v, m);
    for (index_t i = 0; i < m; ++i) p[static_cast<std::size_t>(i)] -= shift * v[i];
    for (index_t i = 0; i < m; ++i) {
      double* r = row(k + 1 + i) + k + 1;
      const double vi = v[i], pi = p[static_cast<std::size_t>(i)];
      for (index_t j = 0; j < m; ++j) r[j] -= vi * p[static_cast<std::size_t>(j)] + pi * v[j];
    }
  }
  d[static_cast<std::size_t>(n - 1)] = row(n - 1)[n - 1];
  if (z.empty()) return;
  // Q^T = ((I H_last) ...) H_0: from the right, so each step touches rows of the block that is not the identity yet.
  std::fill(z.begin(), z.end(), 0.0);
  for (index_t i = 0; i < n; ++i) z[static_cast<std::size_t>(i * n + i)] = 1;
  for (index_t k = n - 2; k >= 0; --k) {
    const double b = beta[static_cast<std::size_t>(k)];
    if (b == 0) continue;
    const double* v = row(k) + k + 1;
    const index_t m = n - k - 1;
    for (index_t i = 0; i < m; ++i) {
      double* r = z.data() + (k + 1 + i) * n + k + 1;
      const double s = b * dot_row(r, v, m);
      for (index_t j = 0; j < m; ++j) r[j] -= s * v[j];
    }
  }
}

/// Implicit QL with Wilkinson shifts on (d, e); rotations act on rows of z.
inline void diagonalise(std::vector<double>& d, std::vector<double>& e, std::vector<double>& z) {
  const index_t n = static_cast<index_t>(d.size());
  // Against the whole matrix, not against the neighbours on the diagonal: those of a matrix of low rank are rounding of
  // zero, which never settles against itself.
  double negligible = std::numeric_limits<double>::min();
  for (std::size_t i = 0; i < d.size(); ++i)
    negligible = std::max(negligible, std::numeric_limits<double>::epsilon() * (std::abs(d[i]) + std::abs(e[i])));
  for (index_t l = 0; l < n; ++l) {
    for (int sweep = 0;; ++sweep) {
      index_t m = l;
      while (m + 1 < n && std::abs(e[static_cast<std::size_t>(m)]) > negligible) ++m;
      if (m == l) break;
      if (sweep == 100)
        throw_error("eval.015", {"eigenvalues of a ", n, " x ", n, " matrix do not converge; scale the features to ordinary sizes"});
      const std::size_t first = static_cast<std::size_t>(l), last = static_cast<std::size_t>(m);
      double g = (d[first + 1] - d[first]) / (2 * e[first]);
      double r = std::hypot(g, 1.0);
      g = d[last] - d[first] + e[first] / (g + (g < 0 ? -r : r));
      double s = 1, c = 1, p = 0;
      bool split = false;
      for (index_t i = m - 1; i >= l; --i) {
        const std::size_t at = static_cast<std::size_t>(i);
        double f = s * e[at];
        const double b = c * e[at];
        r = std::hypot(f, g);
        e[at + 1] = r;
        if (r == 0) {  // the block falls apart: start over on the part above
          d[at + 1] -= p;
          e[last] = 0;
          split = true;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[at + 1] - p;
        r = (d[at] - g) * s + 2 * c * b;
        p = s * r;
        d[at + 1] = g + p;
        g = c * r - b;
        if (z.empty()) continue;
        double* low = z.data() + i * n;
        double* high = low + n;
        for (index_t j = 0; j < n; ++j) {
          f = high[j];
          high[j] = s * low[j] + c * f;
          low[j] = c * low[j] - s * f;
        }
      }
      if (split) continue;
      d[first] -= p;
      e[first] = g;
      e[last] = 0;
    }
  }
}

}  // namespace detail

/// All eigenvalues of a symmetric (n, n) matrix, and eigenvectors unless `values_only`.
/// limits  each value is right to about n rounding errors of the largest
/// laws    A v_i = lambda_i v_i; v_i . v_j = (i == j)
/// errors  pretext[eval.015] no convergence, from values near the ends of double's range
/// cost    4/3 n^3 operations, about 6 n^3 with vectors; n^2 values each for the copy and the vectors
/// repeat  same bits run to run
/// source  Golub and Van Loan, Matrix Computations, 4th edition, sections 8.3.1 and 8.3.3
inline eigen_pairs symmetric_eigen(std::vector<double> a, index_t n, bool values_only = false) {
  eigen_pairs out;
  if (n <= 0) return out;
  std::vector<double> d, e, z(values_only ? 0 : a.size());
  detail::tridiagonalise(a, n, d, e, z);
  detail::diagonalise(d, e, z);
  for (const std::size_t at : sorted_order(d.size(), [&](std::size_t i, std::size_t j) { return d[i] > d[j]; })) {
    const index_t i = static_cast<index_t>(at);
    out.values.push_back(d[at]);
    if (!values_only) out.vectors.insert(out.vectors.end(), z.begin() + i * n, z.begin() + (i + 1) * n);
  }
  return out;
}

}  // namespace pretext::eval
