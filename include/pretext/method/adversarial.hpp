// SPDX-License-Identifier: BSD-3-Clause
// opt-in: what programs without a discriminator need not read
#pragma once

#include <array>
#include <cmath>
#include <string>
#include <tuple>

#include "../core/text.hpp"
#include "../objective/adversarial.hpp"
#include "../target/target.hpp"
#include "../train/trainer.hpp"
#include "gradient_penalty.hpp"
#include "noise.hpp"
#include "requirements.hpp"

namespace pretext::method {

namespace detail {
template <class R>
concept NamesTwoNetworks = requires { typename R::latent; typename R::generator; typename R::discriminator; };
template <class R>
concept NamesRegularizer = requires { R::regularizer::at; };
template <class O>
concept ScoresTwoPlayers = requires { { O::probability } -> std::convertible_to<bool>; { O::name } -> std::convertible_to<const char*>; };
}  // namespace detail

/// What this family asks of a recipe.
template <class R>
constexpr bool explain_adversarial() {
  static_assert(detail::NamesTwoNetworks<R>,
                "pretext[recipe.120] an adversarial recipe names `latent` (features<64>), `generator` and `discriminator`; derive it from "
                "recipe::gan, see docs/policies/recipe.md#adversarial");
  static_assert(detail::NamesRegularizer<R>,
                "pretext[recipe.121] `using regularizer = regularizer::r1` (gp, none) is missing; see docs/policies/recipe.md#adversarial");
  if constexpr (concepts::explain_input<R>() && detail::NamesTwoNetworks<R> && detail::NamesRegularizer<R> &&
                concepts::explain_objective_name<R>()) {
    static_assert(detail::ScoresTwoPlayers<typename R::objective>,
                  "pretext[recipe.122] `objective` is none of two players; write objective::non_saturating (minimax, least_squares, hinge, "
                  "wasserstein), see docs/policies/objective.md#adversarial");
    if constexpr (detail::explain_stage<typename R::generator, typename R::latent>() &&
                  detail::explain_stage<typename R::discriminator, typename R::input>()) {
      using made = nn::output_t<nn::bound_t<typename R::generator, typename R::latent>>;
      using scored = nn::output_t<nn::bound_t<typename R::discriminator, typename R::input>>;
      static_assert(std::is_same_v<made, invalid_shape> || std::is_same_v<made, typename R::input>,
                    "pretext[recipe.123] the generator's output is not of the shape `input`, which the discriminator reads; see "
                    "docs/policies/recipe.md#adversarial");
      static_assert(std::is_same_v<scored, invalid_shape> || std::is_same_v<scored, features<1>>,
                    "pretext[recipe.124] the discriminator must end in features<1>, one score a sample; end it in nn::linear<1>, see "
                    "docs/policies/recipe.md#adversarial");
      return concepts::explain_update<R>();
    }
  }
  return false;
}

/// What a step of `adversarial` reads: `discriminator_steps` times the batch size of samples, one after the other, in memory
/// order (pictures: height, width, channels).
struct sample_rows {
  const float* values = nullptr;
  index_t size = 0;
};

/// What the last step left, of the discriminator's last update and the generator's.
struct adversarial_report {
  double discriminator_loss = 0, generator_loss = 0;
  double penalty = 0;                      // not part of discriminator_loss
  double score_real = 0, score_fake = 0;   // means of D(x) and D(G(z)); see opinion
  double spread_real = 0, spread_fake = 0; // root of the mean variance of a value over the batch
  double discriminator_gradient = 0, generator_gradient = 0;  // norms
  bool probability = false;

  /// The share of real in the discriminator's eyes, where its scores say one.
  double opinion_real() const { return probability ? 1 / (1 + std::exp(-score_real)) : score_real; }
  double opinion_fake() const { return probability ? 1 / (1 + std::exp(-score_fake)) : score_fake; }
};

/// Two players: a generator makes samples from noise, a discriminator tells them from data.
///   n times:  noise -> generator -> discriminator <- data;  loss, penalty of slopes, update(discriminator)
///   once:     noise -> generator -> discriminator;  loss, back through the discriminator, update(generator), target follows
/// A recipe names: input, latent, generator, discriminator, objective, regularizer, target, optimizer, schedule.
/// source  Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1
template <class R>
class adversarial {
  static_assert(explain_adversarial<R>());

 public:
  using input_shape = typename R::input;
  using generator_type = nn::bound_t<typename R::generator, typename R::latent>;
  using discriminator_type = nn::bound_t<typename R::discriminator, input_shape>;
  using objective_type = typename R::objective;
  using regularizer_type = typename R::regularizer;
  using target_type = typename R::target;
  using batch_type = sample_rows;
  static constexpr const char* name = "adversarial";

  struct settings {
    typename R::generator generator{};
    typename R::discriminator discriminator{};
    objective_type objective{};
    regularizer_type regularizer{};
    target_type target{};
    typename R::optimizer generator_optimizer{};
    typename R::optimizer discriminator_optimizer{};
    typename R::schedule schedule{};
    setting<index_t> discriminator_steps = default_value(1);  // updates of the discriminator per update of the generator
    setting<index_t> batch_size = default_value(64);          // of one update
    setting<double> clip_norm = default_value(0.0);           // 0: no clipping
    setting<std::uint64_t> seed = default_value(0);
    setting<int> threads = default_value(0);

    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("generator", self.generator);
      visit("discriminator", self.discriminator);
      visit("objective", self.objective);
      visit("regularizer", self.regularizer);
      visit("target", self.target);
      visit("generator_optimizer", self.generator_optimizer);
      visit("discriminator_optimizer", self.discriminator_optimizer);
      visit("schedule", self.schedule);
      visit("discriminator_steps", self.discriminator_steps);
      visit("batch_size", self.batch_size);
      visit("clip_norm", self.clip_norm);
      visit("seed", self.seed);
      visit("threads", self.threads);
    }
  };

  constexpr explicit adversarial(const settings& s)
      : settings_(s), generator_("net", nn::bind(s.generator, typename R::latent{})),
        discriminator_("net", nn::bind(s.discriminator, input_shape{})) {
    expects(s.discriminator_steps >= 1, "value.310", "discriminator_steps is below 1; the discriminator has to be trained too");
  }

  constexpr auto players() {
    return std::make_tuple(
        train::player("discriminator", settings_.discriminator_optimizer, settings_.schedule, settings_.clip_norm.value(), discriminator_),
        train::player("generator", settings_.generator_optimizer, settings_.schedule, settings_.clip_norm.value(), generator_));
  }
  constexpr auto targets() const {
    if constexpr (target_type::mirrors)
      return std::array{train::mirror("target", generator_, settings_.target.momentum.value(), settings_.target.last_momentum.value())};
    else
      return std::array<train::target_spec, 0>{};
  }
  /// What the last step measured; see report_of.
  static constexpr auto states() { return std::array{train::state_spec{"report", {7}}}; }
  static std::string policies() {
    return joined({"objective ", objective_type::name, " regularizer ", regularizer_type::name, " target ", target_type::name, " schedule ",
        R::schedule::name});
  }
  constexpr index_t batch_size_of(const batch_type& in) const { return in.size / settings_.discriminator_steps; }
  constexpr batch_type plan_batch(index_t size) const { return {nullptr, size * settings_.discriminator_steps}; }

  template <class S>
  constexpr void step(S& s, const batch_type& in) const {
    using T = typename S::value_type;
    const index_t n = batch_size_of(in), rounds = settings_.discriminator_steps;
    const auto exact = s.ctx.exact();
    const auto outer = s.ctx.scope();
    const activations<const T> data = stored(s, in);
    for (index_t u = 0; u < rounds; ++u) {
      const auto scope = s.ctx.scope();
      const activations<const T> real(data.slice(u * n, (u + 1) * n));
      const auto made = make(s, n, u, false);
      const auto on_real = s.forward(discriminator_, real), on_fake = s.forward(discriminator_, made.y);
      const auto scores_real = s.ctx.widened(on_real.y), scores_fake = s.ctx.widened(on_fake.y);
      const auto d_real = s.ctx.stored(settings_.objective.real(exact, scores_real, told(s, 0)));
      const auto d_fake = s.ctx.stored(settings_.objective.fake(exact, scores_fake, told(s, 2)));
      exact(op::add, as_const(told(s, 2)), told(s, 0));
      exact(op::copy, as_const(told(s, 0)), s.loss);
      penalise(s, real, as_const(tensor_view<T>(made.y)), on_real, u);
      s.backward(discriminator_, on_real, d_real, no_gradient{});
      s.backward(discriminator_, on_fake, d_fake, no_gradient{});
      s.update(train::player_id<0>{});
      if (u + 1 == rounds) {
        mean(exact, scores_real, told(s, 3));
        mean(exact, scores_fake, told(s, 4));
        spread(exact, s.ctx.widened(real), told(s, 5));
        spread(exact, s.ctx.widened(made.y), told(s, 6));
      }
    }
    const auto made = make(s, n, rounds, true);
    const auto on_fake = s.forward(discriminator_, made.y);
    const auto d = s.ctx.stored(settings_.objective.generator(exact, s.ctx.widened(on_fake.y), told(s, 1)));
    s.backward(generator_, made, s.backward_input(discriminator_, on_fake, d), no_gradient{});
    s.update(train::player_id<1>{});
    if constexpr (target_type::mirrors) s.follow(0, targets()[0]);
  }

  constexpr const settings& chosen() const { return settings_; }
  constexpr const auto& generator() const { return generator_; }
  constexpr const auto& discriminator() const { return discriminator_; }

 private:
  /// Place i of the report.
  template <class S>
  static constexpr auto told(const S& s, index_t i) {
    return s.states[0].slice(i, i + 1);
  }
  template <class Ctx, class M>
  static constexpr void mean(const Ctx& exact, tensor_view<const M> x, tensor_view<M> result) {
    objective::detail::reduce_loss(exact, x, M(1) / static_cast<M>(x.size() * exact.comm->size()), result);
  }
  /// Mean over a sample's values of their variance over the batch.
  template <class Ctx, class M>
  static constexpr void spread(const Ctx& exact, tensor_view<const M> x, tensor_view<M> result) {
    const auto scope = exact.scope();
    const index_t n = x.extent(0), width = n > 0 ? x.size() / n : 0;
    const tensor_view<M> average = exact.take({width}), squares = exact.take({width});
    exact(op::column_moments, x.reshape(extents(n, width)), average, squares);
    objective::detail::reduce_loss(exact, as_const(squares), M(1) / static_cast<M>(x.size() * exact.comm->size()), result);
  }
  template <class S, class T = typename S::value_type>
  static constexpr activations<const T> stored(const S& s, const batch_type& in) {
    const tensor_view<const float> given{in.values, static_cast<extents>(input_shape{}).prepend(in.size)};
    if constexpr (std::is_same_v<T, float>) {
      return given;
    } else {
      const activations<T> x(s.ctx.take(given.shape));
      s.ctx(op::copy, given, x);
      return x;
    }
  }
  /// Samples from noise of their own; `keep`: a gradient will come back.
  template <class S, class T = typename S::value_type>
  constexpr auto make(const S& s, index_t n, index_t round, bool keep) const {
    const activations<T> z(s.ctx.take(static_cast<extents>(typename R::latent{}).prepend(n)));
    write_normal(s, z.reshape(extents(n, z.size() / (n > 0 ? n : 1))), static_cast<unsigned>(round));
    S own = s;
    own.ctx.keep = keep;
    return own.forward(generator_, z);
  }
  template <class S, class T, class Record>
  constexpr void penalise(const S& s, const activations<const T>& real, tensor_view<const T> made, const Record& on_real, index_t round) const {
    constexpr regularizer::place at = regularizer_type::at;
    if constexpr (at == regularizer::place::real) {
      add_gradient_penalty(settings_.regularizer, s, discriminator_, on_real, told(s, 2));
    } else if constexpr (at == regularizer::place::between) {
      const auto scope = s.ctx.scope();
      const activations<T> x(s.ctx.take(real.shape));
      const index_t n = real.extent(0);
      s.ctx(op::for_each_sample,
            between_writer<T>{step_key(s, static_cast<unsigned>(round) + 0x8000u), real.data, made.data, x.data, n > 0 ? real.size() / n : 0}, n);
      add_gradient_penalty(settings_.regularizer, s, discriminator_, s.forward(discriminator_, x), told(s, 2));
    } else {
      s.ctx(op::fill, T(0), told(s, 2));
    }
  }

  settings settings_;
  train::part<generator_type> generator_;
  train::part<discriminator_type> discriminator_;
};

namespace detail {
struct report_reader {
  std::array<double, 7> numbers{};
  template <class... A>
  void counter(const A&...) {}
  template <class... A>
  void entries(const A&...) {}
  template <class T>
  void array(std::string_view name, tensor_view<T> v) {
    if (name == "report")
      for (index_t i = 0; i < v.size() && i < 7; ++i) numbers[static_cast<std::size_t>(i)] = static_cast<double>(v[i]);
  }
};
}  // namespace detail

/// What the last step of an adversarial trainer measured.
template <class Trainer>
adversarial_report report_of(Trainer& t) {
  detail::report_reader r;
  t.visit_state(r);
  const auto& n = r.numbers;
  adversarial_report made{.discriminator_loss = n[0], .generator_loss = n[1], .penalty = n[2], .score_real = n[3], .score_fake = n[4],
                          .spread_real = std::sqrt(n[5]), .spread_fake = std::sqrt(n[6])};
  made.discriminator_gradient = t.inputs().players[0].gradient_norm;
  made.generator_gradient = t.inputs().players[1].gradient_norm;
  made.probability = Trainer::family_type::objective_type::probability;
  return made;
}

/// Looks at reports and raises an alarm that stands for at least `patience` reports in a row.
///   collapse            made samples spread less than `least_spread` of what the data do
///   discriminator_won   it is sure of both: opinions above 1 - `doubt` of data and below `doubt` of made samples (of scores that
///                       are no probabilities: never)
struct adversarial_alarms {
  double least_spread = 0.25, doubt = 0.01;
  index_t patience = 50;
  bool collapse = false, discriminator_won = false;
  index_t narrow = 0, sure = 0;  // reports in a row so far

  void look(const adversarial_report& r) {
    narrow = r.spread_fake < least_spread * r.spread_real ? narrow + 1 : 0;
    sure = r.probability && r.opinion_real() > 1 - doubt && r.opinion_fake() < doubt ? sure + 1 : 0;
    collapse = narrow >= patience;
    discriminator_won = sure >= patience;
  }
  /// "collapse, discriminator_won", or nothing
  std::string text() const {
    return joined({collapse ? "collapse" : "", collapse && discriminator_won ? ", " : "", discriminator_won ? "discriminator_won" : ""});
  }
};

/// n samples of a trained generator, the moving average where there is one, in evaluation: a function of the weights and `seed`.
/// shapes  (n, input), row after row
template <class Trainer>
std::vector<float> generate(Trainer& t, index_t n, std::uint64_t seed = 0) {
  using family = typename Trainer::family_type;
  using T = typename Trainer::value_type;
  using backend_type = typename Trainer::backend_type;
  const auto& part = t.family().generator();
  parameter_view<T> params = t.parameters(part);
  if constexpr (family::target_type::mirrors) params = {t.targets()[0].parameters.data(), t.targets()[0].buffers.data()};
  const extents one = static_cast<extents>(part.layer.output()), latent = static_cast<extents>(part.layer.input);
  std::vector<float> rows(static_cast<std::size_t>(n * one.size()));
  constexpr index_t chunk = 1024;
  for (index_t first = 0; first < n; first += chunk) {
    const index_t size = n - first < chunk ? n - first : chunk;
    const auto pass = [&](workspace& memory) {
      comm::null alone;
      context<backend_type, T> ctx{&t.backend(), &memory, &alone};
      ctx.mode = run_mode::evaluate;
      ctx.keep = false;
      const activations<T> z(ctx.take(latent.prepend(size))), y(ctx.take(one.prepend(size)));
      const rng::key key = rng::key{.seed = seed, .occurrence = static_cast<std::uint16_t>(first / chunk)}.with_purpose(rng::purpose::user);
      ctx(op::for_each_sample, normal_writer<T>{key, z.data, latent.size()}, size);
      typename std::remove_cvref_t<decltype(part.layer)>::template cache<T> kept{};
      part.layer.forward(ctx, memory.planning() ? parameter_view<T>{} : params, activations<const T>(z), y, kept);
      if (!memory.planning())
        for (index_t i = 0; i < y.size(); ++i) rows[static_cast<std::size_t>(first * one.size() + i)] = static_cast<float>(y[i]);
    };
    workspace plan;
    pass(plan);
    const buffer<std::byte> block(static_cast<index_t>(plan.peak()));
    workspace memory(block.data(), block.bytes());
    pass(memory);
  }
  return rows;
}

}  // namespace pretext::method
