// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/logistic_regression.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "eval_support.hpp"
#include "pretext/core/thread_pool.hpp"
#include "pretext/eval/scores.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace pretext::eval;
using eval_support::clusters;
using eval_support::id_of;
using pretext::index_t;

namespace {

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

}  // namespace

TEST_CASE("logistic regression: the optimum equals scikit-learn's", "[eval][logistic_regression][golden]") {
  const golden::file file("eval");
  const golden::tensor x = file["train"], xt = file["test"];
  const feature_matrix train{x.as<float>(), x.extents[0], x.extents[1], file["train_labels"].as<int>()};
  const feature_matrix test{xt.as<float>(), xt.extents[0], xt.extents[1], file["test_labels"].as<int>()};
  for (const std::string name : {"logistic.weak", "logistic.strong"}) {
    const logistic_fit fit = fit_logistic_regression(train, {.l2 = file.number(name + ".l2"), .tolerance = 1e-6});
    CAPTURE(name, fit.gradient, fit.iterations);
    CHECK(fit.converged);
    // It ends at slopes of 1e-6, and across the data's weakest direction the penalty of 1e-3 is the curvature.
    CHECK(largest_difference(fit.model.weights, file[name + ".weights"].values) < 1e-3);
    CHECK(largest_difference(fit.model.bias, file[name + ".bias"].values) < 1e-3);
    CHECK(fit.model.predict(test) == file[name + ".predictions"].as<int>());
    const std::vector<float> logits = fit.model.logits(test);
    const golden::tensor p = file[name + ".probabilities"];
    for (index_t i = 0; i < test.rows; ++i) {
      double sum = 0;
      for (index_t c = 0; c < 3; ++c) sum += std::exp(static_cast<double>(logits[static_cast<std::size_t>(i * 3 + c)]));
      for (index_t c = 0; c < 3; ++c)
        REQUIRE(std::exp(static_cast<double>(logits[static_cast<std::size_t>(i * 3 + c)])) / sum == Approx(p[i * 3 + c]).epsilon(0).margin(1e-3));
    }
  }
}

TEST_CASE("softmax_problem: the gradient equals finite differences", "[eval][logistic_regression]") {
  for (const int classes : {2, 3, 10}) {
    const feature_matrix m = clusters(131, 7, classes, 1, 5);
    logistic_model scaling;
    scaling.classes = classes;
    scaling.columns = 7;
    detail::find_moments(m, scaling);
    std::vector<index_t> order;
    for (index_t i = 0; i < m.rows; ++i) order.push_back(i);
    const detail::design_matrix x = detail::design(m, order, scaling);
    detail::softmax_problem f(x, 100, classes, 0.3, {});
    std::vector<double> at(f.size()), g(f.size()), unused(f.size());
    eval_support::normals next(6);
    for (double& v : at) v = 0.5 * next();
    f(at, g);
    double worst = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      const double h = 1e-2, kept = at[i];
      at[i] = kept + h;
      const double up = f(at, unused);
      at[i] = kept - h;
      const double down = f(at, unused);
      at[i] = kept;
      worst = std::max(worst, std::abs((up - down) / (2 * h) - g[i]));
    }
    CHECK(worst < 1e-5 * (1 + detail::largest(g)));
  }
}

TEST_CASE("logistic regression: without features that matter the bias is the log of the class shares", "[eval][logistic_regression]") {
  feature_matrix m{std::vector<float>(100, 3.0f), 100, 1, {}};
  for (int i = 0; i < 100; ++i) m.labels.push_back(i < 70 ? 0 : i < 90 ? 1 : 2);
  const logistic_fit fit = fit_logistic_regression(m, {.tolerance = 1e-7});
  const std::vector<double>& b = fit.model.bias;
  // It ends at slopes of 1e-7, and the curvature of the rarest class is 0.1 * 0.9.
  CHECK(b[0] - b[1] == Approx(std::log(70.0 / 20.0)).epsilon(0).margin(1e-6));
  CHECK(b[1] - b[2] == Approx(std::log(20.0 / 10.0)).epsilon(0).margin(1e-6));
  CHECK(fit.model.weights == std::vector<double>(3, 0.0));
  CHECK(fit.loss == Approx(-0.7 * std::log(0.7) - 0.2 * std::log(0.2) - 0.1 * std::log(0.1)).epsilon(1e-7));
}

TEST_CASE("logistic regression: two points have the optimum of their scalar equation", "[eval][logistic_regression]") {
  // x = -1, 1 with classes 0, 1: w = +-u/2 solves u l2 / 2 = 1 / (1 + e^u).
  const feature_matrix m{{-1, 1}, 2, 1, {0, 1}};
  const logistic_fit fit = fit_logistic_regression(m, {.l2 = 0.1, .tolerance = 1e-9});
  const double u = fit.model.weights[1] - fit.model.weights[0];
  CHECK(0.05 * u == Approx(1 / (1 + std::exp(u))).epsilon(1e-6));
  CHECK(fit.model.weights[0] == Approx(-fit.model.weights[1]).epsilon(1e-6));
}

TEST_CASE("logistic regression: the order of rows, and a feature's scale and shift, change nothing", "[eval][logistic_regression]") {
  const feature_matrix m = clusters(300, 9, 3, 1, 7);
  const logistic_fit fit = fit_logistic_regression(m, {.tolerance = 1e-6});
  std::vector<index_t> order;
  for (index_t i = 0; i < 300; ++i) order.push_back(i * 7 % 300);  // 7 and 300 have no common divisor
  const logistic_fit mixed = fit_logistic_regression(take_rows(m, order), {.tolerance = 1e-6});
  CHECK(largest_difference(fit.model.weights, mixed.model.weights) < 1e-5);
  feature_matrix scaled = m;
  for (std::size_t i = 0; i < scaled.values.size(); ++i)
    if (i % 9 == 2) scaled.values[i] = scaled.values[i] * 1e-20f;
    else if (i % 9 == 3) scaled.values[i] = scaled.values[i] * 1e20f;
    else if (i % 9 == 4) scaled.values[i] += 8;
  const logistic_fit other = fit_logistic_regression(scaled, {.tolerance = 1e-6});
  CHECK(largest_difference(fit.model.weights, other.model.weights) < 1e-5);
  CHECK(fit.model.predict(m) == other.model.predict(scaled));
}

TEST_CASE("logistic regression: a pool of any size gives the same bits", "[eval][logistic_regression]") {
  const feature_matrix m = clusters(2000, 31, 7, 1, 8);
  const logistic_fit alone = fit_logistic_regression(m);
  for (const int threads : {1, 2, 5}) {
    pretext::thread_pool pool(threads);
    const logistic_fit fit = fit_logistic_regression(m, {}, pool);
    CHECK(fit.model.weights == alone.model.weights);
    CHECK(fit.model.bias == alone.model.bias);
    CHECK(fit.model.logits(m, pool) == alone.model.logits(m));
  }
}

TEST_CASE("logistic_model: its head is the same function of the features as they come", "[eval][logistic_regression]") {
  feature_matrix m = clusters(200, 6, 4, 2, 9);
  for (std::size_t i = 0; i < m.values.size(); ++i) m.values[i] = m.values[i] * 3 + 2;
  const logistic_model model = fit_logistic_regression(m).model;
  const linear_head head = model.head();
  const std::vector<float> logits = model.logits(m);
  for (index_t i = 0; i < m.rows; ++i)
    for (index_t c = 0; c < 4; ++c) {
      double y = static_cast<double>(head.bias[static_cast<std::size_t>(c)]);
      for (index_t j = 0; j < 6; ++j)
        y += static_cast<double>(head.weights[static_cast<std::size_t>(c * 6 + j)]) * static_cast<double>(feature_view(m).row(i)[j]);
      REQUIRE(y == Approx(static_cast<double>(logits[static_cast<std::size_t>(i * 4 + c)])).epsilon(0).margin(1e-5));
    }
}

TEST_CASE("logistic regression: separable data are all right, also without a penalty", "[eval][logistic_regression]") {
  const feature_matrix m = clusters(120, 12, 5, 30, 10);
  for (const double l2 : {0.0, 1e-6, 0.01}) {
    const logistic_fit fit = fit_logistic_regression(m, {.l2 = l2});
    CHECK(accuracy(fit.model.predict(m), m.labels) == 1.0);
    CHECK(std::isfinite(fit.loss));
  }
}

TEST_CASE("logistic regression: a constant feature of any size is ignored", "[eval][logistic_regression]") {
  feature_matrix m = clusters(60, 4, 2, 3, 11);
  for (index_t i = 0; i < 60; ++i) m.values[static_cast<std::size_t>(i * 4 + 3)] = 0.1f;
  const logistic_model model = fit_logistic_regression(m).model;
  CHECK(model.deviation[3] == 1.0);
  CHECK(std::abs(model.weights[3]) < 1e-10);
  CHECK(std::abs(model.weights[7]) < 1e-10);
}

TEST_CASE("logistic regression: a class without rows is allowed and never predicted", "[eval][logistic_regression]") {
  const feature_matrix m = clusters(100, 5, 2, 3, 12);
  const logistic_fit fit = fit_logistic_regression(m, {.classes = 4});
  CHECK(fit.model.classes == 4);
  for (const double v : fit.model.bias) CHECK(std::isfinite(v));
  for (const int c : fit.model.predict(m)) CHECK(c < 2);
}

TEST_CASE("logistic regression: wrong input is one sentence with an id", "[eval][logistic_regression]") {
  const feature_matrix m = clusters(30, 4, 3, 2, 1);
  const auto id = [](feature_matrix x, logistic_options o = {}) { return id_of([&] { fit_logistic_regression(x, o); }); };
  CHECK(id(m) == "nothing");
  CHECK(id({}) == "eval.001");
  CHECK(id(m, {.classes = 2}) == "eval.005");
  CHECK(id(m, {.classes = 31}) == "eval.007");
  CHECK(id({{1, 2, 3}, 3, 1, {0, 0, 0}}) == "eval.006");
  CHECK(id({{1, 2, 3}, 3, 1, {2, 2, 2}}) == "eval.006");
  CHECK(id({{1, 2}, 2, 1, {0, 2}}) == "eval.007");
  CHECK(id({{1, 2}, 2, 1, {}}) == "eval.004");
  CHECK(id({{1, std::numeric_limits<float>::infinity()}, 2, 1, {0, 1}}) == "eval.003");
  CHECK(id(m, {.l2 = -1}) == "eval.012");
  CHECK(id(m, {.l2 = std::numeric_limits<double>::quiet_NaN()}) == "eval.012");
  CHECK(id(m, {.max_iterations = -1}) == "eval.012");
  const logistic_model model = fit_logistic_regression(m).model;
  CHECK(id_of([&] { model.predict(clusters(3, 5, 3, 1, 1)); }) == "eval.008");
}
