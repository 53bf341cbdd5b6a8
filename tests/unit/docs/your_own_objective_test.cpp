// SPDX-License-Identifier: BSD-3-Clause
// The examples of docs/tutorials/your_own_objective.md, compiled and run. The text between the marks is that of the page.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

// [doc:own_objective]
#include <pretext/objective/derived.hpp>

/// Alignment and uniformity: views of a sample close together, all rows spread over the sphere (Wang & Isola 2020).
struct align_and_spread {
  pretext::setting<float> weight = pretext::default_value(1.0f);
  pretext::setting<float> sharpness = pretext::default_value(2.0f);
  static constexpr const char* name = "align_and_spread";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("weight", self.weight);
    visit("sharpness", self.sharpness);
  }

  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
    const auto z = normalize(in.anchors);
    const auto positive = normalize(in.positives);
    const auto spread = log_mean_exp(log_mean_exp(z, pretext::similarity::negative_squared_euclidean{}, sharpness));
    return mean(squared_distance(z, positive)) + weight * spread;
  }
};
using own_objective = pretext::objective::derived<align_and_spread>;
// [doc:end]

// [doc:vicreg]
struct vicreg {
  pretext::setting<float> invariance = pretext::default_value(25.0f);
  pretext::setting<float> variance = pretext::default_value(25.0f);
  static constexpr const char* name = "vicreg";

  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
    const auto x = view<0>(in);
    const auto y = view<1>(in);
    const auto hinge = [](const auto& z) { return mean(relu(1.0 - sqrt(column_variance(z) + 1e-4))); };
    const auto redundancy = [&](const auto& z) { return sum(square(off_diagonal(covariance(z)))) / in.width; };
    return invariance * mean(square(x - y)) + variance * 0.5 * (hinge(x) + hinge(y)) + redundancy(x) + redundancy(y);
  }
};
// [doc:end]

// [doc:margin]
/// A hinge on the distance to the positive against the nearest other row, softly.
struct margin {
  static constexpr const char* name = "margin";

  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
    const auto z = normalize(in.anchors);
    const auto to_positive = squared_distance(z, normalize(in.positives));
    const auto to_others = -0.1 * log_sum_exp(z, pretext::similarity::negative_squared_euclidean{}, 10.0);
    return mean(relu(0.2 + to_positive - to_others));
  }
};
// [doc:end]

#include <pretext/check/objective.hpp>

// [doc:own_recipe]
#include <pretext/pretext.hpp>

struct my_method : pretext::recipe::simclr {
  using input = pretext::image<3, 32, 32>;
  using objective = own_objective;
};
// [doc:end]

#include "support/catch.hpp"

namespace {
struct small : my_method {
  using input = pretext::image<3, 16, 16>;
  using encoder = pretext::nn::sequential<pretext::nn::conv2d<8, 3>, pretext::nn::batch_norm, pretext::nn::relu, pretext::nn::global_avg_pool>;
  using head = pretext::nn::mlp<16, 8>;
};
template <class Recipe, class Settings>
std::vector<float> losses(const Settings& settings, pretext::index_t steps) {
  const auto images = pretext::data::glyphs({.count = 16, .size = 16});
  pretext::trainer<Recipe, pretext::backend::simd<>> trainer(settings);
  std::vector<pretext::image_view<const std::uint8_t>> views;
  for (pretext::index_t i = 0; i < 16; ++i) views.push_back(images.image(i));
  std::vector<float> out;
  for (pretext::index_t s = 0; s < steps; ++s) out.push_back(trainer.step({views.data(), nullptr, 16}).loss);
  return out;
}
}  // namespace

TEST_CASE("your own objective: the page's objective keeps the laws of its kind", "[docs][objective]") {
  // [doc:check]
  const auto found = pretext::check::objective(own_objective{});
  if (!found.ok()) std::puts(found.text().c_str());
  // [doc:end]
  CAPTURE(found.text());
  CHECK(found.ok());
  const auto other = pretext::check::objective(pretext::objective::derived<vicreg>{});
  CAPTURE(other.text());
  CHECK(other.ok());
  const auto third = pretext::check::objective(pretext::objective::derived<margin>{});
  CAPTURE(third.text());
  CHECK(third.ok());
}

TEST_CASE("your own objective: the page's recipe trains", "[docs][objective]") {
  const auto first = losses<small>(pretext::trainer<small, pretext::backend::simd<>>::settings_type{.batch_size = 16}, 12);
  CHECK(first.back() < first.front());
  const auto weighted =
      losses<small>(pretext::trainer<small, pretext::backend::simd<>>::settings_type{.objective = {{.weight = 0.0f}}, .batch_size = 16}, 1);
  CHECK(weighted[0] != first[0]);
  CHECK(weighted[0] >= 0);
}

TEST_CASE("your own objective: the program of the page", "[docs][objective][full]") {
  // [doc:train]
  pretext::trainer<my_method, pretext::backend::simd<>> trainer({.objective = {{.weight = 0.5f}}, .batch_size = 64, .epochs = 1});
  trainer.fit(pretext::data::glyphs({.count = 256}), pretext::report::progress_bar{});
  // [doc:end]
  CHECK(trainer.steps_done() == 4);
  CHECK(std::isfinite(trainer.report().loss));
}
