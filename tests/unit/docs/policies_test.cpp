// SPDX-License-Identifier: BSD-3-Clause
// The examples of docs/policies/{schedule,target,recipe,family}.md, compiled and run. The text between marks is the page's.
#include <pretext/backend/reference/reference.hpp>
#include <pretext/concepts/schedule.hpp>
#include <pretext/recipe/joint_embedding.hpp>

#include <vector>

#include "support/catch.hpp"

namespace px = pretext;
namespace nn = pretext::nn;

// [doc:own_schedule]
/// A rate that falls like 1 / sqrt(step), for streams without an end.
struct inverse_root {
  px::setting<double> offset = px::default_value(100.0);
  static constexpr const char* name = "inverse_root";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("offset", self.offset);
  }
  double factor(std::uint64_t step, std::uint64_t /*total*/) const { return std::sqrt(offset / (offset + static_cast<double>(step))); }
};
// [/doc:own_schedule]

// [doc:own_target]
/// A slow teacher: an average that starts at 0.999 and ends frozen.
struct slow_teacher {
  px::setting<double> momentum = px::default_value(0.999);
  px::setting<double> last_momentum = px::default_value(1.0);
  static constexpr const char* name = "slow_teacher";
  static constexpr bool is_target = true;  // rows are compared with it
  static constexpr bool mirrors = true;    // it is a copy of encoder and head that follows them
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("momentum", self.momentum);
    visit("last_momentum", self.last_momentum);
  }
};
// [/doc:own_target]

// [doc:own_recipe]
struct my_byol : px::recipe::byol {
  using input = px::image<1, 8, 8>;
  using encoder = nn::sequential<nn::conv2d<8, 3>, nn::batch_norm, nn::relu, nn::global_avg_pool>;
  using head = nn::mlp_batch_norm<16, 8>;
  using predictor = nn::mlp_batch_norm<16, 8>;
  using target = slow_teacher;
  using schedule = inverse_root;
  using views = px::augment::chain<px::augment::random_resized_crop, px::augment::horizontal_flip>;

  template <class Settings>
  static constexpr void defaults(Settings& s) {
    s.optimizer.rate = 3e-3;  // the recipe's choice; a user who names a rate still wins
  }
};
// [/doc:own_recipe]

// [doc:own_family]
/// A linear autoencoder: points -> encoder -> decoder -> mean squared error.
template <class R>
class autoencoder {
 public:
  using batch_type = px::tensor_view<const float>;  // (samples, D)
  static constexpr const char* name = "autoencoder";
  using encoder_type = nn::bound_t<typename R::encoder, typename R::input>;
  using decoder_type = nn::bound_t<nn::linear<px::static_extent<typename R::input, 0>>, nn::output_t<encoder_type>>;

  struct settings {
    typename R::optimizer optimizer{};
    px::setting<px::index_t> batch_size = px::default_value(32);
    px::setting<std::uint64_t> seed = px::default_value(0);
    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("optimizer", self.optimizer);
      visit("batch_size", self.batch_size);
      visit("seed", self.seed);
    }
  };
  constexpr explicit autoencoder(const settings& s)
      : settings_(s), encoder_("encoder", nn::bind(typename R::encoder{}, typename R::input{})),
        decoder_("decoder", decoder_type({}, encoder_.layer.output())) {}

  constexpr auto players() {
    return std::make_tuple(px::train::player("network", settings_.optimizer, px::schedule::constant{}, /*clip_norm*/ 0.0, encoder_, decoder_));
  }
  static constexpr px::index_t batch_size_of(const batch_type& in) { return in.extent(0); }
  static constexpr batch_type plan_batch(px::index_t n) { return {nullptr, static_cast<px::extents>(typename R::input{}).prepend(n)}; }

  template <class S>
  constexpr void step(S& s, const batch_type& in) const {
    const auto h = s.forward(encoder_, px::activations<const float>(in));
    const auto y = s.forward(decoder_, h.y);
    const auto d = s.zeros_like(y.y);  // d = 2 (y - x) / n, loss = sum (y - x)^2 / n
    s.ctx(px::op::add, px::as_const(y.y), d);
    s.ctx(px::op::add_scaled, in, -1.0f, d);
    const auto errors = s.ctx.take({in.extent(0)});
    s.ctx(px::op::row_dot, d, d, errors);
    s.ctx(px::op::sum, errors, s.loss);
    s.ctx(px::op::scale, 1.0f / static_cast<float>(in.size()), s.loss);
    s.ctx(px::op::scale, 2.0f / static_cast<float>(in.size()), d);
    s.backward(encoder_, h, s.backward(decoder_, y, d), px::no_gradient{});
    s.update(px::train::player_id<0>{});
  }

 private:
  settings settings_;
  px::train::part<encoder_type> encoder_;
  px::train::part<decoder_type> decoder_;
};

struct my_autoencoder {
  template <class R>
  using family = autoencoder<R>;
  using input = px::features<4>;
  using encoder = nn::linear<2>;
  using optimizer = px::optimizer::adam;
};
// [/doc:own_family]

TEST_CASE("policies: the page's schedule falls like a root and has every member", "[docs][schedule]") {
  STATIC_REQUIRE(px::concepts::Schedule<inverse_root>);
  CHECK(inverse_root{}.factor(0, 0) == 1.0);
  CHECK(inverse_root{}.factor(300, 0) == 0.5);
}

TEST_CASE("policies: the page's recipe trains with its own target, schedule and defaults", "[docs][recipe][target]") {
  std::vector<std::uint8_t> pixels(8 * 64);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37 % 251);
  std::vector<px::image_view<const std::uint8_t>> images;
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < 8; ++i) images.push_back({pixels.data() + 64 * i, 8, 8, 1}), ids.push_back(i);

  px::train::trainer<my_byol, px::backend::reference> trainer({.batch_size = 8});
  CHECK(trainer.settings().optimizer.rate.value() == 3e-3);
  CHECK(trainer.settings().target.momentum.value() == 0.999);
  const auto before = std::vector<float>(trainer.targets()[0].parameters.begin(), trainer.targets()[0].parameters.end());
  const px::train::step_report& report = trainer.step({images.data(), ids.data(), 8});
  CHECK(report.finite);
  CHECK(report.loss > 0);
  const auto after = std::vector<float>(trainer.targets()[0].parameters.begin(), trainer.targets()[0].parameters.end());
  CHECK(before != after);
}

TEST_CASE("policies: the page's family learns to copy points of a plane", "[docs][family]") {
  // [doc:use_family]
  px::train::trainer<my_autoencoder, px::backend::reference> trainer({.optimizer = {.rate = 0.02}, .batch_size = 16});
  std::vector<float> points(16 * 4);
  float first = 0;
  for (int step = 0; step < 400; ++step) {
    px::rng::stream draws(px::rng::key{.sample = static_cast<std::uint64_t>(step)}.with_purpose(px::rng::purpose::user));
    for (std::size_t i = 0; i < 16; ++i) {  // four numbers that two explain
      const float a = 2 * draws.uniform() - 1, b = 2 * draws.uniform() - 1;
      points[4 * i] = a, points[4 * i + 1] = b, points[4 * i + 2] = a + b, points[4 * i + 3] = a - b;
    }
    const float loss = trainer.step({points.data(), {16, 4}}).loss;
    if (step == 0) first = loss;
  }
  // [/doc:use_family]
  INFO("from " << first << " to " << trainer.report().loss);
  CHECK(trainer.report().loss < 0.01f * first);
}
