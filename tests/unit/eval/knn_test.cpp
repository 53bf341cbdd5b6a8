// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/knn.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "eval_support.hpp"
#include "pretext/core/thread_pool.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace pretext::eval;
using eval_support::clusters;
using eval_support::id_of;
using eval_support::noise;
using pretext::index_t;

namespace {

feature_matrix golden_features(const golden::file& file, const std::string& name, const std::string& labels) {
  const golden::tensor t = file[name];
  return {t.as<float>(), t.extents[0], t.extents[1], file[labels].as<int>()};
}

}  // namespace

TEST_CASE("cosine_index: nearest rows by hand, nearest first, whatever their length", "[eval][knn]") {
  const feature_matrix rows{{1, 0, 0, 10, -1, 0, 3, 3}, 4, 2, {}};
  const feature_matrix query{{2, 1}, 1, 2, {}};
  const neighbour_table near = cosine_index(rows).nearest(query, 4);
  CHECK(near.index == std::vector<index_t>{3, 0, 1, 2});
  CHECK(near.similarity[0] == Approx(3 / std::sqrt(10.0)).epsilon(1e-6));
  CHECK(near.similarity[1] == Approx(2 / std::sqrt(5.0)).epsilon(1e-6));
  CHECK(near.similarity[3] == Approx(-2 / std::sqrt(5.0)).epsilon(1e-6));
}

TEST_CASE("cosine_index: equal similarities go to the lower index, in and beyond the k kept", "[eval][knn]") {
  feature_matrix rows{{}, 600, 3, {}};
  for (index_t i = 0; i < 600; ++i) rows.values.insert(rows.values.end(), {1, 2, 3});
  const neighbour_table near = cosine_index(rows).nearest(feature_matrix{{1, 0, 0}, 1, 3, {}}, 5);
  CHECK(near.index == std::vector<index_t>{0, 1, 2, 3, 4});
}

TEST_CASE("cosine_index: equals sorting all similarities, for sizes above every block", "[eval][knn]") {
  const feature_matrix rows = noise(777, 300, 1), queries = noise(130, 300, 2);
  const neighbour_table near = cosine_index(rows).nearest(queries, 31);
  for (index_t q = 0; q < queries.rows; q += 43) {
    std::vector<double> all;
    for (index_t i = 0; i < rows.rows; ++i) {
      double dot = 0, a = 0, b = 0;
      for (index_t j = 0; j < rows.columns; ++j) {
        const double x = static_cast<double>(feature_view(queries).row(q)[j]), y = static_cast<double>(feature_view(rows).row(i)[j]);
        dot += x * y;
        a += x * x;
        b += y * y;
      }
      all.push_back(dot / std::sqrt(a * b));
    }
    std::sort(all.rbegin(), all.rend());
    for (index_t k = 0; k < 31; ++k)
      REQUIRE(near.similarity[static_cast<std::size_t>(q * 31 + k)] == Approx(all[static_cast<std::size_t>(k)]).margin(1e-6));
  }
}

TEST_CASE("cosine_index: a row skips itself when asked, and finds itself when not", "[eval][knn]") {
  const feature_matrix rows = noise(70, 5, 3);
  const cosine_index index(rows);
  const neighbour_table with = index.nearest(rows, 1), without = index.nearest(rows, 69, true);
  for (index_t i = 0; i < 70; ++i) {
    CHECK(with.index[static_cast<std::size_t>(i)] == i);
    for (index_t k = 0; k < 69; ++k) REQUIRE(without.index[static_cast<std::size_t>(i * 69 + k)] != i);
  }
  CHECK(id_of([&] { index.nearest(rows, 70, true); }) == "eval.009");
}

TEST_CASE("cosine_index: a query has the same bits alone, in a batch and on a pool", "[eval][knn]") {
  const feature_matrix rows = noise(300, 31, 4), queries = noise(131, 31, 5);
  const cosine_index index(rows);
  const neighbour_table all = index.nearest(queries, 7);
  pretext::thread_pool pool(3);
  const neighbour_table threaded = index.nearest(queries, 7, false, pool);
  CHECK(threaded.index == all.index);
  CHECK(threaded.similarity == all.similarity);
  for (const index_t q : {0, 63, 64, 130}) {
    const std::vector<index_t> which = {q};
    const neighbour_table one = index.nearest(take_rows(queries, which), 7);
    CHECK(std::equal(one.similarity.begin(), one.similarity.end(), all.similarity.begin() + q * 7));
  }
}

TEST_CASE("knn: neighbours and predictions equal scikit-learn's", "[eval][knn][golden]") {
  const golden::file file("eval");
  const feature_matrix train = golden_features(file, "knn.train", "train_labels"), test = golden_features(file, "knn.test", "test_labels");
  const neighbour_table near = cosine_index(train).nearest(test, 7);
  const golden::tensor index = file["knn.index"], similarity = file["knn.similarity"];
  for (std::size_t i = 0; i < near.index.size(); ++i) {
    REQUIRE(near.index[i] == static_cast<index_t>(index.values[i]));
    REQUIRE(near.similarity[i] == Approx(similarity.values[i]).margin(1e-6));
  }
  CHECK(knn(train, test, {.k = 7}).predictions == file["knn.weighted"].as<int>());
  const auto plain = knn(train, test, {.k = 7, .vote = knn_vote::majority}).predictions;
  const auto want = file["knn.majority"].as<int>();
  int compared = 0;
  for (std::size_t i = 0; i < want.size(); ++i)
    if (want[i] >= 0) {
      CHECK(plain[i] == want[i]);
      ++compared;
    }
  CHECK(compared > 100);
}

TEST_CASE("knn: votes by hand: temperature decides between one near and two far", "[eval][knn]") {
  const double far = 0.9;  // cosine of the two far rows; the near one has 1
  const float s = static_cast<float>(std::sqrt(1 - far * far)), c = static_cast<float>(far);
  const feature_matrix train{{1, 0, c, s, c, -s}, 3, 2, {0, 1, 1}}, test{{1, 0}, 1, 2, {0}};
  // exp(1/T) > 2 exp(0.9/T) exactly where T < 0.1 / log 2 = 0.1443
  CHECK(knn(train, test, {.k = 3, .temperature = 0.14}).predictions[0] == 0);
  CHECK(knn(train, test, {.k = 3, .temperature = 0.15}).predictions[0] == 1);
  CHECK(knn(train, test, {.k = 3, .vote = knn_vote::majority}).predictions[0] == 1);
  CHECK(knn(train, test, {.k = 3, .temperature = 1e-30}).predictions[0] == 0);  // no overflow
  // k = 2, one vote each: the nearer one wins although its class number is the higher
  const feature_matrix swapped{{1, 0, c, s}, 2, 2, {1, 0}};
  CHECK(knn(swapped, test, {.k = 2, .vote = knn_vote::majority}).predictions[0] == 1);
}

TEST_CASE("knn: separated clusters are all right, and the order of rows does not matter", "[eval][knn]") {
  const feature_matrix train = clusters(200, 16, 4, 20, 6), test = clusters(90, 16, 4, 20, 7);
  CHECK(knn(train, test).accuracy == 1.0);
  const feature_matrix mixed = clusters(200, 16, 4, 1.5, 6), asked = clusters(90, 16, 4, 1.5, 7);
  std::vector<index_t> backwards;
  for (index_t i = 200; i-- > 0;) backwards.push_back(i);
  const knn_result one = knn(mixed, asked), other = knn(take_rows(mixed, backwards), asked);
  CHECK(one.accuracy < 1.0);
  CHECK(one.predictions == other.predictions);
}

TEST_CASE("knn: a rotation of the features changes no prediction", "[eval][knn]") {
  feature_matrix train = clusters(150, 8, 3, 1.5, 8), test = clusters(80, 8, 3, 1.5, 9);
  const knn_result before = knn(train, test);
  for (feature_matrix* m : {&train, &test})
    for (index_t i = 0; i < m->rows; ++i)
      for (int plane = 0; plane < 7; ++plane) {  // one turn in each plane of neighbouring axes
        float* x = m->values.data() + i * 8 + plane;
        const double angle = 0.3 + plane, a = x[0], b = x[1];
        x[0] = static_cast<float>(std::cos(angle) * a - std::sin(angle) * b);
        x[1] = static_cast<float>(std::sin(angle) * a + std::cos(angle) * b);
      }
  CHECK(knn(train, test).predictions == before.predictions);
}

TEST_CASE("knn: rows of zeros, huge and tiny rows are compared by direction", "[eval][knn]") {
  const feature_matrix train{{1e30f, 0, 0, 1e-38f, 0, 0}, 3, 2, {0, 1, 2}};
  CHECK(knn(train, feature_matrix{{1e-38f, 0}, 1, 2, {0}}, {.k = 1}).accuracy == 1.0);
  CHECK(knn(train, feature_matrix{{0, 3e38f}, 1, 2, {1}}, {.k = 1}).accuracy == 1.0);
  const neighbour_table near = cosine_index(train).nearest(feature_matrix{{0, 0}, 1, 2, {}}, 3);
  CHECK(near.index == std::vector<index_t>{0, 1, 2});
  CHECK(near.similarity == std::vector<float>{0, 0, 0});
}

TEST_CASE("knn: wrong input is one sentence with an id", "[eval][knn]") {
  const feature_matrix train = clusters(30, 4, 3, 2, 1), test = clusters(10, 4, 3, 2, 2);
  const auto id = [&](feature_matrix a, feature_matrix b, knn_options o = {}) { return id_of([&] { knn(a, b, o); }); };
  CHECK(id(train, test) == "nothing");
  CHECK(id(train, test, {.k = 30}) == "nothing");
  CHECK(id(train, test, {.k = 31}) == "eval.009");
  CHECK(id(train, test, {.k = 0}) == "eval.009");
  CHECK(id(train, test, {.temperature = 0}) == "eval.011");
  CHECK(id(train, test, {.temperature = std::numeric_limits<double>::quiet_NaN()}) == "eval.011");
  CHECK(id(train, test, {.classes = 2}) == "eval.005");
  CHECK(id({}, test) == "eval.001");
  CHECK(id(train, {}) == "eval.001");
  CHECK(id(train, clusters(10, 5, 3, 2, 2)) == "eval.008");
  feature_matrix bad = test;
  bad.values[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(id(train, bad) == "eval.003");
  bad = train;
  bad.labels.pop_back();
  CHECK(id(bad, test) == "eval.004");
  bad = train;
  bad.labels[0] = -1;
  CHECK(id(bad, test) == "eval.005");
}
