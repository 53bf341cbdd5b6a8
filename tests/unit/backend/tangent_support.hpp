// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/tangent.hpp"
#include "pretext/core/parameters.hpp"
#include "pretext/core/view_of.hpp"
#include "pretext/nn/layer.hpp"
#include "support/catch.hpp"

/// Runs layers on pairs, and holds what comes out to differences of their gradients.
namespace tangent_test {

namespace px = pretext;
namespace nn = pretext::nn;
namespace op = pretext::op;
using px::extents;
using px::index_t;

/// Exact in float.
inline std::vector<double> draw(index_t n, std::uint64_t seed) {
  px::rng::stream s(px::rng::key{.seed = seed});
  std::vector<double> v(static_cast<std::size_t>(n));
  for (double& x : v) x = static_cast<double>(static_cast<float>(s.uniform(-1, 1)));
  return v;
}

/// What a layer is given, in memory order.
struct numbers {
  std::vector<double> x, dy, direction, parameters, buffers;
};
/// Gradients of sum(y dy), and how they move with x in a direction.
template <class T>
struct moved {
  std::vector<T> dx, d_parameters, dx_moves, d_parameters_move;
};

template <class Bound>
numbers random_numbers(const Bound& layer, const extents& in) {
  px::parameter_table table;
  px::table_builder builder(table);
  layer.parameters(builder);
  numbers g{draw(in.size(), 1), draw(nn::output_extents(layer, in).size(), 2), draw(in.size(), 3), {}, {}};
  g.parameters.assign(static_cast<std::size_t>(table.parameter_extent), 0.0);
  g.buffers.assign(static_cast<std::size_t>(table.buffer_extent), 0.0);
  px::initialise(px::view_of(table.buffers), g.buffers.data(), 12);
  for (const auto& e : table.parameters) {
    const auto v = draw(e.size, 10 + static_cast<std::uint64_t>(e.offset));
    for (index_t i = 0; i < e.size; ++i) g.parameters[static_cast<std::size_t>(e.offset + i)] = v[static_cast<std::size_t>(i)] + (e.what == px::role::scale ? 1.0 : 0.0);
  }
  return g;
}

/// Forward and backward, once on values and once on pairs, in planned memory.
template <class T, class B, class Bound>
moved<T> run_pairs(B& be, const Bound& layer, const extents& in, const numbers& g) {
  const extents out = nn::output_extents(layer, in);
  const auto to = [](const std::vector<double>& v) { return std::vector<T>(v.begin(), v.end()); };
  const std::vector<T> x = to(g.x), dy = to(g.dy), v = to(g.direction), parameters = to(g.parameters), before = to(g.buffers);
  std::vector<T> buffers = before;
  moved<T> m;
  m.dx.resize(x.size()), m.dx_moves.resize(x.size());
  m.d_parameters.resize(parameters.size()), m.d_parameters_move.resize(parameters.size());
  const px::step_inputs inputs;
  px::comm::null alone;
  const auto in_of = [](const std::vector<T>& p, const extents& e) { return px::activations<const T>(px::tensor_view<const T>{p.data(), e}); };
  const auto out_of = [](std::vector<T>& p, const extents& e) { return px::activations<T>(px::tensor_view<T>{p.data(), e}); };
  const px::parameter_view<T> p{parameters.data(), buffers.data()};
  const auto both = [&](const auto& ctx, const auto& xs, const auto& dys, const auto& dxs, std::vector<T>& d) {
    typename Bound::template cache<T> kept{};
    const px::activations<T> y(ctx.take(out));
    layer.forward(ctx, p, xs, y, kept);
    layer.backward(ctx, p, xs, kept, dys, dxs, px::gradient_view<T>{d.data()});
  };
  const auto walk = [&](px::workspace& memory) {
    px::context<B, T> ctx{&be, &memory, &alone, &inputs, px::rng::key{.seed = 3}.with_purpose(px::rng::purpose::dropout)};
    {
      const auto scope = ctx.scope();
      both(ctx, in_of(x, in), in_of(dy, out), out_of(m.dx, in), m.d_parameters);
    }
    const std::vector<T> state = buffers;
    px::backend::on_pairs(ctx, [&](const auto& pairs) {
      const px::activations<const T> xs = px::backend::pair(pairs, in_of(x, in), px::tensor_view<const T>(in_of(v, in)));
      const px::activations<const T> dys = px::backend::pair(pairs, in_of(dy, out), px::tensor_view<const T>{});
      const px::activations<T> dxs(pairs.take(in));
      both(pairs, xs, dys, dxs, m.d_parameters_move);
      const px::tensor_view<const T> moves = pairs.backend->tangent_of(*pairs.memory, px::tensor_view<T>(dxs));
      px::backend::numbers_of(pairs)(op::copy, moves, px::tensor_view<T>(out_of(m.dx_moves, in)));
    });
    CHECK(buffers == state);  // state is not written by pairs
  };
  px::workspace plan;
  walk(plan);
  px::buffer<std::byte> block(static_cast<index_t>(plan.peak()) + 64);
  px::workspace memory(block.data(), plan.peak());
  walk(memory);
  CHECK(memory.peak() <= plan.peak());
  return m;
}

/// What moves against central differences of the first gradients in double.
template <class Spec, class In>
void check_tangent(const Spec& spec, const In& shape, index_t batch) {
  const auto layer = nn::bind(spec, shape);
  const extents in = static_cast<extents>(shape).prepend(batch);
  const numbers g = random_numbers(layer, in);
  px::backend::reference be;
  const moved<double> exact = run_pairs<double>(be, layer, in, g);
  const double h = 1e-5;
  numbers up = g, down = g;
  for (std::size_t i = 0; i < g.x.size(); ++i) {
    up.x[i] += h * g.direction[i];
    down.x[i] -= h * g.direction[i];
  }
  const moved<double> a = run_pairs<double>(be, layer, in, up), b = run_pairs<double>(be, layer, in, down);
  const auto compare = [&](const std::vector<double>& p, const std::vector<double>& q, const std::vector<double>& tangent) {
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double difference = (p[i] - q[i]) / (2 * h);
      REQUIRE(std::isfinite(tangent[i]));
      worst = std::fmax(worst, std::fabs(difference - tangent[i]));
      largest = std::fmax(largest, std::fabs(tangent[i]));
    }
    INFO("largest " << largest << ", worst difference " << worst);
    CHECK(worst <= 1e-8 * std::fmax(largest, 1.0));
    return largest;
  };
  compare(a.dx, b.dx, exact.dx_moves);
  if (!exact.d_parameters.empty()) CHECK(compare(a.d_parameters, b.d_parameters, exact.d_parameters_move) > 0.01);
}

}  // namespace tangent_test
