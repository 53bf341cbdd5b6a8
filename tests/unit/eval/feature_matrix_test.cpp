// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/feature_matrix.hpp"

#include <limits>
#include <string>
#include <vector>

#include "eval_support.hpp"
#include "support/catch.hpp"

using namespace pretext::eval;
using eval_support::id_of;
using pretext::index_t;

TEST_CASE("feature_matrix: a view reads the rows and labels of its matrix", "[eval][feature_matrix]") {
  const feature_matrix m{{1, 2, 3, 4, 5, 6}, 2, 3, {7, 8}};
  const feature_view v = m;
  CHECK(v.row(1)[0] == 4.0f);
  CHECK(v.label(1) == 8);
}

TEST_CASE("take_rows: rows come in the order asked for, with labels, and may repeat", "[eval][feature_matrix]") {
  const feature_matrix m{{1, 2, 3, 4, 5, 6}, 3, 2, {7, 8, 9}};
  const std::vector<index_t> which = {2, 0, 2};
  const feature_matrix t = take_rows(m, which);
  CHECK(t.rows == 3);
  CHECK(t.values == std::vector<float>{5, 6, 1, 2, 5, 6});
  CHECK(t.labels == std::vector<int>{9, 7, 9});
  CHECK(take_rows(m, {}).values.empty());
  const std::vector<index_t> beyond = {3}, below = {-1};
  CHECK(id_of([&] { take_rows(m, beyond); }) == "eval.016");
  CHECK(id_of([&] { take_rows(m, below); }) == "eval.016");
}

TEST_CASE("check_features: empty, wrong size and non-finite values are told apart", "[eval][feature_matrix]") {
  const auto check = [](feature_matrix m) { return id_of([&] { detail::check_features(m, "x"); }); };
  CHECK(check({{1, 2}, 1, 2, {}}) == "nothing");
  CHECK(check({{}, 0, 2, {}}) == "eval.001");
  CHECK(check({{}, 2, 0, {}}) == "eval.001");
  CHECK(check({{1, 2, 3}, 2, 2, {}}) == "eval.002");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()})
    CHECK(check({{1, 2, bad, 4}, 2, 2, {}}) == "eval.003");
  CHECK(check({{std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min()}, 1, 2, {}}) == "nothing");
}

TEST_CASE("check_features: the sentence names the set, the row and the column", "[eval][feature_matrix]") {
  const feature_matrix m{{1, 2, 3, 4, 5, std::numeric_limits<float>::quiet_NaN()}, 2, 3, {}};
  try {
    detail::check_features(m, "test features");
    FAIL("no error");
  } catch (const pretext::error& e) {
    CHECK(std::string(e.what()).find("pretext[eval.003] test features: row 1, column 2 ") == 0);
  }
}

TEST_CASE("check_labels: missing, negative and too large labels are refused", "[eval][feature_matrix]") {
  const auto check = [](std::vector<int> labels, int classes) {
    return id_of([&] { detail::check_labels(feature_matrix{{1, 2}, 2, 1, labels}, classes, "x"); });
  };
  CHECK(check({0, 1}, 2) == "nothing");
  CHECK(check({0}, 2) == "eval.004");
  CHECK(check({}, 2) == "eval.004");
  CHECK(check({0, 2}, 2) == "eval.005");
  CHECK(check({-1, 1}, 2) == "eval.005");
  CHECK(check({-1, -1}, 0) == "eval.005");
}
