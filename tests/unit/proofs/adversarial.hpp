// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "pretext/objective/score_losses.hpp"
#include "proof.hpp"

/// Two players that pull in opposite directions, each with its own optimizer, one updated several times a step.
namespace proof {

// the family
struct points {
  const double* xy = nullptr;
  index_t size = 0;
  friend bool operator==(const points&, const points&) = default;
};

template <class R>
class adversarial {
 public:
  using batch_type = points;
  static constexpr const char* name = "adversarial";
  using generator_type = nn::bound_t<typename R::generator, px::features<3>>;
  using critic_type = nn::bound_t<typename R::critic, px::features<2>>;
  struct settings {
    px::optimizer::sgd generator{.rate = 0.05, .momentum = 0.5};
    px::optimizer::adam critic{.rate = 0.01, .beta1 = 0.5};
    px::setting<index_t> batch_size = px::default_value(16), critic_updates = px::default_value(3);
    px::setting<std::uint64_t> seed = px::default_value(1);
    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("generator", self.generator), visit("critic", self.critic), visit("batch_size", self.batch_size);
      visit("critic_updates", self.critic_updates), visit("seed", self.seed);
    }
  };
  explicit adversarial(const settings& s)
      : settings_(s), generator_("net", nn::bind(typename R::generator{}, px::features<3>{})),
        critic_("net", nn::bind(typename R::critic{}, px::features<2>{})) {}
  auto players() {
    return std::make_tuple(px::train::player("critic", settings_.critic, critic_),
                           px::train::player("generator", settings_.generator, generator_));
  }
  static auto states() { return std::array{px::train::state_spec{"losses", {2}}}; }
  static index_t batch_size_of(const batch_type& in) { return in.size; }
  static batch_type plan_batch(index_t n) { return {nullptr, n}; }
  batch_type placed(const batch_type& in, px::train::batch_placer& place) const { return {place.copy(in.xy, 2 * in.size), in.size}; }

  template <class S, class T = typename S::value_type>
  void step(S& s, const batch_type& in) const {
    using px::objective::mean_logistic;
    const activations<const T> real(tensor_view<const T>{in.xy, {in.size, 2}});
    const tensor_view<T> critic_loss = s.states[0].slice(0, 1), generator_loss = s.states[0].slice(1, 2);
    for (index_t u = 0; u < settings_.critic_updates; ++u) {
      const auto scope = s.ctx.scope();
      const auto on_real = s.forward(critic_, real), on_fake = s.forward(critic_, fake(s, in.size, u).y);
      const auto d_real = mean_logistic(s.ctx, as_const(on_real.y), T(1), critic_loss);
      const auto d_fake = mean_logistic(s.ctx, as_const(on_fake.y), T(-1), s.loss);
      s.ctx(op::add, as_const(s.loss), critic_loss);
      s.backward(critic_, on_real, d_real, px::no_gradient{});
      s.backward(critic_, on_fake, d_fake, px::no_gradient{});
      s.update(px::train::player_id<0>{});
    }
    const auto made = fake(s, in.size, settings_.critic_updates);
    const auto on_fake = s.forward(critic_, made.y);
    const auto d = mean_logistic(s.ctx, as_const(on_fake.y), T(1), generator_loss);
    s.ctx(op::copy, as_const(generator_loss), s.loss);
    s.backward(generator_, made, s.backward_input(critic_, on_fake, d), px::no_gradient{});
    s.update(px::train::player_id<1>{});
  }

 private:
  template <class S, class T = typename S::value_type>
  auto fake(S& s, index_t n, index_t round) const {
    const activations<T> z = s.zeros_like(tensor_view<T>{nullptr, {n, 3}});
    px::method::add_noise(s, z, -1, 1, static_cast<unsigned>(round));
    return s.forward(generator_, z);
  }
  settings settings_;
  px::train::part<generator_type> generator_;
  px::train::part<critic_type> critic_;
};

// the recipe and its data
struct ring_gan {
  template <class R>
  using family = adversarial<R>;
  using generator = nn::sequential<nn::linear<6>, nn::tanh, nn::linear<2>>;
  using critic = nn::sequential<nn::linear<7>, nn::tanh, nn::linear<1>>;
  using precision = px::train::f64;
};
inline std::vector<double> ring(int step, index_t n) {
  std::vector<double> xy;
  px::rng::stream draw(px::rng::key{.seed = 7, .sample = static_cast<std::uint64_t>(step)});
  for (index_t i = 0; i < n; ++i) {
    const double angle = draw.uniform(0, 6.283185307179586);
    xy.insert(xy.end(), {2 * std::cos(angle), 2 * std::sin(angle)});
  }
  return xy;
}

}  // namespace proof
