// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/measures.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
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

/// Noise in the first `directions` coordinates plus the same vector for all rows.
feature_matrix along(index_t rows, index_t columns, index_t directions, float spread, float shift) {
  feature_matrix x = noise(rows, columns, 5);
  for (index_t i = 0; i < rows * columns; ++i) {
    float& v = x.values[static_cast<std::size_t>(i)];
    v = (i % columns < directions ? v * spread : 0.0f) + (i % columns == columns - 1 ? shift : 0.0f);
  }
  return x;
}

}  // namespace

TEST_CASE("alignment: equal views give 0, opposite 4, perpendicular 2, whatever their length", "[eval][measures]") {
  const feature_matrix a{{3, 0, 0, 2}, 2, 2, {}};
  CHECK(alignment(a, feature_matrix{{1, 0, 0, 9}, 2, 2, {}}) == Approx(0).margin(1e-12));
  CHECK(alignment(a, feature_matrix{{-1, 0, 0, -9}, 2, 2, {}}) == Approx(4).epsilon(1e-12));
  CHECK(alignment(a, feature_matrix{{0, 5, 5, 0}, 2, 2, {}}) == Approx(2).epsilon(1e-12));
  CHECK(alignment(a, feature_matrix{{-1, 0, 0, -9}, 2, 2, {}}, 1) == Approx(2).epsilon(1e-12));
  CHECK(id_of([&] { alignment(a, noise(3, 2, 1)); }) == "eval.014");
  CHECK(id_of([&] { alignment(a, noise(2, 3, 1)); }) == "eval.014");
}

TEST_CASE("uniformity: equal rows give 0, two opposite rows -8, the corners of a cross by hand", "[eval][measures]") {
  CHECK(uniformity(feature_matrix{{1, 2, 1, 2, 1, 2}, 3, 2, {}}) == Approx(0).margin(1e-12));
  CHECK(uniformity(feature_matrix{{1, 0, -5, 0}, 2, 2, {}}) == Approx(-8).epsilon(1e-12));
  // Four corners: four pairs at distance sqrt 2, two at distance 2.
  const double want = std::log((4 * std::exp(-4.0) + 2 * std::exp(-8.0)) / 6);
  CHECK(uniformity(feature_matrix{{1, 0, 0, 1, -1, 0, 0, -1}, 4, 2, {}}) == Approx(want).epsilon(1e-12));
  CHECK(id_of([] { uniformity(feature_matrix{{1, 0}, 1, 2, {}}); }) == "eval.013");
}

TEST_CASE("measures: equal the formulas written in NumPy", "[eval][measures][golden]") {
  const golden::file file("eval");
  const golden::tensor t = file["knn.train"];
  const feature_matrix x{t.as<float>(), t.extents[0], t.extents[1], {}};
  std::vector<index_t> first, second;
  for (index_t i = 0; i < 128; ++i) {
    first.push_back(i);
    second.push_back(i + 128);
  }
  CHECK(alignment(take_rows(x, first), take_rows(x, second)) == Approx(file.number("alignment")).epsilon(1e-10));
  CHECK(uniformity(x) == Approx(file.number("uniformity")).epsilon(1e-10));
  CHECK(normalised_std(x) == Approx(file.number("normalised_std")).epsilon(1e-10));
  pretext::thread_pool pool(3);
  CHECK(uniformity(x, 2, pool) == uniformity(x));
}

TEST_CASE("normalised_std: noise has 1 / sqrt(D), equal rows 0", "[eval][measures]") {
  CHECK(normalised_std(noise(2000, 64, 1)) == Approx(healthy_std(64)).epsilon(0.02));
  CHECK(normalised_std(along(50, 8, 0, 0, 3)) == Approx(0).margin(1e-10));
  CHECK(healthy_std(100) == Approx(0.1).epsilon(1e-12));
  CHECK(id_of([] { normalised_std(noise(1, 4, 1)); }) == "eval.013");
}

TEST_CASE("collapse_warning: healthy embeddings give none", "[eval][measures]") {
  for (const index_t d : {2, 3, 16, 128}) CHECK(!collapse_warning(noise(256, d, 1)));
  CHECK(!collapse_warning(noise(20, 512, 2)));
  CHECK(!collapse_warning(along(256, 128, 16, 1, 0)));
}

TEST_CASE("collapse_warning: complete and dimensional collapse are told apart, in words", "[eval][measures]") {
  const auto complete = collapse_warning(along(256, 64, 64, 0.01f, 5));
  REQUIRE(complete);
  CHECK(complete->kind == collapse_kind::complete);
  CHECK(complete->sentence.find("complete collapse") == 0);
  CHECK(complete->value < complete->least);
  CHECK(collapse_warning(feature_matrix{std::vector<float>(64, 0.0f), 8, 8, {}})->kind == collapse_kind::complete);
  const auto narrow = collapse_warning(along(256, 128, 2, 1, 0));
  REQUIRE(narrow);
  CHECK(narrow->kind == collapse_kind::dimensional);
  CHECK(narrow->sentence.find("dimensional collapse") == 0);
  CHECK(narrow->sentence.find(" of 128 possible directions") != std::string::npos);
  CHECK(narrow->value == Approx(2).margin(0.1));
  CHECK(collapse_warning(along(256, 8, 1, 1, 0))->kind == collapse_kind::dimensional);
  CHECK(!collapse_warning(along(256, 128, 2, 1, 0), {.least_rank = 0.01}));
}

TEST_CASE("collapse_warning: features that are no numbers are an error, not a verdict", "[eval][measures]") {
  feature_matrix x = noise(8, 4, 1);
  x.values[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(id_of([&] { collapse_warning(x); }) == "eval.003");
  CHECK(id_of([&] { collapse_warning(noise(1, 4, 1)); }) == "eval.013");
}
