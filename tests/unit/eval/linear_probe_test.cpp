// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/linear_probe.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "eval_support.hpp"
#include "pretext/core/thread_pool.hpp"
#include "support/catch.hpp"

using namespace pretext::eval;
using eval_support::clusters;
using eval_support::id_of;
using pretext::index_t;

TEST_CASE("linear_probe: separable classes are all right", "[eval][linear_probe]") {
  const probe_result r = linear_probe(clusters(400, 10, 4, 20, 1), clusters(100, 10, 4, 20, 2));
  CHECK(r.accuracy == 1.0);
  CHECK(r.train_accuracy == 1.0);
  CHECK(r.converged);
}

TEST_CASE("linear_probe: labels without any relation stay near chance", "[eval][linear_probe]") {
  const probe_result r = linear_probe(clusters(1000, 10, 4, 0, 1), clusters(1000, 10, 4, 0, 2));
  CHECK(r.accuracy > 0.17);
  CHECK(r.accuracy < 0.33);
}

TEST_CASE("linear_probe: the l2 is the one that is best on the held-out tenth", "[eval][linear_probe]") {
  // 60 useless features beside 3 useful ones and few rows: a weak penalty fits noise.
  const feature_matrix train = clusters(300, 63, 3, 1.5, 3), test = clusters(600, 63, 3, 1.5, 4);
  const probe_result r = linear_probe(train, test);
  REQUIRE(!r.trials.empty());
  double best = 0;
  for (const probe_trial& t : r.trials) best = std::max(best, t.accuracy);
  for (const probe_trial& t : r.trials)
    if (t.accuracy == best) {
      CHECK(r.l2 == t.l2);  // the first, so the largest, of equals
      break;
    }
  const probe_result fixed = linear_probe(train, test, {.l2 = r.l2});
  CHECK(fixed.trials.empty());
  CHECK(fixed.accuracy == Approx(r.accuracy).margin(0.01));
}

TEST_CASE("linear_probe: a chosen model equals logistic regression with that l2 on all rows", "[eval][linear_probe]") {
  const feature_matrix train = clusters(300, 8, 3, 1, 5);
  const probe_result r = linear_probe(train, train, {.tolerance = 1e-6});
  const logistic_fit fit = fit_logistic_regression(train, {.l2 = r.l2, .tolerance = 1e-6});
  for (std::size_t i = 0; i < fit.model.weights.size(); ++i)
    CHECK(r.model.weights[i] == Approx(fit.model.weights[i]).epsilon(0).margin(1e-5));
  CHECK(r.predictions == r.model.predict(train));
}

TEST_CASE("hold_out_tenth: every row once, a tenth of each class last, drawn by seed", "[eval][linear_probe]") {
  feature_matrix m = eval_support::noise(95, 1, 1);
  for (int i = 0; i < 95; ++i) m.labels.push_back(i < 50 ? 0 : i < 89 ? 1 : 2);
  index_t kept = 0;
  const std::vector<index_t> order = detail::hold_out_tenth(m, 3, 0, kept);
  CHECK(kept == 95 - 5 - 3 - 0);
  std::vector<index_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (index_t i = 0; i < 95; ++i) REQUIRE(sorted[static_cast<std::size_t>(i)] == i);
  for (std::size_t i = 87; i < 92; ++i) CHECK(m.labels[static_cast<std::size_t>(order[i])] == 0);
  for (std::size_t i = 92; i < 95; ++i) CHECK(m.labels[static_cast<std::size_t>(order[i])] == 1);
  CHECK(detail::hold_out_tenth(m, 3, 0, kept) == order);
  CHECK(detail::hold_out_tenth(m, 3, 1, kept) != order);
}

TEST_CASE("linear_probe: with few labels the fixed l2 is used", "[eval][linear_probe]") {
  const feature_matrix test = clusters(200, 20, 4, 4, 7);
  const probe_result few = linear_probe(clusters(79, 20, 4, 4, 6), test);
  CHECK(few.l2 == 0.01);
  CHECK(few.trials.empty());
  CHECK(few.accuracy > 0.9);
  CHECK(linear_probe(clusters(4, 20, 4, 4, 6), test).l2 == 0.01);  // one label a class
  CHECK(!linear_probe(clusters(80, 20, 4, 4, 6), test).trials.empty());
}

TEST_CASE("linear_probe: a pool and a second run give the same bits", "[eval][linear_probe]") {
  const feature_matrix train = clusters(900, 17, 5, 1, 8), test = clusters(100, 17, 5, 1, 9);
  const probe_result one = linear_probe(train, test), again = linear_probe(train, test);
  pretext::thread_pool pool(4);
  const probe_result threaded = linear_probe(train, test, {}, pool);
  CHECK(one.model.weights == again.model.weights);
  CHECK(one.model.weights == threaded.model.weights);
  CHECK(one.predictions == threaded.predictions);
}

TEST_CASE("linear_probe: wrong input is one sentence with an id", "[eval][linear_probe]") {
  const feature_matrix train = clusters(30, 4, 3, 2, 1), test = clusters(10, 4, 3, 2, 2);
  const auto id = [](feature_matrix a, feature_matrix b, probe_options o = {}) { return id_of([&] { linear_probe(a, b, o); }); };
  CHECK(id(train, test) == "nothing");
  CHECK(id({}, test) == "eval.001");
  CHECK(id(train, {}) == "eval.001");
  CHECK(id(train, clusters(10, 5, 3, 2, 2)) == "eval.008");
  CHECK(id(train, clusters(10, 4, 3, 2, 2), {.classes = 2}) == "eval.005");
  CHECK(id(clusters(2, 4, 2, 2, 1), test) == "eval.007");
  CHECK(id(clusters(9, 4, 1, 2, 1), clusters(9, 4, 1, 2, 1)) == "eval.006");
  CHECK(id(train, test, {.l2 = -1}) == "eval.012");
  CHECK(id(train, test, {.l2_grid = {}}) == "eval.012");
  feature_matrix bad = test;
  bad.labels.clear();
  CHECK(id(train, bad) == "eval.004");
}
