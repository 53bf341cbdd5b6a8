// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <vector>

#include "pretext/backend/count.hpp"
#include "pretext/backend/reference/reference.hpp"
#include "pretext/comm/planned.hpp"
#include "pretext/core/rng.hpp"
#include "pretext/objective/derived.hpp"

/// Runs an objective on rows, with memory of exactly the size that the counting back end planned.
namespace rows_support {

using pretext::extents;
using pretext::index_t;
using pretext::tensor_view;

struct result {
  double loss = 0;
  std::vector<double> gradient;
  std::size_t bytes = 0;
};

template <class T>
struct block {
  std::vector<T> values;
  index_t rows = 0, columns = 0;

  block() = default;
  block(index_t r, index_t c) : values(static_cast<std::size_t>(r * c)), rows(r), columns(c) {}
  tensor_view<const T> view() const { return {values.data(), extents(rows, columns)}; }
};

template <class T>
block<T> draw(index_t rows, index_t columns, std::uint64_t seed) {
  block<T> b(rows, columns);
  pretext::rng::stream s(pretext::rng::key{.seed = seed});
  for (T& v : b.values) v = static_cast<T>(s.uniform(-1.0, 1.0));
  return b;
}

/// One pass of loss and gradient in a given context.
template <class Objective, class Ctx, class In, class T>
constexpr void pass(const Objective& objective, const Ctx& ctx, const In& in, T weight, tensor_view<T> d, tensor_view<T> loss) {
  typename Objective::template cache<T> kept{};
  objective.loss(ctx, in, pretext::parameter_view<T>{}, kept, loss);
  objective.gradient(ctx, weight, in, pretext::parameter_view<T>{}, kept, d, pretext::no_gradient{});
}

/// `d` starts at `start`, to see that gradients are added.
template <class T, class Backend, class Objective, class In, class Comm, class PlannedComm>
result run_with(const Objective& objective, const In& in, tensor_view<const T> rows, T weight, T start, Comm& comm, PlannedComm alike) {
  using counter = pretext::backend::count<Backend>;
  Backend be;
  counter planner(be);
  pretext::workspace plan;
  const pretext::context<counter, T, PlannedComm> planned{&planner, &plan, &alike};
  const In none = [&] {
    In i = in;
    if constexpr (requires { i.rows; }) {
      i.rows.data = nullptr;
    } else {
      i.anchors.data = i.positives.data = i.negatives.data = nullptr;
    }
    return i;
  }();
  // A queue's size decides what is asked for, its numbers do not.
  pass(objective, planned, none, weight, tensor_view<T>{nullptr, rows.shape}, tensor_view<T>{nullptr, extents(1)});

  pretext::buffer<std::byte> memory(static_cast<index_t>(plan.peak()));
  pretext::workspace space(memory.data(), plan.peak());
  result r;
  r.bytes = plan.peak();
  std::vector<T> d(static_cast<std::size_t>(rows.size()), start);
  T loss = 0;
  const pretext::context<Backend, T, Comm> ctx{&be, &space, &comm};
  pass(objective, ctx, in, weight, tensor_view<T>{d.data(), rows.shape}, tensor_view<T>{&loss, extents(1)});
  r.loss = static_cast<double>(loss);
  r.gradient.assign(d.begin(), d.end());
  return r;
}

/// On one rank of several.
template <class Objective, class In, class Comm>
result run_on(const Objective& o, const In& in, tensor_view<const double> rows, Comm& comm) {
  return run_with<double, pretext::backend::reference>(o, in, rows, 1.0, 0.0, comm, pretext::comm::planned{comm.size()});
}
template <class T, class Backend, class Objective, class In>
result run(const Objective& o, const In& in, tensor_view<const T> rows, T weight = 1, T start = 0) {
  pretext::comm::null alone;
  return run_with<T, Backend>(o, in, rows, weight, start, alone, alone);
}
template <class T = double, class Backend = pretext::backend::reference, class Objective>
result self(const Objective& o, const block<T>& z, index_t views = 2, T weight = 1, T start = 0) {
  return run<T, Backend>(o, pretext::objective::self_pairs<T>{z.view(), views}, z.view(), weight, start);
}
template <class T = double, class Backend = pretext::backend::reference, class Objective>
result target(const Objective& o, const block<T>& z, const block<T>& t, const block<T>& queue = {}, index_t views = 2) {
  tensor_view<const T> negatives;
  if (queue.rows > 0) negatives = queue.view();
  return run<T, Backend>(o, pretext::objective::target_pairs<T>{z.view(), t.view(), negatives, views}, z.view());
}

/// max|a - b| / max|b|, absolute where b is zero; infinity where something is not finite.
inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return HUGE_VAL;
    worst = std::fmax(worst, std::fabs(a[i] - b[i]));
    largest = std::fmax(largest, std::fabs(b[i]));
  }
  return a.size() != b.size() ? HUGE_VAL : largest > 0 ? worst / largest : worst;
}

/// A value given by a function of the inputs.
template <class F>
struct given {
  F f{};
  constexpr auto value(const auto& in) const { return f(in); }
};
template <class F>
auto of(F f) {
  return pretext::objective::derived<given<F>>{{f}};
}

/// Every kind of node once: rows, pairs within and across, numbers, column statistics; gradients of known and unknown sign.
struct everything {
  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
    const auto z = normalize(in.anchors);
    const auto y = normalize(in.positives);
    const auto pairs = mean(log_sum_exp(z, pretext::similarity::dot{}, 4) - 4 * dot(z, y)) +
                       log_mean_exp(log_mean_exp(z, pretext::similarity::negative_squared_euclidean{}, 2)) +
                       0.1 * sum(square(log_mean_exp(view<0>(in), view<1>(in), pretext::similarity::cosine{}, 3)));
    const auto columns = mean(relu(1.0 - sqrt(column_variance(in.anchors) + 1e-4))) + mean(tanh(standardize(in.anchors) * in.positives)) +
                         sum(square(off_diagonal(covariance(view<0>(in), view<1>(in))))) / in.width;
    const auto scalars = mean(exp(-norm(in.anchors))) + mean(softplus(squared_distance(z, y))) * mean(sigmoid(in.anchors)) +
                         log(sum(square(in.anchors)) + 1.0) / 10;
    return pairs + columns + scalars;
  }
};

/// Central differences of a loss of the rows, of fourth order.
template <class F>
std::vector<double> differences(block<double> z, F&& loss, double h = 1e-3) {
  std::vector<double> g(z.values.size());
  for (std::size_t i = 0; i < g.size(); ++i) {
    const double x = z.values[i];
    const auto at = [&](double d) {
      z.values[i] = x + d;
      const double l = loss(z);
      z.values[i] = x;
      return l;
    };
    g[i] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  }
  return g;
}

}  // namespace rows_support
