// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../augmentation.hpp"

namespace pretext::augment {

/// Inverts every value at or above the threshold, with probability p.
/// shapes  in and out (H, W, C) in [0, 1], may be one image
/// errors  pretext[augment.201] p outside [0, 1]; pretext[augment.203] threshold outside [0, 1]
/// source  torchvision.transforms.RandomSolarize; threshold 0.5 as in BYOL (arXiv:2006.07733)
struct solarize {
  setting<float> p = default_value(0.5f);
  setting<float> threshold = default_value(0.5f);

  struct record {
    bool solarized = false;
  };

  static constexpr std::string_view name = "solarize";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("p", self.p);
    visit("threshold", self.threshold);
  }

  constexpr void check() const {
    detail::check_probability(p, name);
    detail::check_value(threshold, 0.0f, 1.0f, name, "threshold");
  }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size, image_size) const { return {rng::stream(key).accept(p.value())}; }

  void apply(context&, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.solarized) return convert(in, out);
    const float limit = threshold;
    constexpr index_t block = 16;
    const index_t count = in.size();
    index_t i = 0;
    for (; i + block <= count; i += block) {
      float values[block];
      for (index_t k = 0; k < block; ++k) values[k] = in.data[i + k];
      for (index_t k = 0; k < block; ++k) {
        const float inverse = 1.0f - values[k];
        values[k] = values[k] >= limit ? inverse : values[k];
      }
      for (index_t k = 0; k < block; ++k) out.data[i + k] = values[k];
    }
    for (; i < count; ++i) out.data[i] = in.data[i] >= limit ? 1.0f - in.data[i] : in.data[i];
  }
  /// The same value by value, by many threads.
  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.solarized) return convert(ctx, in, out);
    const float limit = threshold;
    ctx.for_each(in.size(), [=](index_t i) { out.data[i] = in.data[i] >= limit ? 1.0f - in.data[i] : in.data[i]; });
  }
};

}  // namespace pretext::augment
