// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../augmentation.hpp"

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

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("p", self.p);
  }

  constexpr void check() const { detail::check_probability(p, name); }

  constexpr record draw(rng::key key, image_size, image_size) const { return {rng::stream(key).accept(p.value())}; }

  void apply(context&, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.flipped) return convert(in, out);
    if (in.channels == 3)
      mirror<3>(in, out);
    else
      mirror<1>(in, out);
  }

 private:
  /// Both ends at once, read before written, so that `in` and `out` may be one image.
  template <index_t Channels>
  static void mirror(image_view<const float> in, image_view<float> out) {
    for (index_t y = 0; y < in.height; ++y) {
      const float* source = in.data + y * in.width * Channels;
      float* target = out.data + y * in.width * Channels;
      for (index_t left = 0, right = in.width - 1; left <= right; ++left, --right)
        for (index_t c = 0; c < Channels; ++c) {
          const float from_left = source[left * Channels + c], from_right = source[right * Channels + c];
          target[left * Channels + c] = from_right;
          target[right * Channels + c] = from_left;
        }
    }
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
