// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../augmentation.hpp"
#include "../detail/decide.hpp"
#include "../detail/resample.hpp"

namespace pretext::augment {

/// The whole image at the size of the view; nothing is random.
/// shapes  in (H, W, C) any size, bytes or floats; out any size
/// laws    equal sizes give the image itself; a constant image stays constant
/// cost    detail::resample
/// source  torchvision.transforms.Resize((height, width), antialias=True)
struct resize {
  struct record {};

  static constexpr std::string_view name = "resize";
  static constexpr bool changes_size = true;

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key, image_size, image_size) const { return {}; }

  template <class In>
  void apply(context& ctx, const record&, image_view<const In> in, image_view<float> out,
             bool mirrored = false) const {
    detail::resample<In>(ctx, in, {0, 0, static_cast<std::int32_t>(in.height), static_cast<std::int32_t>(in.width)}, out, mirrored);
  }
  /// The same pixel by pixel, by many threads.
  PRETEXT_EITHER_SIDE template <class Context, class In>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record&, image_view<const In> in, image_view<float> out, bool mirrored = false) const {
    detail::resample_by<In>(ctx, in, {0, 0, static_cast<std::int32_t>(in.height), static_cast<std::int32_t>(in.width)}, out, mirrored);
  }

  constexpr index_t scratch_floats(image_size in, image_size out) const { return detail::resample_scratch(in, out); }
};

/// The largest central box of the view's shape, shrunk to `keep` of its side, at the size of the view: what an encoder
/// sees at evaluation. keep = 0.875 is Resize(256) followed by CenterCrop(224), up to the rounding of sides.
/// shapes  in (H, W, C) any size, bytes or floats; out any size
/// errors  pretext[augment.203] keep outside (0, 1]
/// cost    detail::resample
/// repeat  the box is equal on every machine
struct resized_center_crop {
  setting<float> keep = default_value(0.875f);

  struct record {
    box part;
  };

  static constexpr std::string_view name = "resized_center_crop";
  static constexpr bool changes_size = true;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("keep", self.keep);
  }

  constexpr void check() const { detail::check_value(keep, 1e-3f, 1.0f, name, "keep"); }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key, image_size in, image_size out) const {
    // in.width / in.height > out.width / out.height: the height limits the box
    const bool wide = in.width * out.height > out.width * in.height;
    std::int64_t height = wide ? in.height : (in.width * out.height + out.width / 2) / out.width;
    std::int64_t width = wide ? (in.height * out.width + out.height / 2) / out.height : in.width;
    const detail::q32 share = detail::to_q32(keep);
    height = detail::round_q32(share * height);
    width = detail::round_q32(share * width);
    height = height < 1 ? 1 : height > in.height ? in.height : height;
    width = width < 1 ? 1 : width > in.width ? in.width : width;
    return {{static_cast<std::int32_t>((in.height - height) / 2), static_cast<std::int32_t>((in.width - width) / 2),
             static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)}};
  }

  template <class In>
  void apply(context& ctx, const record& drawn, image_view<const In> in, image_view<float> out,
             bool mirrored = false) const {
    detail::resample<In>(ctx, in, drawn.part, out, mirrored);
  }
  /// The same pixel by pixel, by many threads.
  PRETEXT_EITHER_SIDE template <class Context, class In>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const In> in, image_view<float> out, bool mirrored = false) const {
    detail::resample_by<In>(ctx, in, drawn.part, out, mirrored);
  }

  constexpr index_t scratch_floats(image_size in, image_size out) const { return detail::resample_scratch(in, out); }
};

}  // namespace pretext::augment
