// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include "../concepts/optimizer.hpp"
#include "rig.hpp"

namespace pretext::check {

struct optimizer_options {
  int steps = 200;
  double rate = 0;  // of the trial runs; 0: the policy's own
};

namespace detail {

/// f(p) = 1/2 sum c_i (p_i - t_i)^2 with curvatures from 0.1 to 1, updated as the trainer does it.
template <class O>
class quadratic {
 public:
  static constexpr index_t size = 32;
  std::vector<double> p = normals(size, 51), state0 = filled(O::states >= 1 ? size : 0, 0.0),
                      state1 = filled(O::states >= 2 ? size : 0, 0.0), gradient = filled(size, 0.0);
  double rate_factor = 1;
  std::vector<update_range> ranges{{0, size, 1.0, 1.0, true}};
  std::uint64_t updates = 0;

  explicit quadratic(const O& rule, double rate = 0) : rule_(rule), rate_(rate > 0 ? rate : static_cast<double>(rule.rate)) {}

  double value() const {
    double v = 0;
    for (std::size_t i = 0; i < p.size(); ++i) v += 0.5 * curvature(i) * (p[i] - target(i)) * (p[i] - target(i));
    return v;
  }
  void step(bool zero_gradient = false) {
    for (std::size_t i = 0; i < p.size(); ++i) gradient[i] = zero_gradient ? 0.0 : curvature(i) * (p[i] - target(i));
    player_inputs in;
    in.rate = rate_ * rate_factor;
    rule_.write_inputs(in, updates++);
    backend::reference be;
    workspace memory;
    std::vector<double> norms(ranges.size() * 2);
    const tensor_view<const update_range> where{ranges.data(), extents(static_cast<index_t>(ranges.size()))};
    const tensor_view<double> norm_view{norms.data(), extents(static_cast<index_t>(ranges.size()), 2)};
    const tensor_view<double> weights{p.data(), extents(size)}, slopes{gradient.data(), extents(size)};
    if (O::needs_norms) be.run(op::range_norms, memory, as_const(weights), as_const(slopes), where, norm_view);
    const auto state = [](std::vector<double>& s) { return s.empty() ? tensor_view<double>{} : tensor_view<double>{s.data(), extents(size)}; };
    be.run(op::update, memory, rule_, where, O::needs_norms ? as_const(norm_view) : tensor_view<const double>{}, &in, slopes, weights,
           state(state0), state(state1));
  }
  void steps(int n) {
    for (int i = 0; i < n; ++i) step();
  }
  bool finite() const { return all_finite(p) && all_finite(state0) && all_finite(state1); }

 private:
  static double curvature(std::size_t i) { return 0.1 + 0.9 * static_cast<double>(i) / (size - 1); }
  static double target(std::size_t i) { return i % 2 == 0 ? 0.5 : -0.25; }
  const O& rule_;
  double rate_;
};

/// How far two runs are apart, relative to how far the second one went.
inline double apart(const std::vector<double>& a, const std::vector<double>& b, const std::vector<double>& start) {
  double d = 0, m = 1e-300;
  for (std::size_t i = 0; i < a.size(); ++i) {
    d = std::fmax(d, std::fabs(a[i] - b[i]));
    m = std::fmax(m, std::fabs(b[i] - start[i]));
  }
  return std::isfinite(d) ? d / m : std::numeric_limits<double>::infinity();
}

}  // namespace detail

/// The laws of an update rule, on a quadratic: it descends, a rate of zero changes nothing, the multipliers of ranges
/// are honoured, states start at zero, and the same run gives the same bits however the ranges are cut.
///   check::optimizer(my_rule{.rate = 0.1})
template <class O>
result optimizer(const O& rule, const optimizer_options& o = {}) {
  static_assert(concepts::explain_optimizer<O>());
  result r("optimizer " + std::string(O::name));
  using run = detail::quadratic<O>;
  const auto make = [&] { return run(rule, o.rate); };
  const std::vector<double> start = make().p;

  run plain = make();
  const double before = plain.value();
  plain.step();
  r.add("the first update, from states of zero, is finite and goes down", plain.finite() && plain.value() < before,
        detail::number(before) + " -> " + detail::number(plain.value()));
  plain.steps(o.steps - 1);
  r.add("it descends a quadratic", plain.finite() && plain.value() < 0.98 * before,
        detail::number(before) + " -> " + detail::number(plain.value()));
  run again = make();
  again.steps(o.steps);
  r.add("the same run gives the same bits", detail::same_bits(plain.p, again.p));

  run still = make();
  still.rate_factor = 0;
  still.steps(3);
  r.add("a rate of zero changes nothing", detail::same_bits(still.p, start));
  run frozen = make();
  frozen.ranges[0].rate_multiplier = 0;
  frozen.steps(3);
  r.add("a rate multiplier of zero freezes", detail::same_bits(frozen.p, start));
  run half = make(), slow = make();
  half.ranges[0].rate_multiplier = 0.5;
  slow.rate_factor = 0.5;
  half.steps(5);
  slow.steps(5);
  const double off = detail::apart(half.p, slow.p, start);
  r.add("a rate multiplier acts as the rate", off <= 1e-9, detail::number(off));

  run at_rest = make();
  at_rest.ranges[0].decay_multiplier = 0;
  for (int i = 0; i < 3; ++i) at_rest.step(true);
  r.add("without gradient and decay nothing moves", detail::same_bits(at_rest.p, start));
  if constexpr (requires(O& x) { x.decay = 0.1; }) {
    O with = rule, without = rule;
    with.decay = 0.1;
    without.decay = 0.0;
    run spared(with, o.rate), bare(without, o.rate), pulled(with, o.rate);
    spared.ranges[0].decay_multiplier = 0;
    for (run* x : {&spared, &bare, &pulled}) x->steps(5);
    r.add("a decay multiplier of zero switches decay off", detail::apart(spared.p, bare.p, start) <= 1e-12);
    r.add("decay, where it is set, has an effect", detail::apart(pulled.p, bare.p, start) > 1e-9);
  } else {
    run spared = make();
    spared.ranges[0].decay_multiplier = 0;
    spared.steps(5);
    run bare = make();
    bare.steps(5);
    r.add("a rule without decay ignores the decay multiplier", detail::same_bits(spared.p, bare.p));
  }
  if constexpr (!O::needs_norms) {
    run cut = make();
    cut.ranges = {{0, 7, 1.0, 1.0, true}, {7, 1, 1.0, 1.0, true}, {8, run::size - 8, 1.0, 1.0, true}};
    cut.steps(5);
    run whole = make();
    whole.steps(5);
    r.add("how the ranges are cut does not matter", detail::same_bits(cut.p, whole.p));
  }
  run part = make();
  part.ranges = {{4, 8, 1.0, 1.0, true}};
  part.steps(3);
  bool outside = true;
  for (std::size_t i = 0; i < start.size(); ++i)
    if (i < 4 || i >= 12) outside = outside && part.p[i] == start[i];
  r.add("outside its ranges nothing changes", outside);
  return r;
}

}  // namespace pretext::check
