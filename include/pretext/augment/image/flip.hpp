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

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size, image_size) const { return {rng::stream(key).accept(p.value())}; }

  void apply(context&, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.flipped) return convert(in, out);
    detail::mirror_columns(in, out);
  }
  /// The same by many threads.
  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.flipped) return convert(ctx, in, out);
    detail::mirror_columns(ctx, in, out);
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

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size, image_size) const { return {rng::stream(key).accept(p.value())}; }

  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.flipped) return convert(ctx, in, out);
    const index_t stride = in.width * in.channels;
    ctx.for_each(ceil_div(in.height, 2), stride, [&](index_t row, index_t i) {  // both ends at once: it may be one image
      const index_t top = row * stride + i, bottom = (in.height - 1 - row) * stride + i;
      const float from_top = in.data[top], from_bottom = in.data[bottom];
      out.data[top] = from_bottom;
      out.data[bottom] = from_top;
    });
  }
};

}  // namespace pretext::augment
