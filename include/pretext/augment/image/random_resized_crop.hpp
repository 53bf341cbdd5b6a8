// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../augmentation.hpp"
#include "../detail/decide.hpp"
#include "../detail/resample.hpp"

namespace pretext::augment {

/// Cuts a box of random area and shape and resamples it to the size of the view.
///   area = U(scale) * H * W;  width / height = exp(U(log ratio));  ten tries, then the largest central box that fits
/// shapes  in (H, W, C) any size, bytes or floats; out any size
/// units   scale: fraction of the source's area; ratio: width over height
/// laws    scale and ratio fixed at 1 on a square image of the view's size give the image itself
/// errors  pretext[augment.202] scale or ratio not ordered or out of range
/// cost    detail::resample; memory one source row and the weights
/// repeat  the box is equal on every machine; pixels within 1e-6
/// source  torchvision.transforms.RandomResizedCrop with antialias=True (Szegedy et al. 2014, arXiv:1409.4842)
struct random_resized_crop {
  range scale = default_range(0.08f, 1.0f);
  range ratio = default_range(3.0f / 4.0f, 4.0f / 3.0f);

  struct record {
    box part;
  };

  static constexpr std::string_view name = "random_resized_crop";
  static constexpr bool changes_size = true;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("scale", self.scale);
    visit("ratio", self.ratio);
  }

  constexpr void check() const {
    detail::check_range(scale, 0.0f, 1.0f, name, "scale");
    detail::check_range(ratio, 1e-3f, 1e3f, name, "ratio");
  }

  /// Works on logarithms: log width = (log area + log ratio) / 2 needs no product, root or exponential of a draw
  /// before the final rounding, and never overflows.
  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size in, image_size) const {
    rng::stream draws(key);
    const detail::q32 scale_low = detail::to_q32(scale.low), scale_high = detail::to_q32(scale.high);
    const detail::q32 ratio_low = detail::to_q32(ratio.low), ratio_high = detail::to_q32(ratio.high);
    const detail::q32 log_area = detail::log2_q32(static_cast<std::uint64_t>(in.height * in.width), 0);
    const detail::q32 log_low = detail::log2_q32(static_cast<std::uint64_t>(ratio_low), 32);
    const detail::q32 log_high = detail::log2_q32(static_cast<std::uint64_t>(ratio_high), 32);
    for (int attempt = 0; attempt < 10; ++attempt) {
      const detail::q32 share = detail::uniform_q32(draws, scale_low, scale_high);
      const detail::q32 log_ratio = detail::uniform_q32(draws, log_low, log_high);
      if (share <= 0) continue;
      const detail::q32 log_part = log_area + detail::log2_q32(static_cast<std::uint64_t>(share), 32);
      const std::int64_t width = detail::exp2_rounded((log_part + log_ratio) / 2);
      const std::int64_t height = detail::exp2_rounded((log_part - log_ratio) / 2);
      if (width < 1 || width > in.width || height < 1 || height > in.height) continue;
      const std::uint32_t top = draws.below(static_cast<std::uint32_t>(in.height - height + 1));
      const std::uint32_t left = draws.below(static_cast<std::uint32_t>(in.width - width + 1));
      return {{static_cast<std::int32_t>(top), static_cast<std::int32_t>(left), static_cast<std::int32_t>(height),
               static_cast<std::int32_t>(width)}};
    }
    std::int64_t width = in.width, height = in.height;
    const std::int64_t wide = width << 32;  // sides are below 2^24
    if (wide < ratio_low * height)
      height = (wide + ratio_low / 2) / ratio_low;
    else if (wide > ratio_high * height)
      width = detail::round_q32(ratio_high * height);
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
