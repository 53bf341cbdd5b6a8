// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../augmentation.hpp"
#include "../detail/decide.hpp"
#include "../detail/warp.hpp"

namespace pretext::augment {

/// Turns the image about its centre by an angle drawn from [-degrees, degrees), counter-clockwise, bilinear.
/// shapes  in and out (H, W, C), may be one image
/// units   degrees 0 to 180; fill a value in [0, 1]
/// laws    degrees = 0 is the identity
/// errors  pretext[augment.203] degrees or fill out of range
/// cost    4 multiply-adds a value; memory one image when in place
/// repeat  the angle is equal on every machine; pixels within 1e-6
/// source  torchvision.transforms.RandomRotation with bilinear interpolation
struct rotation {
  setting<float> degrees = default_value(15.0f);
  setting<float> fill = default_value(0.0f);

  struct record {
    float angle = 0.0f;
  };

  static constexpr std::string_view name = "rotation";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("degrees", self.degrees);
    visit("fill", self.fill);
  }

  constexpr void check() const {
    detail::check_value(degrees, 0.0f, 180.0f, name, "degrees");
    detail::check_value(fill, 0.0f, 1.0f, name, "fill");
  }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size, image_size) const {
    rng::stream draws(key);
    const detail::q32 most = detail::to_q32(degrees.value());
    return {detail::to_float(detail::uniform_q32(draws, -most, most))};
  }

  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (drawn.angle == 0.0f) return convert(ctx, in, out);
    Context local = ctx;
    const double angle = static_cast<double>(drawn.angle);  // torchvision's affine turns clockwise, its rotation does not
    const detail::linear_map& map = ctx.once([=] { return detail::inverse_affine(-angle, 0.0, 0.0, 1.0, 0.0, 0.0); });
    detail::warp(local, map, apart_from(local, in, out), out, fill);
  }

  constexpr index_t scratch_floats(image_size in, image_size out) const { return in.size() > out.size() ? in.size() : out.size(); }
};

}  // namespace pretext::augment
