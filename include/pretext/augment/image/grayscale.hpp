// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../augmentation.hpp"
#include "../detail/colour.hpp"

namespace pretext::augment {

/// All channels become the grey value 0.2989 r + 0.587 g + 0.114 b, with probability p. One channel stays as it is.
/// shapes  in and out (H, W, C), may be one image
/// laws    grey of grey is grey (within 1e-4: the weights sum to 0.9999)
/// errors  pretext[augment.201] p outside [0, 1]
/// source  torchvision.transforms.RandomGrayscale; p = 0.2 as in SimCLR (arXiv:2002.05709)
struct grayscale {
  setting<float> p = default_value(0.2f);

  struct record {
    bool grey = false;
  };

  static constexpr std::string_view name = "grayscale";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("p", self.p);
  }

  constexpr void check() const { detail::check_probability(p, name); }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size, image_size) const { return {rng::stream(key).accept(p.value())}; }

  void apply(context&, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.grey || in.channels == 1) return convert(in, out);
    using colour = detail::colour_ops<simd::native_arch>;
    colour::for_each(in, out, [](colour::rgb& pixel) { pixel.r = pixel.g = pixel.b = colour::luma(pixel); });
  }
  /// The same pixel by pixel, by many threads.
  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (!drawn.grey || in.channels == 1) return convert(ctx, in, out);
    using colour = detail::pixel_ops;
    ctx.for_each(in.height * in.width, detail::pixel_change{in, out, [](colour::rgb& pixel) { return pixel.r = pixel.g = pixel.b = colour::luma(pixel); }});
  }
};

}  // namespace pretext::augment
