// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/method/adversarial.hpp"

#include "../proofs/proof.hpp"
#include "pretext/recipe/gan.hpp"

namespace {
using namespace proof;
namespace method = px::method;

struct ring_gan : px::recipe::gan {
  using latent = px::features<3>;
  using generator = nn::sequential<nn::linear<16>, nn::relu, nn::linear<2>>;
  using discriminator = nn::sequential<nn::linear<16>, nn::leaky_relu<1, 5>, nn::linear<1>>;
};
using trainer = px::train::trainer<ring_gan, px::backend::reference>;

std::vector<float> points(index_t n, std::uint64_t seed) {
  std::vector<float> xy;
  px::rng::stream draw(px::rng::key{.seed = seed});
  for (index_t i = 0; i < 2 * n; ++i) xy.push_back(static_cast<float>(draw.uniform(-1, 1)));
  return xy;
}
}  // namespace

TEST_CASE("adversarial: an interrupted run goes on with the same bytes", "[method][adversarial]") {
  std::vector<float> xy;
  trainer::settings_type s{};
  s.batch_size = 8;
  s.discriminator_steps = 2;
  check_resume<trainer>("adversarial_family", s,
                        [&](int step) { xy = points(16, static_cast<std::uint64_t>(step)); return method::sample_rows{xy.data(), 16}; },
                        {"family adversarial", "player discriminator optimizer adam", "player generator optimizer adam", "state report [7]",
                         "parameter net.0.weight [16,2]"});
}
TEST_CASE("adversarial: the discriminator is updated n times a step, and the target follows the generator", "[method][adversarial]") {
  trainer::settings_type s{};
  s.batch_size = 8;
  s.discriminator_steps = 3;
  trainer t(s);
  const auto xy = points(24, 1);
  const auto before = std::vector<float>(t.players()[1].parameters.begin(), t.players()[1].parameters.end());
  REQUIRE(t.step({xy.data(), 24}).finite);
  CHECK(t.inputs().players[0].updates == 3);
  CHECK(t.inputs().players[1].updates == 1);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const float now = t.players()[1].parameters[static_cast<index_t>(i)];
    CHECK(std::fabs(t.targets()[0].parameters[static_cast<index_t>(i)] - (0.999f * before[i] + 0.001f * now)) < 1e-6f);
  }
  CHECK_THROWS(t.step({xy.data(), 27}));  // more than planned
  CHECK_THROWS(t.step({xy.data(), 2}));   // less than one a round
}
TEST_CASE("adversarial: the report says what happened", "[method][adversarial]") {
  trainer::settings_type s{};
  s.batch_size = 64;
  trainer t(s);
  const auto xy = points(64, 1);
  t.step({xy.data(), 64});
  const auto r = method::report_of(t);
  CHECK(std::fabs(r.discriminator_loss - 2 * std::log(2.0)) < 0.3);  // nobody knows anything yet
  CHECK(std::fabs(r.generator_loss - std::log(2.0)) < 0.3);
  CHECK(r.probability);
  CHECK(std::fabs(r.opinion_real() - 0.5) < 0.2);
  double squares = 0, sum[2] = {0, 0};
  for (std::size_t i = 0; i < xy.size(); ++i) sum[i % 2] += xy[i] / 64;
  for (std::size_t i = 0; i < xy.size(); ++i) squares += (xy[i] - sum[i % 2]) * (xy[i] - sum[i % 2]) / 128;
  CHECK(std::fabs(r.spread_real - std::sqrt(squares)) < 1e-5);
  CHECK(r.spread_fake > 0);
  CHECK(r.discriminator_gradient > 0);
  CHECK(r.generator_gradient > 0);
  CHECK(r.penalty >= 0);
}
TEST_CASE("adversarial alarms: raised by what lasts, and only by that", "[method][adversarial]") {
  method::adversarial_alarms a{.patience = 3};
  method::adversarial_report well{.score_real = 0.3, .score_fake = -0.2, .spread_real = 1, .spread_fake = 0.9, .probability = true};
  method::adversarial_report narrow = well, won = well;
  narrow.spread_fake = 0.1;
  won.score_real = 6, won.score_fake = -6;
  for (int i = 0; i < 2; ++i) a.look(narrow);
  CHECK(!a.collapse);
  a.look(narrow);
  CHECK(a.collapse);
  CHECK(a.text() == "collapse");
  a.look(well);
  CHECK(a.text().empty());
  for (int i = 0; i < 3; ++i) a.look(won);
  CHECK(a.text() == "discriminator_won");
  won.probability = false;  // scores without a scale
  a.look(won);
  CHECK(a.text().empty());
}
TEST_CASE("generate: a function of weights and seed, the same for a part of the samples", "[method][adversarial]") {
  trainer::settings_type s{};
  s.batch_size = 8;
  trainer t(s);
  const auto a = method::generate(t, 1500, 7), b = method::generate(t, 1500, 7), c = method::generate(t, 1500, 8), d = method::generate(t, 10, 7);
  REQUIRE(a.size() == 3000);
  CHECK(a == b);
  CHECK(a != c);
  CHECK(std::equal(d.begin(), d.end(), a.begin()));
  CHECK(std::vector<float>(a.begin() + 2048, a.begin() + 2058) != std::vector<float>(a.begin(), a.begin() + 10));
}
