// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../augmentation.hpp"
#include "../detail/decide.hpp"
#include "../detail/normal.hpp"

namespace pretext::augment {

/// Adds independent normal noise to every value and cuts the result to [0, 1].
/// shapes  in and out (H, W, C) in [0, 1], may be one image
/// units   sigma: standard deviation, drawn uniformly between its bounds once for an image
/// laws    sigma {0, 0} is the identity
/// errors  pretext[augment.202] sigma not ordered or outside [0, 10]
/// cost    one Philox block and two logarithms for four values
/// repeat  the noise is a function of the recorded key and the value's place; pixels within 1e-6
/// source  torchvision.transforms.v2.GaussianNoise(sigma=0.1, clip=True)
struct gaussian_noise {
  range sigma = default_range(0.1f, 0.1f);

  struct record {
    rng::key key{};
    float sigma = 0.0f;
  };

  static constexpr std::string_view name = "gaussian_noise";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("sigma", self.sigma);
  }

  constexpr void check() const { detail::check_range(sigma, 0.0f, 10.0f, name, "sigma"); }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size, image_size) const {
    rng::stream draws(key);
    return {key, detail::to_float(detail::uniform_q32(draws, detail::to_q32(sigma.low), detail::to_q32(sigma.high)))};
  }

  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (drawn.sigma == 0.0f) return convert(ctx, in, out);
    const index_t count = in.size();
    ctx.for_each(ceil_div(count, 4), [&](index_t four) {
      const index_t i = 4 * four;
      const rng::counter_type bits = drawn.key.block(static_cast<std::uint32_t>(1 + four));  // block 0 drew sigma
      float normal[4];
      detail::normal_pair(bits[0], bits[1], normal[0], normal[1]);
      detail::normal_pair(bits[2], bits[3], normal[2], normal[3]);
      PRETEXT_UNROLL
      for (index_t k = 0; k < 4; ++k)
        if (i + k < count) out.data[i + k] = clamp_unit(in.data[i + k] + drawn.sigma * normal[k]);
    });
  }
};

}  // namespace pretext::augment
