// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../augmentation.hpp"
#include "../detail/resample.hpp"

namespace pretext::augment {

/// The middle of the image, without resampling; black around an image smaller than the view.
/// shapes  in (H, W, C) any size, bytes or floats; out any size
/// laws    equal sizes give the image itself
/// source  torchvision.transforms.CenterCrop (halves round to even, as Python's round)
struct center_crop {
  struct record {
    box part;
  };

  static constexpr std::string_view name = "center_crop";
  static constexpr bool changes_size = true;

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key, image_size in, image_size out) const {
    return {{corner(in.height, out.height), corner(in.width, out.width), static_cast<std::int32_t>(out.height),
             static_cast<std::int32_t>(out.width)}};
  }

  template <class In>
  void apply(context&, const record& drawn, image_view<const In> in, image_view<float> out,
             bool mirrored = false) const {
    detail::copy_box<In>(in, drawn.part.top, drawn.part.left, out, 0.0f, mirrored);
  }
  /// The same pixel by pixel, by many threads.
  PRETEXT_EITHER_SIDE template <class Context, class In>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const In> in, image_view<float> out, bool mirrored = false) const {
    detail::copy_box_by<In>(ctx, in, drawn.part.top, drawn.part.left, out, 0.0f, mirrored);
  }

 private:
  PRETEXT_HOST_DEVICE static constexpr std::int32_t corner(index_t in, index_t out) {
    if (out > in) return static_cast<std::int32_t>(-((out - in) / 2));
    const index_t half = (in - out) / 2;
    return static_cast<std::int32_t>((in - out) % 2 == 1 && half % 2 == 1 ? half + 1 : half);
  }
};

}  // namespace pretext::augment
