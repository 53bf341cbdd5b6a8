// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../augmentation.hpp"
#include "../detail/decide.hpp"

namespace pretext::augment {

/// Covers a square around a random pixel, cut at the borders.
/// shapes  in and out (H, W, C), may be one image
/// units   side: fraction of the image's shorter side; fill a value in [0, 1]
/// laws    side = 0 is the identity; the covered box lies inside the image
/// errors  pretext[augment.203] side or fill outside [0, 1]
/// repeat  the box is equal on every machine
/// source  DeVries and Taylor 2017, arXiv:1708.04552 (16 of 32 pixels on CIFAR-10)
struct cutout {
  setting<float> side = default_value(0.5f);
  setting<float> fill = default_value(0.0f);

  struct record {
    box covered;
  };

  static constexpr std::string_view name = "cutout";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("side", self.side);
    visit("fill", self.fill);
  }

  constexpr void check() const {
    detail::check_value(side, 0.0f, 1.0f, name, "side");
    detail::check_value(fill, 0.0f, 1.0f, name, "fill");
  }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size in, image_size) const {
    rng::stream draws(key);
    const auto y = static_cast<index_t>(draws.below(static_cast<std::uint32_t>(in.height)));
    const auto x = static_cast<index_t>(draws.below(static_cast<std::uint32_t>(in.width)));
    const index_t shorter = in.height < in.width ? in.height : in.width;
    const index_t length = static_cast<index_t>(detail::round_q32(detail::to_q32(side.value()) * shorter));
    if (length == 0) return {};
    record drawn;
    cut(y, length, in.height, drawn.covered.top, drawn.covered.height);
    cut(x, length, in.width, drawn.covered.left, drawn.covered.width);
    return drawn;
  }

  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    convert(ctx, in, out);
    const box& hole = drawn.covered;
    ctx.for_each(hole.height, hole.width * out.channels,
                 [&](index_t y, index_t i) { out.data[((hole.top + y) * out.width + hole.left) * out.channels + i] = fill; });
  }

 private:
  PRETEXT_HOST_DEVICE static constexpr void cut(index_t middle, index_t length, index_t size, std::int32_t& first, std::int32_t& count) {
    const index_t low = middle - length / 2, high = low + length;
    const index_t from = low < 0 ? 0 : low, to = high > size ? size : high;
    first = static_cast<std::int32_t>(from);
    count = static_cast<std::int32_t>(to - from);
  }
};

}  // namespace pretext::augment
