// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../augmentation.hpp"
#include "../detail/decide.hpp"
#include "../detail/warp.hpp"

namespace pretext::augment {

/// Turns, moves, scales and shears the image about its centre, bilinear.
///   angle U(-degrees, degrees) clockwise; move U(-translate, translate) of the side, rounded to pixels; scale U; shear U(-shear, shear)
/// shapes  in and out (H, W, C), may be one image
/// units   degrees and shear in degrees; translate in fractions of width and height; fill a value in [0, 1]
/// laws    degrees 0, translate 0, scale {1, 1}, shear 0 is the identity
/// errors  pretext[augment.202] scale; pretext[augment.203] the other settings out of range
/// cost    4 multiply-adds a value; memory one image when in place
/// repeat  the record is equal on every machine; pixels within 1e-6
/// source  torchvision.transforms.RandomAffine with bilinear interpolation
struct affine {
  setting<float> degrees = default_value(15.0f);
  setting<float> translate_x = default_value(0.1f);
  setting<float> translate_y = default_value(0.1f);
  range scale = default_range(0.9f, 1.1f);
  setting<float> shear_x = default_value(0.0f);
  setting<float> shear_y = default_value(0.0f);
  setting<float> fill = default_value(0.0f);

  struct record {
    float angle = 0.0f;
    std::int32_t move_x = 0;
    std::int32_t move_y = 0;
    float scale = 1.0f;
    float shear_x = 0.0f;
    float shear_y = 0.0f;
  };

  static constexpr std::string_view name = "affine";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("degrees", self.degrees);
    visit("translate_x", self.translate_x);
    visit("translate_y", self.translate_y);
    visit("scale", self.scale);
    visit("shear_x", self.shear_x);
    visit("shear_y", self.shear_y);
    visit("fill", self.fill);
  }

  constexpr void check() const {
    detail::check_value(degrees, 0.0f, 180.0f, name, "degrees");
    detail::check_value(translate_x, 0.0f, 1.0f, name, "translate_x");
    detail::check_value(translate_y, 0.0f, 1.0f, name, "translate_y");
    detail::check_range(scale, 1e-3f, 1e3f, name, "scale");
    detail::check_value(shear_x, 0.0f, 80.0f, name, "shear_x");
    detail::check_value(shear_y, 0.0f, 80.0f, name, "shear_y");
    detail::check_value(fill, 0.0f, 1.0f, name, "fill");
  }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size in, image_size) const {
    rng::stream draws(key);
    record drawn;
    drawn.angle = detail::to_float(around_zero(draws, detail::to_q32(degrees.value())));
    drawn.move_x = pixels(draws, translate_x, in.width);
    drawn.move_y = pixels(draws, translate_y, in.height);
    drawn.scale = detail::to_float(detail::uniform_q32(draws, detail::to_q32(scale.low), detail::to_q32(scale.high)));
    drawn.shear_x = detail::to_float(around_zero(draws, detail::to_q32(shear_x.value())));
    drawn.shear_y = detail::to_float(around_zero(draws, detail::to_q32(shear_y.value())));
    return drawn;
  }

  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    const bool still = drawn.angle == 0.0f && drawn.move_x == 0 && drawn.move_y == 0 && drawn.scale == 1.0f &&
                       drawn.shear_x == 0.0f && drawn.shear_y == 0.0f;
    if (still) return convert(ctx, in, out);
    Context local = ctx;
    const detail::linear_map& map = ctx.once([&] {
      return detail::inverse_affine(static_cast<double>(drawn.angle), drawn.move_x, drawn.move_y, static_cast<double>(drawn.scale),
                                    static_cast<double>(drawn.shear_x), static_cast<double>(drawn.shear_y));
    });
    detail::warp(local, map, apart_from(local, in, out), out, fill);
  }

  constexpr index_t scratch_floats(image_size in, image_size out) const { return in.size() > out.size() ? in.size() : out.size(); }

 private:
  PRETEXT_HOST_DEVICE static constexpr detail::q32 around_zero(rng::stream& draws, detail::q32 most) { return detail::uniform_q32(draws, -most, most); }

  PRETEXT_HOST_DEVICE static constexpr std::int32_t pixels(rng::stream& draws, float share, index_t side) {
    return static_cast<std::int32_t>(detail::round_q32(around_zero(draws, detail::to_q32(share) * side)));
  }
};

}  // namespace pretext::augment
