// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/similarity/similarity.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {
namespace similarity = pretext::similarity;
using pretext::scalar_math;

/// score of two rows of width 3, and its gradient in the first by the two partial derivatives.
template <class S>
double score(const S& s, const std::vector<double>& a, const std::vector<double>& b) {
  double dot = 0, qa = 0, qb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) dot += a[i] * b[i], qa += a[i] * a[i], qb += b[i] * b[i];
  return s.template score<scalar_math>(dot, qa, qb);
}
template <class S>
std::vector<double> gradient(const S& s, const std::vector<double>& a, const std::vector<double>& b) {
  double dot = 0, qa = 0, qb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) dot += a[i] * b[i], qa += a[i] * a[i], qb += b[i] * b[i];
  const auto d = s.template derivative<scalar_math>(dot, qa, qb);
  std::vector<double> g;
  for (std::size_t i = 0; i < a.size(); ++i) g.push_back(d.dot * b[i] + d.row * 2 * a[i]);
  return g;
}
template <class S>
void check_derivative(const S& s) {
  const std::vector<double> a = golden::uniform("a", 3), b = golden::uniform("b", 3);
  const std::vector<double> g = gradient(s, a, b);
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<double> up = a, down = a;
    up[i] += 1e-6, down[i] -= 1e-6;
    // Scores of about 1 are known to 1e-16, differences over 2e-6 to 1e-10; truncation is 1e-12.
    CHECK(g[i] == Approx((score(s, up, b) - score(s, down, b)) / 2e-6).epsilon(0).margin(1e-9));
  }
}
}  // namespace

TEST_CASE("similarities: derivatives are those of the score", "[similarity]") {
  check_derivative(similarity::dot{});
  check_derivative(similarity::negative_squared_euclidean{});
  check_derivative(similarity::gaussian_kernel{});
  check_derivative(similarity::gaussian_kernel{{}, 0.7f});
}

TEST_CASE("similarities: values by hand", "[similarity]") {
  const std::vector<double> a{1, 2, 2}, b{2, 0, 1};
  CHECK(score(similarity::dot{}, a, b) == 4);
  CHECK(score(similarity::negative_squared_euclidean{}, a, b) == -6);
  CHECK(score(similarity::gaussian_kernel{}, a, b) == Approx(std::exp(-3.0)).epsilon(1e-10));
  CHECK(score(similarity::gaussian_kernel{{}, 2.0f}, a, b) == Approx(std::exp(-6.0 / 8)).epsilon(1e-10));
  CHECK(score(similarity::negative_squared_euclidean{}, a, a) == 0);
  CHECK(score(similarity::gaussian_kernel{}, a, a) == 1);
}

TEST_CASE("similarities: what is declared holds", "[similarity]") {
  static_assert(similarity::cosine::symmetric && similarity::cosine::bounded && !similarity::cosine::uses_norms);
  static_assert(similarity::dot::symmetric && !similarity::dot::bounded);
  static_assert(!similarity::bilinear::symmetric);
  static_assert(similarity::gaussian_kernel::uses_norms && similarity::negative_squared_euclidean::uses_norms);
  const std::vector<double> a = golden::uniform("a", 5), b = golden::uniform("b", 5);
  CHECK(score(similarity::negative_squared_euclidean{}, a, b) == Approx(score(similarity::negative_squared_euclidean{}, b, a)).epsilon(1e-10));
  CHECK(score(similarity::gaussian_kernel{}, a, b) == Approx(score(similarity::gaussian_kernel{}, b, a)).epsilon(1e-10));
}
