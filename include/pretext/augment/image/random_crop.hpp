// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../augmentation.hpp"
#include "../detail/resample.hpp"

namespace pretext::augment {

/// A random place for a window of the view's size, without resampling, on the image with `padding` pixels of `fill`
/// around it. An image still smaller than the view is padded further, by the missing pixels on both sides.
/// shapes  in (H, W, C) any size, bytes or floats; out any size
/// units   padding in pixels; fill a value in [0, 1]
/// laws    padding 0 and equal sizes give the image itself
/// errors  pretext[augment.203] padding or fill out of range
/// repeat  the window is equal on every machine
/// source  torchvision.transforms.RandomCrop(pad_if_needed=True)
struct random_crop {
  setting<int> padding = default_value(4);
  setting<float> fill = default_value(0.0f);

  struct record {
    box part;  // in pixels of the source without padding: top and left may be negative
  };

  static constexpr std::string_view name = "random_crop";
  static constexpr bool changes_size = true;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("padding", self.padding);
    visit("fill", self.fill);
  }

  constexpr void check() const {
    detail::check_value(static_cast<float>(padding.value()), 0.0f, 65536.0f, name, "padding");
    detail::check_value(fill, 0.0f, 1.0f, name, "fill");
  }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size in, image_size out) const {
    rng::stream draws(key);
    const std::int32_t top = corner(draws, in.height, out.height);
    const std::int32_t left = corner(draws, in.width, out.width);
    return {{top, left, static_cast<std::int32_t>(out.height), static_cast<std::int32_t>(out.width)}};
  }

  template <class In>
  void apply(context&, const record& drawn, image_view<const In> in, image_view<float> out,
             bool mirrored = false) const {
    detail::copy_box<In>(in, drawn.part.top, drawn.part.left, out, fill, mirrored);
  }
  /// The same pixel by pixel, by many threads.
  PRETEXT_EITHER_SIDE template <class Context, class In>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const In> in, image_view<float> out, bool mirrored = false) const {
    detail::copy_box_by<In>(ctx, in, drawn.part.top, drawn.part.left, out, fill, mirrored);
  }

 private:
  PRETEXT_HOST_DEVICE constexpr std::int32_t corner(rng::stream& draws, index_t in, index_t out) const {
    index_t pad = padding.value();
    if (in + 2 * pad < out) pad += out - in - 2 * pad;
    return static_cast<std::int32_t>(static_cast<index_t>(draws.below(static_cast<std::uint32_t>(in + 2 * pad - out + 1))) - pad);
  }
};

}  // namespace pretext::augment
