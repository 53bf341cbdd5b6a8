// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include "../concepts/layer.hpp"
#include "../core/parameters.hpp"
#include "../nn/layer.hpp"
#include "rig.hpp"

namespace pretext::check {

struct layer_options {
  index_t samples = 3;
  double tolerance = 1e-6;             // of gradients against differences, relative, in double
  const extent* structure = nullptr;   // for layers that read lengths or a graph; `samples` is then the number of rows
};

namespace detail {

/// Runs a bound layer on numbers of its own and keeps what came out.
template <class Bound>
class layer_probe {
 public:
  layer_probe(const Bound& layer, const extents& sample, const layer_options& o) : layer_(layer), structure_(o.structure) {
    in_ = sample.prepend(o.samples);
    out_ = nn::output_extents(layer, in_);
    table_builder(table_).child("", layer);
    parameters = filled(table_.parameter_extent, 0.0);
    first_buffers_ = filled(table_.buffer_extent, 0.0);
    initialise(table_.parameters, parameters.data(), 11);
    initialise(table_.buffers, first_buffers_.data(), 12);
    // Off the symmetric starting point: biases of 0 and scales of 1 hide mistakes.
    const auto shake = normals(table_.parameter_extent, 3, 0.1);
    for (const auto& e : table_.parameters)
      for (index_t i = 0; i < e.size; ++i)
        parameters[static_cast<std::size_t>(e.offset + i)] += shake[static_cast<std::size_t>(e.offset + i)];
    x = normals(in_.size(), 1);
    weights_ = normals(out_.size(), 2);
  }
  const extents& in() const { return in_; }
  const extents& out() const { return out_; }
  const parameter_table& table() const { return table_; }

  std::vector<double> x, parameters;               // may be moved between runs
  std::vector<double> y, dx, d_parameters, buffers;  // what the last run left

  /// Forward in a mode; y starts as NaN.
  void forward(run_mode mode, bool keep = true) {
    rig<double> r;
    r.mode = mode;
    r.keep = keep;
    r.run([&](const auto& ctx) {
      start();
      const auto scope = ctx.scope();
      typename Bound::template cache<double> cache{};
      forward_in(ctx, cache);
    });
  }
  /// sum(weights y): what gradients are of.
  double value() {
    forward(run_mode::train);
    double v = 0;
    for (std::size_t i = 0; i < y.size(); ++i) v += weights_[i] * y[i];
    return v;
  }
  /// Forward and backward in training. dx starts as NaN (it is written), d_parameters as `accumulated` (it is added to).
  template <bool Input, bool Parameters>
  void backward(double accumulated = 0, bool wipe = false) {
    rig<double> r;
    r.run([&](const auto& ctx) {
      start();
      dx = filled(in_.size(), not_written);
      d_parameters = filled(table_.parameter_extent, accumulated);
      for (const auto& e : table_.parameters)
        for (index_t i = e.size; i < padded(e.size); ++i) d_parameters[static_cast<std::size_t>(e.offset + i)] = 0;
      const auto scope = ctx.scope();
      typename Bound::template cache<double> cache{};
      forward_in(ctx, cache);
      if (wipe) r.wipe(ctx);
      const auto kept = cache;
      const activations<const double> dy(real(ctx, tensor_view<const double>{weights_.data(), out_}), structure_);
      const activations<double> to(real(ctx, detail::view(dx, in_)), structure_);
      const gradient_view<double> d{real(ctx, d_parameters.data())};
      if constexpr (Input && Parameters)
        layer_.backward(ctx, own(ctx), input(ctx), kept, dy, to, d);
      else if constexpr (Input)
        layer_.backward(ctx, own(ctx), input(ctx), kept, dy, to, no_gradient{});
      else
        layer_.backward(ctx, own(ctx), input(ctx), kept, dy, no_gradient{}, d);
    });
  }

 private:
  void start() {
    y = filled(out_.size(), not_written);
    buffers = first_buffers_;
  }
  template <class Ctx>
  parameter_view<double> own(const Ctx& ctx) {
    return {real(ctx, static_cast<const double*>(parameters.data())), real(ctx, buffers.data())};
  }
  template <class Ctx>
  activations<const double> input(const Ctx& ctx) {
    return {real(ctx, tensor_view<const double>{x.data(), in_}), structure_};
  }
  template <class Ctx, class Cache>
  void forward_in(const Ctx& ctx, Cache& cache) {
    layer_.forward(ctx, own(ctx), input(ctx), activations<double>(real(ctx, detail::view(y, out_)), structure_), cache);
  }

  const Bound& layer_;
  const extent* structure_;
  extents in_, out_;
  parameter_table table_;
  std::vector<double> first_buffers_, weights_;
};

template <class Bound>
void layer_laws(result& r, const Bound& bound, const extents& sample, const layer_options& o) {
  layer_probe<Bound> p(bound, sample, o);
  const std::vector<double> x = p.x;

  p.forward(run_mode::train);
  const auto y = p.y;
  r.add("forward writes every value", all_finite(y));
  p.forward(run_mode::train);
  r.add("the same input gives the same bits", same_bits(y, p.y));
  r.add("the input is left alone", same_bits(x, p.x));
  p.forward(run_mode::train, false);
  r.add("without a backward to come the result is the same", same_bits(y, p.y));

  p.template backward<true, true>();
  const auto dx = p.dx, d = p.d_parameters;
  r.add("the input gradient is written, not added", all_finite(dx));
  p.template backward<true, true>(0, true);
  r.add("the cache holds only what is kept", same_bits(p.dx, dx) && same_bits(p.d_parameters, d));
  const auto moved = [&] { return p.value(); };
  const slope by_x = compare_slopes(p.x, dx, moved, 21);
  r.add("the input gradient agrees with differences", by_x.worst <= o.tolerance, number(by_x.worst) + " at " + by_x.where);
  // Padding has no gradient, and no effect: it is compared like all the rest.
  const slope by_p = compare_slopes(p.parameters, d, moved, 22);
  if (!p.parameters.empty())
    r.add("the parameter gradient agrees with differences", by_p.worst <= o.tolerance, number(by_p.worst) + " at " + by_p.where);

  p.template backward<true, true>(0.5);
  bool added = true, padding = true;
  for (const auto& e : p.table().parameters) {
    for (index_t i = 0; i < e.size; ++i) {
      const auto k = static_cast<std::size_t>(e.offset + i);
      added = added && std::fabs(p.d_parameters[k] - 0.5 - d[k]) <= 1e-9 * (1 + std::fabs(d[k]));
    }
    for (index_t i = e.size; i < padded(e.size); ++i) padding = padding && p.d_parameters[static_cast<std::size_t>(e.offset + i)] == 0;
  }
  if (!p.parameters.empty()) {
    r.add("parameter gradients are added", added);
    r.add("padding stays zero", padding);
    p.template backward<false, true>();
    r.add("the parameter gradient does not need the input's", same_bits(p.d_parameters, d));
  }
  p.template backward<true, false>();
  r.add("the input gradient does not need the parameters'", same_bits(p.dx, dx));

  p.forward(run_mode::evaluate);
  const auto evaluated = p.y, buffers = p.buffers;
  p.forward(run_mode::evaluate);
  r.add("evaluation gives the same bits twice", all_finite(evaluated) && same_bits(evaluated, p.y));
  bool untouched = true;
  {
    std::vector<double> first = filled(static_cast<index_t>(buffers.size()), 0.0);
    initialise(p.table().buffers, first.data(), 12);
    untouched = same_bits(first, buffers);
  }
  if (!buffers.empty()) r.add("evaluation leaves the statistics alone", untouched);

  if (o.structure == nullptr && o.samples > 1) {
    layer_options one = o;
    one.samples = 1;
    layer_probe<Bound> single(bound, sample, one);
    single.parameters = p.parameters;
    const auto in_size = static_cast<std::size_t>(sample.size()), out_size = p.y.size() / static_cast<std::size_t>(o.samples);
    bool alone = true;
    for (std::size_t s = 0; s < static_cast<std::size_t>(o.samples); ++s) {
      const auto at = static_cast<std::ptrdiff_t>(s * in_size), from = static_cast<std::ptrdiff_t>(s * out_size);
      single.x.assign(x.begin() + at, x.begin() + at + static_cast<std::ptrdiff_t>(in_size));
      single.forward(run_mode::evaluate);
      alone = alone && same_bits(single.y, std::vector<double>(evaluated.begin() + from, evaluated.begin() + from + static_cast<std::ptrdiff_t>(out_size)));
    }
    r.add("evaluated alone, a sample has the same bits", alone);
  }
}

/// Runs laws that may throw; an exception breaks the law "runs in the memory that was planned" or "runs".
template <class F>
void guarded(result& r, F&& laws) {
  try {
    laws();
  } catch (const error& e) {
    r.add(e.id() == "memory.100" ? "runs in the memory that was planned" : "runs", false, e.what());
  }
}

template <class P>
std::string subject_of(const char* kind) {
  if constexpr (requires { std::string(P::name); })
    return std::string(kind) + " " + std::string(P::name);
  else
    return kind;
}

}  // namespace detail

/// The laws of a layer on one input shape: gradients against differences in double, accumulation, what is written, what
/// the cache may keep, planned memory, evaluation.
///   check::layer(nn::linear<8>{}, features<5>{})
template <class Spec, class In>
result layer(const Spec& spec, const In& in, const layer_options& o = {}) {
  static_assert(concepts::explain_layer<Spec, In>());
  result r(detail::subject_of<Spec>("layer"));
  const auto bound = nn::bind(spec, in);
  detail::guarded(r, [&] { detail::layer_laws(r, bound, in, o); });
  return r;
}

}  // namespace pretext::check
