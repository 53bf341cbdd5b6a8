// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "pretext/backend/context.hpp"
#include "pretext/backend/count.hpp"
#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/backend/strict.hpp"
#include "pretext/core/parameters.hpp"
#include "pretext/nn/layer.hpp"
#include "support/catch.hpp"

/// Runs whole layers forward and backward on any back end, from the same numbers.
namespace layers_test {

namespace px = pretext;
namespace nn = pretext::nn;
using px::extents;
using px::index_t;
using simd = px::backend::strict<px::backend::simd<>>;
using reference = px::backend::reference;

/// Exact in float.
inline std::vector<double> draw(index_t n, std::uint64_t seed, double low = -1, double high = 1) {
  px::rng::stream s(px::rng::key{.seed = seed});
  std::vector<double> v(static_cast<std::size_t>(n));
  for (double& x : v) x = static_cast<double>(static_cast<float>(s.uniform(low, high)));
  return v;
}

/// Everything a layer is given: tensors in memory order, parameters and buffers by name in file order.
struct given {
  index_t batch = 1;
  std::vector<double> x, dy;
  std::map<std::string, std::vector<double>> named;
  px::run_mode mode = px::run_mode::train;
  bool keep = true;
  const px::extent* structure = nullptr;
};
/// Everything it made: gradients and buffers by name in file order.
template <class T>
struct made {
  std::vector<T> y, dx;
  std::map<std::string, std::vector<T>> named;  // "dweight", "running_mean", ...
  std::size_t memory = 0;                       // bytes of a step
};

template <class Bound>
px::parameter_table table_of(const Bound& layer) {
  px::parameter_table table;
  px::table_builder builder(table);
  layer.parameters(builder);
  return table;
}

/// Parameters and buffers of a layer with values near where they start in training.
template <class Bound>
given random_values(const Bound& layer, const extents& in, index_t batch, std::uint64_t seed = 1) {
  given g;
  g.batch = batch;
  g.x = draw(in.size() * batch, seed);
  g.dy = draw(static_cast<extents>(layer.output()).size() * batch, seed + 1);
  const px::parameter_table table = table_of(layer);
  for (const auto* list : {&table.parameters, &table.buffers})
    for (const auto& e : *list)
      g.named[e.name] = e.what == px::role::counter                    ? std::vector<double>{0}
                        : e.what == px::role::statistic || e.what == px::role::scale ? draw(e.size, ++seed + 10, 0.5, 1.5)
                                                                        : draw(e.size, ++seed + 10, -0.5, 0.5);
  return g;
}

template <class T, class B, class Bound>
made<T> run(B& be, const Bound& layer, const extents& sample, const given& g) {
  const extents in = sample.prepend(g.batch), out = nn::output_extents(layer, in);
  const px::parameter_table table = table_of(layer);
  px::buffer<T> parameters(table.parameter_extent), gradients(table.parameter_extent), buffers(table.buffer_extent);
  for (const auto& e : table.parameters) px::from_file_order(e, g.named.at(e.name).data(), parameters.data() + e.offset);
  for (const auto& e : table.buffers) px::from_file_order(e, g.named.at(e.name).data(), buffers.data() + e.offset);
  const auto to_type = [](const std::vector<double>& v) { return std::vector<T>(v.begin(), v.end()); };
  std::vector<T> x = to_type(g.x), dy = to_type(g.dy);
  made<T> r;
  r.y.assign(static_cast<std::size_t>(out.size()), T(NAN));
  r.dx.assign(x.size(), T(NAN));

  // The same walk twice: to plan its memory, then in it.
  const auto walk = [&](auto& back_end, px::workspace& memory, T* px_, T* py, T* pdy, T* pdx, T* p, T* d, T* b) {
    px::comm::null alone;
    using ctx_type = px::context<std::remove_cvref_t<decltype(back_end)>, T>;
    const px::step_inputs inputs;
    ctx_type ctx{&back_end, &memory, &alone, &inputs, px::rng::key{.seed = 3}.with_purpose(px::rng::purpose::dropout), g.mode, g.keep};
    typename Bound::template cache<T> kept{};
    const px::activations<const T> xs(px::tensor_view<const T>{px_, in}, g.structure);
    const px::activations<T> ys(px::tensor_view<T>{py, out}, g.structure);
    layer.forward(ctx, px::parameter_view<T>{p, b}, xs, ys, kept);
    if (g.keep)
      layer.backward(ctx, px::parameter_view<T>{p, b}, xs, kept, px::activations<const T>(px::tensor_view<const T>{pdy, out}),
                     px::activations<T>(px::tensor_view<T>{pdx, in}), px::gradient_view<T>{d});
  };
  px::backend::count<B> counter(be);
  px::workspace plan;
  walk(counter, plan, static_cast<T*>(nullptr), static_cast<T*>(nullptr), static_cast<T*>(nullptr), static_cast<T*>(nullptr),
       static_cast<T*>(nullptr), static_cast<T*>(nullptr), static_cast<T*>(nullptr));
  px::buffer<std::byte> block(static_cast<index_t>(plan.peak()) + 64);
  px::workspace memory(block.data(), plan.peak());
  walk(be, memory, x.data(), r.y.data(), dy.data(), r.dx.data(), parameters.data(), gradients.data(), buffers.data());
  CHECK(memory.peak() == plan.peak());
  r.memory = plan.peak();

  const auto read = [&](const px::parameter_entry& e, const T* from, const std::string& name) {
    auto& v = r.named[name];
    v.resize(static_cast<std::size_t>(e.size));
    px::to_file_order(e, from + e.offset, v.data());
  };
  if (g.keep)
    for (const auto& e : table.parameters) {
      const std::size_t dot = e.name.rfind('.') + 1;
      read(e, gradients.data(), e.name.substr(0, dot) + "d" + e.name.substr(dot));
    }
  for (const auto& e : table.buffers) read(e, buffers.data(), e.name);
  return r;
}

template <class T>
double relative_error(const std::vector<T>& a, const std::vector<double>& exact) {
  if (a.size() != exact.size()) return HUGE_VAL;
  double worst = 0, largest = 0, squares = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::fabs(static_cast<double>(a[i]) - exact[i]);
    if (!std::isfinite(d)) return HUGE_VAL;
    worst = std::fmax(worst, d);
    largest = std::fmax(largest, std::fabs(exact[i]));
    squares += d * d;
    norm += exact[i] * exact[i];
  }
  return largest == 0 ? worst : std::fmax(worst / largest, std::sqrt(squares / norm));
}
template <class T>
constexpr double tolerance() {
  return sizeof(T) == 4 ? 1e-5 : 1e-10;
}

template <class T>
void check_equal(const made<T>& a, const made<double>& b, double limit = tolerance<T>()) {
  CHECK(relative_error(a.y, b.y) <= limit);
  if (!b.dx.empty() && !std::isnan(b.dx[0])) CHECK(relative_error(a.dx, b.dx) <= limit);
  for (const auto& [name, values] : b.named) {
    INFO(name);
    CHECK(relative_error(a.named.at(name), values) <= limit);
  }
}
template <class T>
bool same_bits(const made<T>& a, const made<T>& b) {
  const auto same = [](const std::vector<T>& p, const std::vector<T>& q) {
    return p.size() == q.size() && (p.empty() || std::memcmp(p.data(), q.data(), p.size() * sizeof(T)) == 0);
  };
  bool all = same(a.y, b.y) && same(a.dx, b.dx);
  for (const auto& [name, values] : a.named) all = all && same(values, b.named.at(name));
  return all;
}

/// simd on 1, 2 and 3 threads, in float and double, against the reference in double.
template <class Bound>
void check_back_ends(const Bound& layer, const extents& sample, const given& g) {
  reference specification;
  const made<double> expected = run<double>(specification, layer, sample, g);
  simd one(1), two(2), three(3);
  const made<float> f = run<float>(one, layer, sample, g);
  const made<double> d = run<double>(one, layer, sample, g);
  check_equal(f, expected);
  check_equal(d, expected);
  CHECK(same_bits(run<float>(two, layer, sample, g), f));
  CHECK(same_bits(run<float>(three, layer, sample, g), f));
}

/// Gradients of sum(y dy) by central differences, for the input and every parameter; a few dozen elements of each.
template <class Bound>
void check_gradients(const Bound& layer, const extents& sample, const given& g) {
  reference be;
  const made<double> r = run<double>(be, layer, sample, g);
  const auto value = [&](const given& at) {
    given quiet = at;
    quiet.keep = true;
    const std::vector<double> y = run<double>(be, layer, sample, quiet).y;
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * g.dy[i];
    return sum;
  };
  const auto compare = [&](const std::vector<double>& gradient, auto&& place) {
    double worst = 0, largest = 0;
    const std::size_t step = gradient.size() > 24 ? gradient.size() / 24 : 1;
    for (const double v : gradient) largest = std::fmax(largest, std::fabs(v));
    for (std::size_t i = 0; i < gradient.size(); i += step) {
      const double h = 1e-5;
      given up = g, down = g;
      place(up)[i] += h;
      place(down)[i] -= h;
      worst = std::fmax(worst, std::fabs((value(up) - value(down)) / (2 * h) - gradient[i]));
    }
    // Sums of some hundred terms are known to 1e-14, and h makes 1e-9 of it.
    CHECK(worst <= 1e-9 * std::fmax(largest, 1.0));
  };
  {
    INFO("dx");
    compare(r.dx, [](given& at) -> std::vector<double>& { return at.x; });
  }
  for (const auto& e : table_of(layer).parameters) {
    INFO(e.name);
    const std::size_t dot = e.name.rfind('.') + 1;
    compare(r.named.at(e.name.substr(0, dot) + "d" + e.name.substr(dot)),
            [&](given& at) -> std::vector<double>& { return at.named.at(e.name); });
  }
}

/// In evaluation, without anything kept: the same values, and a sample's bits do not depend on its batch.
template <class T, class Bound>
void check_evaluation(const Bound& layer, const extents& sample, given g) {
  simd be(2);
  g.mode = px::run_mode::evaluate;
  g.keep = true;
  const std::vector<T> kept = run<T>(be, layer, sample, g).y;
  g.keep = false;
  const std::vector<T> y = run<T>(be, layer, sample, g).y;
  CHECK(y == kept);
  const auto in = static_cast<std::size_t>(sample.size()), out = y.size() / static_cast<std::size_t>(g.batch);
  given alone = g;
  alone.batch = 1;
  for (std::size_t b = 0; b < static_cast<std::size_t>(g.batch); ++b) {
    alone.x.assign(g.x.begin() + static_cast<std::ptrdiff_t>(b * in), g.x.begin() + static_cast<std::ptrdiff_t>((b + 1) * in));
    const std::vector<T> one = run<T>(be, layer, sample, alone).y;
    CHECK(std::memcmp(one.data(), y.data() + b * out, out * sizeof(T)) == 0);
  }
}

template <class Spec, class In>
void check_layer(const Spec& spec, const In& in, index_t batch) {
  const auto layer = nn::bind(spec, in);
  const extents sample = in;
  INFO("batch " << batch);
  const given g = random_values(layer, sample, batch);
  check_gradients(layer, sample, g);
  check_back_ends(layer, sample, g);
  check_evaluation<float>(layer, sample, g);
}

}  // namespace layers_test
