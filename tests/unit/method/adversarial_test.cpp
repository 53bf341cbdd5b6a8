// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/method/adversarial.hpp"

#include "../proofs/proof.hpp"
#include "pretext/recipe/gan.hpp"

namespace {
using namespace proof;
namespace method = px::method;

template <class Objective, class Regularizer>
struct small : px::recipe::gan {
  using latent = px::features<3>;
  using generator = nn::sequential<nn::linear<6>, nn::tanh, nn::linear<2>>;
  using discriminator = nn::sequential<nn::linear<7>, nn::tanh, nn::linear<5>, nn::leaky_relu<1, 5>, nn::linear<1>>;
  using objective = Objective;
  using regularizer = Regularizer;
  using target = px::target::none;
  using optimizer = px::optimizer::sgd;
  using precision = px::train::f64;
  template <class S>
  static constexpr void defaults(S&) {}
};
template <class O, class R>
using trainer = px::train::trainer<small<O, R>, px::backend::reference>;

std::vector<float> points(index_t n, std::uint64_t seed) {
  std::vector<float> xy;
  px::rng::stream draw(px::rng::key{.seed = seed});
  for (index_t i = 0; i < n; ++i) {
    const double angle = draw.uniform(0, 6.283185307179586);
    xy.push_back(static_cast<float>(2 * std::cos(angle)));
    xy.push_back(static_cast<float>(2 * std::sin(angle)));
  }
  return xy;
}
/// What a trainer that does not move says of its gradients against differences of its losses, penalty included.
template <class O, class R>
void check_losses(double weight) {
  typename trainer<O, R>::settings_type s{.generator_optimizer = {.rate = 0, .momentum = 0}, .discriminator_optimizer = {.rate = 0, .momentum = 0}};
  if constexpr (requires { s.regularizer.weight; }) s.regularizer.weight = weight;
  s.batch_size = 9;
  s.seed = 5;
  trainer<O, R> t(s);
  const auto xy = points(9, 3);
  const method::sample_rows batch{xy.data(), 9};
  t.step(batch);
  if constexpr (R::at != px::regularizer::place::nowhere) CHECK(method::report_of(t).penalty > 1e-3);
  check_gradient(t, batch, 0, [](auto& now) {
    const auto r = method::report_of(now);
    return r.discriminator_loss + r.penalty;
  });
  check_gradient(t, batch, 1, [](auto& now) { return method::report_of(now).generator_loss; });
}
}  // namespace

TEST_CASE("adversarial: with R1 each player's gradient is that of its own loss", "[method][adversarial]") {
  check_losses<px::objective::non_saturating, px::regularizer::r1>(3.0);
}
TEST_CASE("adversarial: with the penalty between data and made samples too", "[method][adversarial]") {
  // not wasserstein, of which the last bias has no gradient: it is the same in both of its terms
  check_losses<px::objective::least_squares, px::regularizer::gp>(10.0);
}
