// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/symmetric_eigen.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "eval_support.hpp"
#include "support/catch.hpp"

using namespace pretext::eval;
using pretext::index_t;

namespace {

std::vector<double> random_symmetric(index_t n, std::uint64_t seed) {
  std::vector<double> a(static_cast<std::size_t>(n * n));
  eval_support::normals next(seed);
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j <= i; ++j) a[static_cast<std::size_t>(i * n + j)] = a[static_cast<std::size_t>(j * n + i)] = next();
  return a;
}

/// The largest of |A v - lambda v| and |v_i . v_j - (i == j)|.
double residual(const std::vector<double>& a, const eigen_pairs& p, index_t n) {
  double worst = 0;
  for (index_t i = 0; i < n; ++i) {
    const double* v = p.vectors.data() + i * n;
    for (index_t r = 0; r < n; ++r)
      worst = std::max(worst, std::abs(detail::dot_row(a.data() + r * n, v, n) -
                                       p.values[static_cast<std::size_t>(i)] * v[r]));
    for (index_t j = 0; j < n; ++j)
      worst = std::max(worst, std::abs(detail::dot_row(v, p.vectors.data() + j * n, n) - (i == j ? 1 : 0)));
  }
  return worst;
}

}  // namespace

TEST_CASE("symmetric_eigen: a 2 x 2 matrix by hand", "[eval][symmetric_eigen]") {
  const eigen_pairs p = symmetric_eigen({2, 1, 1, 2}, 2);
  CHECK(p.values[0] == Approx(3).epsilon(1e-14));
  CHECK(p.values[1] == Approx(1).epsilon(1e-14));
  CHECK(p.vectors[0] == Approx(p.vectors[1]).epsilon(1e-14));
  CHECK(p.vectors[2] == Approx(-p.vectors[3]).epsilon(1e-14));
}

TEST_CASE("symmetric_eigen: A v = lambda v with orthonormal v, and values as Eigen finds them", "[eval][symmetric_eigen]") {
  for (const index_t n : {1, 2, 3, 7, 13, 31, 130}) {
    const std::vector<double> a = random_symmetric(n, static_cast<std::uint64_t>(n));
    const eigen_pairs p = symmetric_eigen(a, n);
    CAPTURE(n);
    CHECK(residual(a, p, n) < 1e-12 * static_cast<double>(n));
    CHECK(std::is_sorted(p.values.rbegin(), p.values.rend()));
    const eigen_pairs only = symmetric_eigen(a, n, true);
    CHECK(only.values == p.values);
    CHECK(only.vectors.empty());
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(Eigen::Map<const Eigen::MatrixXd>(a.data(), n, n));
    for (index_t i = 0; i < n; ++i)
      CHECK(p.values[static_cast<std::size_t>(i)] ==
            Approx(solver.eigenvalues()(n - 1 - i)).epsilon(0).margin(1e-12 * static_cast<double>(n)));
  }
}

TEST_CASE("symmetric_eigen: diagonal, zero, constant, rank-one and block matrices", "[eval][symmetric_eigen]") {
  const index_t n = 6;
  std::vector<double> diagonal(36, 0.0), zero(36, 0.0), same(36, 1.0), blocks(36, 0.0);
  for (index_t i = 0; i < n; ++i) {
    diagonal[static_cast<std::size_t>(i * 7)] = static_cast<double>(i) - 2;
    for (index_t j = 0; j < n; ++j) blocks[static_cast<std::size_t>(i * n + j)] = i / 2 == j / 2 ? 1 : 0;
  }
  for (const auto& a : {diagonal, zero, same, blocks}) CHECK(residual(a, symmetric_eigen(a, n), n) < 1e-13);
  CHECK(symmetric_eigen(diagonal, n).values == std::vector<double>{3, 2, 1, 0, -1, -2});
  CHECK(symmetric_eigen(same, n).values[0] == Approx(6).epsilon(1e-14));
  CHECK(std::abs(symmetric_eigen(same, n).values[1]) < 1e-14);
  CHECK(symmetric_eigen({}, 0).values.empty());
}

TEST_CASE("symmetric_eigen: the low rank of a few small pictures converges", "[eval][symmetric_eigen]") {
  // 20 discs of 20 x 20 pixels: 380 of 400 eigenvalues are rounding of zero, spread over many orders of size.
  const index_t side = 20, n = side * side, rows = 20;
  std::vector<double> a(static_cast<std::size_t>(n * n), 0.0), x(static_cast<std::size_t>(n));
  pretext::rng::stream draws(pretext::rng::key{.seed = 0}.with_purpose(pretext::rng::purpose::user));
  for (index_t r = 0; r < rows; ++r) {
    const double cx = draws.uniform(9, 11), cy = draws.uniform(9, 11), radius = draws.uniform(2, 6);
    for (index_t i = 0; i < n; ++i) {
      const double dy = static_cast<double>(i / side) - cy, dx = static_cast<double>(i % side) - cx;
      const double lit = std::min(1.0, std::max(0.0, radius - std::sqrt(dx * dx + dy * dy)));
      x[static_cast<std::size_t>(i)] = static_cast<double>(static_cast<float>(std::floor(255 * lit)) / 255);
    }
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < n; ++j)
        a[static_cast<std::size_t>(i * n + j)] += x[static_cast<std::size_t>(i)] * x[static_cast<std::size_t>(j)];
  }
  const eigen_pairs p = symmetric_eigen(a, n);
  CHECK(residual(a, p, n) < 1e-10);
  for (std::size_t i = 20; i < 400; ++i) REQUIRE(std::abs(p.values[i]) < 1e-10);
}

TEST_CASE("symmetric_eigen: huge and tiny matrices scale", "[eval][symmetric_eigen]") {
  const std::vector<double> a = random_symmetric(9, 3);
  const eigen_pairs p = symmetric_eigen(a, 9);
  for (const double factor : {1e100, 1e-100}) {
    std::vector<double> scaled = a;
    for (double& v : scaled) v *= factor;
    const eigen_pairs q = symmetric_eigen(scaled, 9);
    for (std::size_t i = 0; i < 9; ++i) CHECK(q.values[i] / factor == Approx(p.values[i]).epsilon(1e-10));
  }
}
