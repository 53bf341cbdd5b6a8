// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include <array>
#include <string_view>

#include "../nn/activation.hpp"
#include "../recipe/joint_embedding.hpp"
#include "layer.hpp"

namespace pretext::check {

struct target_options {
  int steps = 3;
  double tolerance = 1e-12;  // of the moving average, relative, in double
};

namespace detail {

/// The smallest network that is trained against a target, smooth and without statistics.
template <class Target, class Negatives>
struct target_trial : recipe::simclr {
  using input = image<1, 4, 4>;
  using encoder = nn::sequential<nn::conv2d<3, 3>, nn::tanh, nn::global_avg_pool>;
  using head = nn::linear<4>;
  using views = augment::chain<augment::gaussian_noise>;
  using objective = std::conditional_t<Target::is_target && !Negatives::keeps_rows, pretext::objective::negative_cosine,
                                       pretext::objective::nt_xent<>>;
  using target = Target;
  using negatives = Negatives;
  using optimizer = pretext::optimizer::sgd;
  using precision = train::f64;
};

/// All that a trainer would keep, taken out and put back.
struct snapshot {
  std::vector<double> numbers;
  std::vector<std::uint64_t> counters;
  std::vector<std::string> names;
  std::size_t number = 0, count = 0;
  bool putting_back = false;

  void counter(const std::string&, std::uint64_t& v) {
    if (putting_back) v = counters[count++];
    else counters.push_back(v);
  }
  void entries(const std::string& prefix, const std::vector<parameter_entry>& list, double* data) {
    names.push_back(prefix);
    for (const parameter_entry& e : list) each(data + e.offset, e.size);
  }
  void array(const std::string& name, tensor_view<double> v) {
    names.push_back(name);
    each(v.data, v.size());
  }

 private:
  void each(double* p, index_t n) {
    for (index_t i = 0; i < n; ++i)
      if (putting_back) p[i] = numbers[number++];
      else numbers.push_back(p[i]);
  }
};

/// A trainer of the trial on four noise pictures.
template <class Target, class Negatives>
class target_run {
 public:
  using trainer_type = train::trainer<target_trial<Target, Negatives>, backend::reference>;
  static constexpr index_t samples = 3, rows = 2 * samples;

  target_run(const Target& target, const Negatives& negatives, double rate, int steps) : trainer_(settings(target, negatives, rate)) {
    rng::stream draw(rng::key{.seed = 61});
    for (auto& b : pixels_) b = static_cast<std::uint8_t>(draw.below(256));
    for (std::size_t i = 0; i < views_.size(); ++i) views_[i] = {pixels_.data() + 16 * i, 4, 4, 1};
    trainer_.set_steps_total(static_cast<std::uint64_t>(steps));
  }
  bool step() { return trainer_.step({views_.data(), ids_.data(), samples}).finite; }
  std::vector<double> network() { return copy_of(trainer_.players()[0].parameters, mirrored()); }
  std::vector<double> target() { return copy_of(trainer_.targets()[0].parameters, mirrored()); }
  index_t mirrored() { return Target::mirrors ? trainer_.targets()[0].spec.extent.parameters : trainer_.players()[0].table.parameter_extent; }
  snapshot keep() {
    snapshot s;
    trainer_.visit_state(s);
    return s;
  }
  void put_back(snapshot s) {
    s.putting_back = true;
    trainer_.visit_state(s);
  }
  /// The rows of a queue, which a checkpoint keeps last.
  std::vector<double> queue(index_t size) {
    const snapshot s = keep();
    return {s.numbers.end() - size * 4, s.numbers.end()};
  }

 private:
  static typename trainer_type::settings_type settings(const Target& target, const Negatives& negatives, double rate) {
    typename trainer_type::settings_type s{};
    s.target = target;
    s.negatives = negatives;
    s.optimizer.rate = rate;
    s.schedule.warmup_steps = 0;
    s.batch_size = samples;
    return s;
  }
  template <class Buffer>
  static std::vector<double> copy_of(const Buffer& b, index_t n) {
    return {b.begin(), b.begin() + n};
  }
  trainer_type trainer_;
  std::array<std::uint8_t, 16 * samples> pixels_{};
  std::array<image_view<const std::uint8_t>, samples> views_{};
  std::array<std::uint64_t, samples> ids_{3, 1, 2};
};

/// Whether `fields` gives a member this name.
struct field_finder {
  std::string_view wanted;
  const void* found = nullptr;
  template <class M>
  void operator()(std::string_view name, M& member) {
    if (name == wanted) found = &member;
  }
};
template <class P, class M>
bool is_named(P& policy, std::string_view name, const M& member) {
  field_finder f{name};
  if constexpr (HasFields<P>) P::fields(policy, f);
  return f.found == static_cast<const void*>(&member);
}
template <class P>
void name_laws(result& r) {
  using namespace pretext::target;
  constexpr bool ours = std::is_same_v<P, none> || std::is_same_v<P, stop_gradient> || std::is_same_v<P, ema> || std::is_same_v<P, queue> ||
                        std::is_same_v<P, no_queue>;
  bool taken = std::string_view(P::name).empty();
  for (const char* name : {none::name, stop_gradient::name, ema::name, queue::name, no_queue::name})
    taken = taken || (!ours && std::string_view(name) == P::name);
  r.add("the name is its own, or a checkpoint would take it for another", !taken, P::name);
}

template <class P>
void mirror_laws(result& r, const P& given, const target_options& o) {
  P policy = given;
  r.add("fields name momentum and last_momentum, each its own",
        is_named(policy, "momentum", policy.momentum) && is_named(policy, "last_momentum", policy.last_momentum));
  const double first = policy.momentum, last = policy.last_momentum;
  r.add("the momentum lies in [0, 1] over the run", first >= 0 && first <= 1 && last >= 0 && last <= 1, number(first) + " to " + number(last));

  using run = target_run<P, pretext::target::no_queue>;
  run moving(policy, {}, 0.5, o.steps);
  const std::vector<double> start = moving.target();
  r.add("it starts as a copy of the network", same_bits(start, moving.network()));
  std::vector<double> expected = start;
  double off = 0, behind = 0;
  for (int step = 0; step < o.steps; ++step) {
    moving.step();
    const std::vector<double> network = moving.network();
    const double progress = static_cast<double>(step) / o.steps, m = last - (last - first) * (std::cos(3.14159265358979323846 * progress) + 1) / 2;
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = m * expected[i] + (1 - m) * network[i];
    off = std::fmax(off, distance(moving.target(), expected));
    behind = std::fmax(behind, distance(moving.target(), network));
  }
  r.add("it follows the network by its momentum", off <= o.tolerance, number(off));
  r.add("it moves", !same_bits(start, moving.target()));
  r.add("it stays behind the network", behind > o.tolerance, number(behind));

  run resting(policy, {}, 0.0, o.steps);
  resting.step();
  const double drift = distance(resting.target(), resting.network());
  r.add("while the network rests it rests", drift <= o.tolerance, number(drift));
}

template <class P, class N>
void run_laws(result& r, const P& target, const N& negatives, const target_options& o) {
  using run = target_run<P, N>;
  run whole(target, negatives, 0.5, o.steps);
  const std::vector<double> start = whole.network();
  bool finite = whole.step();
  const snapshot kept = whole.keep();
  for (int step = 1; step < o.steps; ++step) finite = whole.step() && finite;
  r.add("a network is trained with it", finite && all_finite(whole.network()) && !same_bits(start, whole.network()));
  run resumed(target, negatives, 0.5, o.steps);
  resumed.step(), resumed.step();  // what it holds before must not matter
  resumed.put_back(kept);
  for (int step = 1; step < o.steps; ++step) resumed.step();
  const snapshot a = whole.keep(), b = resumed.keep();
  r.add("a resumed run goes on with the same bits", same_bits(a.numbers, b.numbers) && a.counters == b.counters);
}

template <class P>
void queue_laws(result& r, const P& given, const target_options& o) {
  P policy = given;
  r.add("fields name size", is_named(policy, "size", policy.size));
  r.add("it has places", static_cast<index_t>(policy.size) >= 1, number(static_cast<double>(static_cast<index_t>(policy.size))));
  constexpr index_t rows = 6, width = 4, size = 2 * rows;
  policy.size = size;
  run_laws(r, pretext::target::ema{}, policy, o);
  // A network at rest makes the same rows of the same batch, so all that changes is their place.
  target_run<pretext::target::ema, P> still(pretext::target::ema{}, policy, 0.0, o.steps);
  const auto part = [&](index_t from) {
    const std::vector<double> all = still.queue(size);
    return std::vector<double>(all.begin() + from * width, all.begin() + (from + rows) * width);
  };
  const auto first = part(0), second = part(rows);
  r.add("it starts as rows that differ", all_finite(first) && !same_bits(first, second));
  still.step();
  const auto newest = part(0);
  const bool kept = same_bits(part(rows), second);
  still.step();
  r.add("the newest rows come in for the oldest", !same_bits(newest, first) && kept && same_bits(part(0), newest) && same_bits(part(rows), newest));
  still.put_back([&] {  // the third step begins at the front again
    snapshot s = still.keep();
    for (index_t i = 0; i < size * width; ++i) s.numbers[s.numbers.size() - 1 - static_cast<std::size_t>(i)] = 0.25;
    return s;
  }());
  still.step();
  r.add("after the last place comes the first", same_bits(part(0), newest) && !same_bits(part(rows), newest));
}

}  // namespace detail

/// The laws of a target or of a policy of negatives, tried on a network of a few weights: claims, settings, that a mirror
/// starts as a copy, follows by its momentum and rests with the network, that a queue takes the newest rows for the oldest,
/// and that a resumed run goes on with the same bits.
///   check::target(my_target{})   check::target(my_queue{})
template <class P>
result target(const P& policy, const target_options& o = {}) {
  result r("target " + std::string(P::name));
  detail::name_laws<P>(r);
  detail::guarded(r, [&] {
    if constexpr (requires { P::keeps_rows; }) {
      if constexpr (P::keeps_rows)
        detail::queue_laws(r, policy, o);
      else
        detail::run_laws(r, pretext::target::ema{}, policy, o);
    } else {
      static_assert(method::detail::SaysWhatItIs<P>, "pretext[target.102] a target needs `static constexpr bool is_target` and "
                                                     "`static constexpr bool mirrors`; see docs/policies/target.md");
      r.add("it mirrors only what rows are compared with", P::is_target || !P::mirrors);
      if constexpr (P::mirrors) detail::mirror_laws(r, policy, o);
      detail::run_laws(r, policy, pretext::target::no_queue{}, o);
    }
  });
  return r;
}

}  // namespace pretext::check
