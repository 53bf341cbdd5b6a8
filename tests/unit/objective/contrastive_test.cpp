// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/contrastive.hpp"

#include <algorithm>

#include "rows_runner.hpp"
#include "support/catch.hpp"

namespace {
using namespace rows_runner;
namespace objective = px::objective;
namespace similarity = px::similarity;

rows_of<double> draw(index_t n, index_t d, double scale = 1) {
  rows_of<double> z{golden::uniform("rows", n * d), d};
  for (double& v : z.values) v *= scale;
  return z;
}
rows_of<double> permuted(const rows_of<double>& z, const std::vector<index_t>& order) {
  rows_of<double> p{{}, z.columns};
  for (const index_t i : order)
    p.values.insert(p.values.end(), z.values.begin() + i * z.columns, z.values.begin() + (i + 1) * z.columns);
  return p;
}
bool finite(const result<double>& r) {
  return std::isfinite(r.loss) && std::all_of(r.d_rows.begin(), r.d_rows.end(), [](double v) { return std::isfinite(v); });
}
}  // namespace

TEST_CASE("nt_xent: equal rows give log(2B - 1), decoupled log(2B - 2)", "[objective][nt_xent]") {
  for (const index_t b : {2, 7, 31}) {
    const rows_of<double> z{std::vector<double>(static_cast<std::size_t>(2 * b * 5), 0.3), 5};
    CHECK(run_pairs(objective::nt_xent<>{}, z).loss == Approx(std::log(2.0 * static_cast<double>(b) - 1)).epsilon(1e-13));
    CHECK(run_pairs(objective::decoupled<>{}, z).loss == Approx(std::log(2.0 * static_cast<double>(b) - 2)).epsilon(1e-13));
  }
}

TEST_CASE("nt_xent: two samples by hand", "[objective][nt_xent]") {
  // Views (1,0) and (0,1), each twice: every row has its pair at cosine 1 and two others at 0.
  const rows_of<double> z{{1, 0, 0, 1, 1, 0, 0, 1}, 2};
  CHECK(run_pairs(objective::nt_xent<>{.temperature = 1.0f}, z).loss == Approx(std::log(std::exp(1.0) + 2) - 1).epsilon(1e-14));
  CHECK(run_pairs(objective::nt_xent<>{.temperature = 0.25f}, z).loss == Approx(std::log(std::exp(4.0) + 2) - 4).epsilon(1e-12));
  CHECK(run_pairs(objective::decoupled<>{.temperature = 1.0f}, z).loss == Approx(std::log(2.0) - 1).epsilon(1e-14));
}

TEST_CASE("nt_xent: exchanging the views or permuting samples changes nothing but the order of the gradient", "[objective][nt_xent]") {
  const auto z = draw(8, 3);
  const auto plain = run_pairs(objective::nt_xent<>{}, z);
  const std::vector<index_t> swapped{4, 5, 6, 7, 0, 1, 2, 3}, shuffled{2, 0, 3, 1, 6, 4, 7, 5};
  for (const auto& order : {swapped, shuffled}) {
    const auto other = run_pairs(objective::nt_xent<>{}, permuted(z, order));
    CHECK(other.loss == Approx(plain.loss).epsilon(1e-14));
    const auto expected = permuted({plain.d_rows, 3}, order);
    for (std::size_t i = 0; i < expected.values.size(); ++i) CHECK(other.d_rows[i] == Approx(expected.values[i]).epsilon(0).margin(1e-15));
  }
}

TEST_CASE("nt_xent: with cosine the scale of rows does not matter, huge and tiny ones are finite", "[objective][nt_xent]") {
  const double loss = run_pairs(objective::nt_xent<>{}, draw(8, 3)).loss;
  for (const double scale : {1e-7, 1e30, 1e150}) {
    const auto r = run_pairs(objective::nt_xent<>{}, draw(8, 3, scale));
    CHECK(finite(r));
    CHECK(r.loss == Approx(loss).epsilon(1e-10));
  }
  CHECK(finite(run_pairs(objective::nt_xent<>{}, draw(8, 3, 0.0))));
  CHECK(finite(run_pairs(objective::nt_xent<>{}, draw(8, 3, 1e-300))));
  CHECK(finite(run_pairs(objective::nt_xent<>{.temperature = 0.01f}, draw(8, 3))));
  CHECK(finite(run_pairs(objective::nt_xent<similarity::dot>{}, draw(8, 3, 1e100))));
  CHECK(finite(run_pairs(objective::nt_xent<similarity::negative_squared_euclidean>{}, draw(8, 3, 1e100))));
  CHECK(finite(run_pairs(objective::nt_xent<similarity::gaussian_kernel>{}, draw(8, 3, 1e100))));
}

TEST_CASE("nt_xent: one sample has only its pair, so the loss is 0 with gradient 0", "[objective][nt_xent]") {
  const auto r = run_pairs(objective::nt_xent<>{}, draw(2, 5));
  CHECK(std::fabs(r.loss) < 1e-15);
  for (const double g : r.d_rows) CHECK(std::fabs(g) < 1e-15);
}

TEST_CASE("nt_xent: the weight scales the gradient and not the loss", "[objective][nt_xent]") {
  const auto z = draw(6, 4);
  const auto one = run_pairs(objective::nt_xent<>{}, z), three = run_pairs(objective::nt_xent<>{}, z, {}, 3.0);
  CHECK(one.loss == three.loss);
  for (std::size_t i = 0; i < one.d_rows.size(); ++i) CHECK(three.d_rows[i] == Approx(3 * one.d_rows[i]).epsilon(1e-13));
}

TEST_CASE("nt_xent: a learned temperature stops at 1/100 and takes no gradient there", "[objective][nt_xent]") {
  using learned = objective::nt_xent<similarity::cosine, objective::temperature::learned>;
  const auto z = draw(6, 4);
  const auto at = run_pairs(learned{}, z, with_temperature(0.01 * 1.000001)), below = run_pairs(learned{}, z, with_temperature(1e-4));
  // Most of the loss is a difference of scores over tau, and tau differs by the 1e-6 that keep `at` off the bound.
  CHECK(below.loss == Approx(at.loss).epsilon(1.1e-6));
  CHECK(below.d_parameters[0] == 0);
  CHECK(std::fabs(at.d_parameters[0]) > 0);
}

namespace {
/// The definition: cross-entropies of the scores' rows and of their columns.
double two_ways(const rows_of<double>& z, double tau, bool drop, double (*score)(const double*, const double*, index_t)) {
  const index_t d = z.columns, m = static_cast<index_t>(z.values.size()) / d / 2;
  double total = 0;
  for (const bool flipped : {false, true})
    for (index_t i = 0; i < m; ++i) {
      double sum = 0, own = 0;
      for (index_t j = 0; j < m; ++j) {
        const double s = score(z.values.data() + (flipped ? j : i) * d, z.values.data() + (m + (flipped ? i : j)) * d, d) / tau;
        if (i == j) own = s;
        if (i != j || !drop) sum += std::exp(s);
      }
      total += std::log(sum) - own;
    }
  return total / static_cast<double>(2 * m);
}
double dot_of(const double* a, const double* b, index_t d) {
  double s = 0;
  for (index_t k = 0; k < d; ++k) s += a[k] * b[k];
  return s;
}
double cosine_of(const double* a, const double* b, index_t d) { return dot_of(a, b, d) / std::sqrt(dot_of(a, a, d) * dot_of(b, b, d)); }
double distance_of(const double* a, const double* b, index_t d) { return 2 * dot_of(a, b, d) - dot_of(a, a, d) - dot_of(b, b, d); }

template <class Objective>
result<double> run_towers(const Objective& o, const rows_of<double>& z, const std::vector<double>& parameters = {}) {
  return run(o, objective::tower_pairs<double>{z.view()}, parameters);
}
/// Gradients of rows and parameters against central differences of the loss.
template <class Objective>
void check_tower_gradient(const Objective& o, rows_of<double> z, std::vector<double> parameters = {}) {
  const auto given = run_towers(o, z, parameters);
  const auto compare = [&](std::vector<double>& x, const std::vector<double>& gradient) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double at = x[i], h = 1e-5;
      x[i] = at + h;
      const double up = run_towers(o, z, parameters).loss;
      x[i] = at - h;
      const double down = run_towers(o, z, parameters).loss;
      x[i] = at;
      // Rounding of a loss of about 2 is 2e-11 over h; truncation is h^2 / 6 of a third derivative of some tens.
      CHECK(gradient[i] == Approx((up - down) / (2 * h)).epsilon(1e-8).margin(1e-9));
    }
  };
  compare(z.values, given.d_rows);
  compare(parameters, given.d_parameters);
}
}  // namespace

TEST_CASE("contrastive: two towers are compared both ways, as the definition says", "[objective][contrastive][towers]") {
  for (const index_t m : {2, 3, 7}) {
    const auto z = draw(2 * m, 4);
    CHECK(run_towers(objective::nt_xent<>{.temperature = 0.3f}, z).loss ==
          Approx(two_ways(z, static_cast<double>(0.3f), false, cosine_of)).epsilon(1e-12));
    CHECK(run_towers(objective::nt_xent<similarity::dot>{.temperature = 0.5f}, z).loss == Approx(two_ways(z, 0.5, false, dot_of)).epsilon(1e-12));
    CHECK(run_towers(objective::nt_xent<similarity::negative_squared_euclidean>{.temperature = 1.0f}, z).loss ==
          Approx(two_ways(z, 1, false, distance_of)).epsilon(1e-12));
    CHECK(run_towers(objective::decoupled<>{.temperature = 0.5f}, z).loss == Approx(two_ways(z, 0.5, true, cosine_of)).epsilon(1e-12));
  }
  CHECK(run_towers(objective::nt_xent<>{}, draw(2, 5)).loss == 0);  // one pair: nothing to tell apart
  CHECK_THROWS_WITH(run_towers(objective::decoupled<>{}, draw(2, 5)), Catch::Contains("value.211"));
  CHECK_THROWS_WITH(run_towers(objective::nt_xent<>{}, draw(3, 5)), Catch::Contains("shape.201"));
}

TEST_CASE("contrastive: the gradient in both towers, the similarity and the temperature is that of the loss", "[objective][contrastive][towers]") {
  using learned = objective::temperature::learned;
  check_tower_gradient(objective::nt_xent<>{.temperature = 0.4f}, draw(10, 3));
  check_tower_gradient(objective::decoupled<similarity::negative_squared_euclidean>{}, draw(8, 3));
  check_tower_gradient(objective::nt_xent<similarity::bilinear>{}, draw(8, 2), {1, 0.2, -0.3, 0.8});
  check_tower_gradient(objective::nt_xent<similarity::cosine, learned>{}, draw(8, 3), {1.2});
}

TEST_CASE("contrastive: wrong input is named", "[objective][contrastive]") {
  const auto id = [](const char* text) { return Catch::Contains(text); };
  CHECK_THROWS_WITH(run_pairs(objective::nt_xent<>{}, draw(5, 3)), id("pretext[shape.201]"));
  CHECK_THROWS_WITH(run_pairs(objective::nt_xent<>{}, draw(0, 3)), id("pretext[shape.201]"));
  CHECK_THROWS_WITH(run_pairs(objective::nt_xent<>{.temperature = 0.0f}, draw(4, 3)), id("pretext[value.210]"));
  CHECK_THROWS_WITH(run_pairs(objective::nt_xent<>{.temperature = -1.0f}, draw(4, 3)), id("pretext[value.210]"));
  CHECK_THROWS_WITH(run_pairs(objective::nt_xent<>{.temperature = NAN}, draw(4, 3)), id("pretext[value.210]"));
  CHECK_THROWS_WITH(run_pairs(objective::decoupled<>{}, draw(2, 3)), id("pretext[value.211]"));
  const auto z = draw(6, 3);
  CHECK_THROWS_WITH((run(objective::nt_xent<>{}, objective::self_pairs<double>{z.view(), 3})), id("pretext[shape.202]"));
  CHECK_THROWS_WITH((run(objective::nt_xent<>{}, objective::target_pairs<double>{z.view(), z.view(), {}, 2})), id("pretext[value.212]"));
}
