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

/// Finite differences of the value on `views` views of `samples` rows, alone and against a target.
template <class F>
void check(const char* name, F f, index_t samples = 5, index_t views = 2, index_t width = 4, double tolerance = 1e-8) {
  CAPTURE(name, samples, views, width);
  const auto objective = of(f);
  const auto z = draw<double>(samples * views, width, 3), t = draw<double>(samples * views, width, 4);
  const auto queue = draw<double>(6, width, 5);
  {
    const auto made = rows_support::self(objective, z, views);
    const auto wanted = rows_support::differences(z, [&](const block<double>& x) { return rows_support::self(objective, x, views).loss; });
    CHECK(std::isfinite(made.loss));
    CHECK(rows_support::distance(made.gradient, wanted) < tolerance);
    // Gradients are added and weighted, also by numbers below zero.
    const auto twice = rows_support::self(objective, z, views, -2.0, 7.0);
    std::vector<double> sums(wanted.size());
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = 7 - 2 * made.gradient[i];
    CHECK(rows_support::distance(twice.gradient, sums) < 1e-12);
  }
  {
    const auto made = rows_support::target(objective, z, t, queue, views);
    const auto wanted = rows_support::differences(z, [&](const block<double>& x) { return rows_support::target(objective, x, t, queue, views).loss; });
    CHECK(rows_support::distance(made.gradient, wanted) < tolerance);
  }
}

}  // namespace

TEST_CASE("derived: every scalar function has the gradient of its value", "[objective][derived]") {
  using namespace px::objective::row;
  check("exp", [](const auto& in) { return sum(exp(in.anchors)); });
  check("log", [](const auto& in) { return sum(log(square(in.anchors) + 0.5)); });
  check("sqrt", [](const auto& in) { return sum(sqrt(square(in.anchors) + 0.5)); });
  check("square", [](const auto& in) { return mean(square(in.anchors)); });
  check("relu", [](const auto& in) { return sum(relu(1.1 - squared_norm(in.anchors))); });
  check("tanh", [](const auto& in) { return sum(tanh(2.0 * in.anchors)); });
  check("sigmoid", [](const auto& in) { return sum(sigmoid(3.0 * in.anchors)); });
  check("softplus", [](const auto& in) { return sum(softplus(4.0 * in.anchors)); });
  check("quotient", [](const auto& in) { return sum(in.anchors / (square(in.positives) + 0.5)); });
  check("product", [](const auto& in) { return sum(in.anchors * in.positives * in.anchors); });
  check("constants", [](const auto& in) { return 2.0 * (-mean(in.anchors) + 1.0) / 3.0 - 0.5 * sum(3.0 - in.positives) - 1.0; });
}

TEST_CASE("derived: every row operation has the gradient of its value", "[objective][derived]") {
  using namespace px::objective::row;
  check("normalize", [](const auto& in) { return sum(tanh(normalize(in.anchors) + in.positives)); });
  check("dot", [](const auto& in) { return sum(square(dot(in.anchors, in.positives))); });
  check("dot of views", [](const auto& in) { return sum(exp(dot(view<0>(in), view<1>(in)))); });
  check("squared_norm", [](const auto& in) { return mean(exp(squared_norm(in.positives))); });
  check("norm", [](const auto& in) { return mean(square(norm(in.anchors) - 1.0)); });
  check("squared_distance", [](const auto& in) { return mean(exp(-squared_distance(in.anchors, in.positives))); });
  check("three views", [](const auto& in) { return mean(squared_distance(view<2>(in), normalize(view<0>(in)))) + mean(dot(in.anchors, in.positives)); }, 4, 3);
  check("a function of numbers", [](const auto& in) { return log(mean(squared_norm(in.anchors))) * sqrt(mean(squared_distance(in.anchors, in.positives))); });
}
