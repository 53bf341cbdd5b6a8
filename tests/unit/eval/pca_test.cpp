// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/pca.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

#include "eval_support.hpp"
#include "pretext/core/thread_pool.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace pretext::eval;
using eval_support::id_of;
using eval_support::noise;
using pretext::index_t;

namespace {

/// Noise whose coordinate j is multiplied by 4 (j = 0), 3, 2 and then 0.5 for the rest.
feature_matrix ellipsoid(index_t rows, index_t columns, std::uint64_t seed) {
  feature_matrix x = noise(rows, columns, seed);
  for (index_t i = 0; i < rows * columns; ++i)
    x.values[static_cast<std::size_t>(i)] *= i % columns < 3 ? static_cast<float>(4 - i % columns) : 0.5f;
  return x;
}

}  // namespace

TEST_CASE("pca: directions and variances equal scikit-learn's", "[eval][pca][golden]") {
  const golden::file file("eval");
  const golden::tensor t = file["train"], directions = file["pca.directions"], variances = file["pca.variances"];
  const pca_model m = pca(feature_matrix{t.as<float>(), t.extents[0], t.extents[1], {}}, 4);
  CHECK(m.total_variance == Approx(file.number("pca.total")).epsilon(1e-10));
  for (index_t k = 0; k < 4; ++k) {
    CHECK(m.variances[static_cast<std::size_t>(k)] == Approx(variances[k]).epsilon(1e-10));
    double dot = 0;
    for (index_t j = 0; j < 13; ++j) dot += m.directions[static_cast<std::size_t>(k * 13 + j)] * directions[k * 13 + j];
    CHECK(std::abs(dot) == Approx(1).epsilon(1e-10));
  }
}

TEST_CASE("pca: points on a line, by hand, with its sign fixed", "[eval][pca]") {
  const feature_matrix x{{0, 0, -3, -4, 3, 4, 6, 8}, 4, 2, {1, 2, 3, 4}};
  const pca_model m = pca(x, 2);
  CHECK(m.directions[0] == Approx(0.6).epsilon(1e-10));
  CHECK(m.directions[1] == Approx(0.8).epsilon(1e-10));
  CHECK(m.variances[0] == Approx(125.0 / 3).epsilon(1e-10));  // at -5, 0, 5, 10 around 2.5
  CHECK(m.variances[1] == Approx(0).margin(1e-10));
  const feature_matrix y = m.project(x);
  CHECK(y.rows == 4);
  CHECK(y.columns == 2);
  CHECK(y.labels == x.labels);
  CHECK(y.values[0] == Approx(-2.5f));
  CHECK(y.values[6] == Approx(7.5f));
}

TEST_CASE("pca: the road for wide features equals the decomposition", "[eval][pca]") {
  const feature_matrix x = ellipsoid(300, 60, 1);
  const pca_model exact = pca(x, 3);
  std::vector<double> q;
  const std::vector<double> values = detail::iterate_directions(x, exact.mean, 3, q, {});
  for (index_t k = 0; k < 3; ++k) {
    CHECK(values[static_cast<std::size_t>(k)] / 299 == Approx(exact.variances[static_cast<std::size_t>(k)]).epsilon(1e-10));
    CHECK(std::abs(detail::dot_row(q.data() + k * 60, exact.directions.data() + k * 60, 60)) == Approx(1).epsilon(1e-10));
  }
}

TEST_CASE("pca: wide features, few rows, constant features", "[eval][pca]") {
  const pca_model wide = pca(ellipsoid(200, 1100, 2), 2);
  CHECK(wide.variances[0] > wide.variances[1]);
  for (index_t k = 0; k < 2; ++k) {
    const double* v = wide.directions.data() + k * 1100;
    CHECK(detail::dot_row(v, v, 1100) == Approx(1).epsilon(1e-10));
    CHECK(std::abs(v[k]) > 0.8);  // the strong coordinates
  }
  CHECK(std::abs(detail::dot_row(wide.directions.data(), wide.directions.data() + 1100, 1100)) < 1e-10);
  const pca_model few = pca(noise(2, 1500, 3), 2);
  CHECK(few.variances[0] == Approx(few.total_variance).epsilon(1e-10));
  CHECK(few.variances[1] == Approx(0).margin(1e-10));
  for (const index_t d : {4, 1030}) {
    const pca_model same = pca(feature_matrix{std::vector<float>(static_cast<std::size_t>(3 * d), 7.0f), 3, d, {}}, 2);
    CHECK(same.variances == std::vector<double>{0, 0});
    for (const double v : same.directions) REQUIRE(std::isfinite(v));
  }
}

TEST_CASE("pca: a shift moves only the mean; a pool and another run give the same bits", "[eval][pca]") {
  feature_matrix x = ellipsoid(100, 7, 4);
  const pca_model before = pca(x, 3);
  pretext::thread_pool pool(3);
  CHECK(pca(x, 3, pool).directions == before.directions);
  CHECK(before.project(x).values == pca(x, 3).project(x).values);
  for (float& v : x.values) v += 64;
  const pca_model after = pca(x, 3);
  for (std::size_t i = 0; i < before.directions.size(); ++i)
    CHECK(after.directions[i] == Approx(before.directions[i]).epsilon(0).margin(1e-5));
  CHECK(after.mean[0] == Approx(before.mean[0] + 64).epsilon(1e-6));
  const feature_matrix broad = ellipsoid(700, 1100, 5);
  CHECK(pca(broad, 2, pool).directions == pca(broad, 2).directions);
}

TEST_CASE("pca: wrong input is one sentence with an id", "[eval][pca]") {
  CHECK(id_of([] { pca(feature_matrix{}); }) == "eval.001");
  CHECK(id_of([] { pca(noise(1, 4, 1)); }) == "eval.013");
  CHECK(id_of([] { pca(noise(9, 4, 1), 0); }) == "eval.017");
  CHECK(id_of([] { pca(noise(9, 4, 1), 5); }) == "eval.017");
  CHECK(id_of([] { pca(noise(3, 4, 1), 4); }) == "eval.017");
  CHECK(id_of([] { pca(noise(9, 4, 1)).project(noise(2, 5, 1)); }) == "eval.008");
}
