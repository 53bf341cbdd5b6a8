// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/derived.hpp"

#include "rows_support.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::index_t;
using rows_support::block;
using rows_support::draw;
using rows_support::of;

namespace {

px::similarity::gaussian_kernel wide_kernel() {
  px::similarity::gaussian_kernel k;
  k.width = 1.3f;
  return k;
}

/// Finite differences of the value on `views` views of `samples` rows, alone and against a target.
template <class F>
void check(const char* name, F f, index_t samples = 5, index_t views = 2, index_t width = 4) {
  CAPTURE(name, samples, views, width);
  const auto objective = of(f);
  const auto z = draw<double>(samples * views, width, 3), t = draw<double>(samples * views, width, 4);
  const auto queue = draw<double>(6, width, 5);
  {
    const auto made = rows_support::self(objective, z, views);
    const auto wanted = rows_support::differences(z, [&](const block<double>& x) { return rows_support::self(objective, x, views).loss; });
    CHECK(std::isfinite(made.loss));
    CHECK(rows_support::distance(made.gradient, wanted) < 1e-10);
    // Gradients are added and weighted, also by numbers below zero.
    const auto twice = rows_support::self(objective, z, views, -2.0, 7.0);
    std::vector<double> sums(wanted.size());
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = 7 - 2 * made.gradient[i];
    CHECK(rows_support::distance(twice.gradient, sums) < 1e-12);
  }
  {
    const auto made = rows_support::target(objective, z, t, queue, views);
    const auto wanted = rows_support::differences(z, [&](const block<double>& x) { return rows_support::target(objective, x, t, queue, views).loss; });
    CHECK(rows_support::distance(made.gradient, wanted) < 1e-10);
  }
}

}  // namespace

TEST_CASE("derived: sums over pairs have the gradient of their value", "[objective][derived]") {
  using namespace px::objective::row;
  using px::similarity::gaussian_kernel, px::similarity::negative_squared_euclidean;
  check("dot", [](const auto& in) { return mean(log_sum_exp(in.anchors, px::similarity::dot{}, 0.7)); });
  check("weights of both signs", [](const auto& in) { return sum(square(log_sum_exp(normalize(in.anchors), px::similarity::dot{}, 2.0) - 1.9)); });
  check("weights below zero", [](const auto& in) { return -mean(exp(log_mean_exp(in.anchors, px::similarity::dot{}))); });
  check("cosine", [](const auto& in) { return mean(log_mean_exp(in.anchors, px::similarity::cosine{}, 3.0)); });
  check("euclidean", [](const auto& in) { return log_mean_exp(log_mean_exp(in.anchors, negative_squared_euclidean{}, 2.0)); });
  check("gaussian", [](const auto& in) { return mean(log_sum_exp(in.anchors, wide_kernel(), 2.0)); });
  check("one view", [](const auto& in) { return log_sum_exp(log_sum_exp(view<1>(in), negative_squared_euclidean{}, 0.5)); });
  check("two views", [](const auto& in) { return mean(log_sum_exp(view<0>(in), view<1>(in), negative_squared_euclidean{}, 0.5)); });
  check("two views, both signs", [](const auto& in) { return sum(square(log_mean_exp(view<0>(in), view<1>(in), px::similarity::dot{}))); });
  check("a mapped similarity across", [](const auto& in) { return sum(exp(log_mean_exp(view<1>(in), in.positives, px::similarity::cosine{}, 1.5))); });
  check("numbers", [](const auto& in) { return log_sum_exp(squared_norm(in.anchors)) - log_mean_exp(-dot(in.anchors, in.positives)); });
  check("numbers, sign unknown", [](const auto& in) { return square(log_mean_exp(dot(in.anchors, in.positives))); });
}

TEST_CASE("derived: column statistics have the gradient of their value", "[objective][derived]") {
  using namespace px::objective::row;
  check("variance", [](const auto& in) { return mean(relu(1.0 - sqrt(column_variance(in.anchors) + 1e-4))); });
  check("variance of normalised rows", [](const auto& in) { return sum(exp(column_variance(normalize(view<1>(in))))); });
  check("covariance", [](const auto& in) { return sum(square(off_diagonal(covariance(in.anchors)))) / 4.0; });
  check("cross-covariance", [](const auto& in) { return sum(square(1.0 - diagonal(covariance(view<0>(in), view<1>(in))))); });
  check("standardize", [](const auto& in) { return sum(square(square(standardize(in.anchors)) - in.positives)); }, 5, 2, 4);
  check("one column", [](const auto& in) { return sum(exp(off_diagonal(covariance(in.anchors)))) + sum(diagonal(covariance(in.anchors))); }, 5, 2, 1);
  check("one sample", [](const auto& in) { return sum(column_variance(in.anchors)) + sum(square(covariance(in.anchors))); }, 1, 2, 4);
}
