// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/spectrum.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

#include "eval_support.hpp"
#include "pretext/core/thread_pool.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace pretext::eval;
using eval_support::noise;
using pretext::index_t;

TEST_CASE("singular_values and ranks: equal NumPy's", "[eval][spectrum][golden]") {
  const golden::file file("eval");
  const golden::tensor t = file["train"], want = file["singular"];
  const feature_matrix x{t.as<float>(), t.extents[0], t.extents[1], {}};
  const std::vector<double> s = singular_values(x);
  REQUIRE(static_cast<index_t>(s.size()) == want.size());
  for (std::size_t i = 0; i < s.size(); ++i) CHECK(s[i] == Approx(want.values[i]).epsilon(1e-10));
  CHECK(rank_me(x) == Approx(file.number("rank_me")).epsilon(1e-10));
  CHECK(effective_rank(x) == Approx(file.number("effective_rank")).epsilon(1e-10));
}

TEST_CASE("entropy_rank: r equal values give r, whatever their size", "[eval][spectrum]") {
  CHECK(entropy_rank({5, 5, 5, 0, 0}) == Approx(3).epsilon(1e-12));
  CHECK(entropy_rank({1e-30, 1e-30}) == Approx(2).epsilon(1e-12));
  CHECK(entropy_rank({0, 0}) == 0.0);
  CHECK(entropy_rank({}) == 0.0);
  CHECK(entropy_rank({3, 1}) == Approx(std::exp(-0.75 * std::log(0.75) - 0.25 * std::log(0.25))).epsilon(1e-12));
}

TEST_CASE("ranks: a planted rank is recovered", "[eval][spectrum]") {
  for (const index_t r : {1, 3, 7}) {
    // Rows are +-1 in each of r coordinates in all combinations, so their covariance is the identity on r axes; the
    // coordinates then go through a 20 x r matrix with orthogonal columns.
    const index_t rows = index_t{1} << r;
    feature_matrix x{{}, rows, 20, {}};
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < 20; ++j) {
        float v = 0;
        for (index_t k = 0; k < r; ++k)
          v += ((i >> k) % 2 == 0 ? 1.0f : -1.0f) * std::cos(3.14159265f * (static_cast<float>(j) + 0.5f) * static_cast<float>(k + 1) / 20);
        x.values.push_back(v);
      }
    CHECK(effective_rank(x) == Approx(static_cast<double>(r)).epsilon(1e-10));
    // RankMe adds 1e-7 to every share, also to those of the 13 axes that are empty: 13 * 1e-7 log(1e7) in the entropy.
    CHECK(rank_me(x) == Approx(static_cast<double>(r)).epsilon(2.3e-5));
    for (float& v : x.values) v *= 1e15f;
    CHECK(effective_rank(x) == Approx(static_cast<double>(r)).epsilon(1e-10));
    for (float& v : x.values) v += 1e15f;  // the mean is taken away by one and not by the other
    CHECK(effective_rank(x) == Approx(static_cast<double>(r)).epsilon(1e-5));
  }
}

TEST_CASE("singular_values: more columns than rows, or more than a block, change nothing but the number", "[eval][spectrum]") {
  const feature_matrix wide = noise(13, 600, 1);
  feature_matrix tall{{}, 600, 13, {}};
  for (index_t j = 0; j < 600; ++j)
    for (index_t i = 0; i < 13; ++i) tall.values.push_back(wide.values[static_cast<std::size_t>(i * 600 + j)]);
  const std::vector<double> a = singular_values(wide), b = singular_values(tall);
  REQUIRE(a.size() == 13);
  for (std::size_t i = 0; i < 13; ++i) CHECK(a[i] == Approx(b[i]).epsilon(1e-10));
  double squares = 0, sum = 0;
  for (const float v : wide.values) squares += static_cast<double>(v) * static_cast<double>(v);
  for (const double s : a) sum += s * s;
  CHECK(sum == Approx(squares).epsilon(1e-10));
  pretext::thread_pool pool(3);
  CHECK(singular_values(wide, true, pool) == singular_values(wide, true));
}

TEST_CASE("ranks: one row, and rows that are all zero", "[eval][spectrum]") {
  CHECK(rank_me(noise(1, 5, 1)) == Approx(1).epsilon(2e-7));  // 1e-7 is added to the share
  CHECK(effective_rank(noise(1, 5, 1)) == 0.0);
  CHECK(rank_me(feature_matrix{std::vector<float>(20, 0.0f), 4, 5, {}}) == 0.0);
  CHECK(eval_support::id_of([] { rank_me(feature_matrix{}); }) == "eval.001");
}
