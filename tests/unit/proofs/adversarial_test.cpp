// SPDX-License-Identifier: BSD-3-Clause
#include "adversarial.hpp"

namespace {
using namespace proof;

using trainer = px::train::trainer<ring_gan, px::backend::reference>;
double loss_of(trainer& t, index_t player) {
  kept_number n{"losses", player};
  t.visit_state(n);
  return n.value;
}
}  // namespace

TEST_CASE("adversarial: each player's gradient is that of its own loss", "[proof][adversarial]") {
  const auto xy = ring(0, 9);
  trainer t({.generator = {.rate = 0, .momentum = 0}, .critic = {.rate = 0, .beta1 = 0}, .batch_size = 9, .critic_updates = 1});
  for (index_t player : {0, 1})
    check_gradient(t, points{xy.data(), 9}, static_cast<std::size_t>(player), [&](trainer& now) { return loss_of(now, player); });
}

TEST_CASE("adversarial: an interrupted run goes on with the same bytes", "[proof][adversarial]") {
  std::vector<double> xy;
  check_resume<trainer>("adversarial", trainer::settings_type{.batch_size = 16}, [&](int s) { xy = ring(s, 16); return points{xy.data(), 16}; },
                        {"family adversarial", "player critic optimizer adam", "player generator optimizer sgd", "state losses [2]", "parameter net.0.weight [7,2]"});
}

TEST_CASE("adversarial: updates are counted one by one, so Adam's bias correction is that of each update", "[proof][adversarial]") {
  trainer t({.critic = {.rate = 0.01, .beta1 = 0.9, .beta2 = 0.5, .eps = 0.0}, .critic_updates = 3});
  const auto xy = ring(0, 16);
  const double before = t.players()[0].parameters[0];
  t.step({xy.data(), 16});
  const everything now = held(t);
  CHECK(now.counters[2] == 3);  // step, epoch, critic.updates, generator.updates
  CHECK(now.counters[3] == 1);
  // Gradients hardly change over three small moves, so each is about a rate: 3 in all. Without bias correction it would be
  // 0.65, with that of update 1 thrice 4.6.
  const double rates = std::fabs(t.players()[0].parameters[0] - before) / 0.01;
  CHECK(rates > 2);
  CHECK(rates < 3.5);
}
