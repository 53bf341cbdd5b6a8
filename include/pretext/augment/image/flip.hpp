// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../augmentation.hpp"
#include "../detail/resample.hpp"

namespace pretext::augment {

/// Mirrors left and right with probability p.
/// shapes  in and out (H, W, C), may be one image
/// laws    twice is the identity; p = 0 is the identity
/// errors  pretext[augment.201] p outside [0, 1]
/// source  torchvision.transforms.RandomHorizontalFlip
struct horizontal_flip {
  setting<float> p = default_value(0.5f);

  struct record {
    bool flipped = false;
  };

  static constexpr std::string_view name = "horizontal_flip";
  static constexpr bool mirrors_columns = true;  // record::flipped says whether; see chain

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("p", self.p);
  }

  constexpr void check() const { detail::check_probability(p, name); }

  constexpr record draw(rng::key key, image_size, image_size) const { return {rng::stream(key).accept(p.value())}; }

  void apply(context&, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.flipped) return convert(in, out);
    detail::mirror_columns(in, out);
  }
};

/// Mirrors top and bottom with probability p.
/// shapes  in and out (H, W, C), may be one image
/// laws    twice is the identity; p = 0 is the identity
/// errors  pretext[augment.201] p outside [0, 1]
/// source  torchvision.transforms.RandomVerticalFlip
struct vertical_flip {
  setting<float> p = default_value(0.5f);

  struct record {
    bool flipped = false;
  };

  static constexpr std::string_view name = "vertical_flip";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("p", self.p);
  }

  constexpr void check() const { detail::check_probability(p, name); }

  constexpr record draw(rng::key key, image_size, image_size) const { return {rng::stream(key).accept(p.value())}; }

  void apply(context&, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.flipped) return convert(in, out);
    const index_t stride = in.width * in.channels;
    for (index_t top = 0, bottom = in.height - 1; top <= bottom; ++top, --bottom)
      for (index_t i = 0; i < stride; ++i) {
        const float from_top = in.data[top * stride + i], from_bottom = in.data[bottom * stride + i];
        out.data[top * stride + i] = from_bottom;
        out.data[bottom * stride + i] = from_top;
      }
  }
};

}  // namespace pretext::augment
