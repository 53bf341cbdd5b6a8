// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../augmentation.hpp"
#include "../detail/colour.hpp"
#include "../detail/decide.hpp"

namespace pretext::augment {

/// Changes brightness, contrast, saturation and hue by random amounts in random order.
///   brightness clamp(f v); contrast clamp(f v + (1 - f) mean grey); saturation clamp(f v + (1 - f) grey); hue + f turns
///   f = U(max(0, 1 - amount), 1 + amount), and U(-hue, hue)
/// shapes  in and out (H, W, C) in [0, 1], may be one image; with one channel saturation and hue do nothing
/// laws    all amounts 0 is the identity; results lie in [0, 1]
/// errors  pretext[augment.203] an amount below 0 or above 100, hue above 0.5
/// cost    two passes over the image where contrast takes part, one otherwise
/// repeat  factors and order are equal on every machine; pixels within 1e-6
/// source  torchvision.transforms.ColorJitter; the defaults are those of MoCo v2 (arXiv:2003.04297)
struct color_jitter {
  setting<float> brightness = default_value(0.4f);
  setting<float> contrast = default_value(0.4f);
  setting<float> saturation = default_value(0.4f);
  setting<float> hue = default_value(0.1f);

  enum operation : std::uint8_t { change_brightness, change_contrast, change_saturation, change_hue };

  struct record {
    float brightness = 1.0f;
    float contrast = 1.0f;
    float saturation = 1.0f;
    float hue = 0.0f;                        // in turns
    std::uint8_t order[4] = {0, 1, 2, 3};  // operations, first to last
  };

  static constexpr std::string_view name = "color_jitter";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("brightness", self.brightness);
    visit("contrast", self.contrast);
    visit("saturation", self.saturation);
    visit("hue", self.hue);
  }

  constexpr void check() const {
    detail::check_value(brightness, 0.0f, 100.0f, name, "brightness");
    detail::check_value(contrast, 0.0f, 100.0f, name, "contrast");
    detail::check_value(saturation, 0.0f, 100.0f, name, "saturation");
    detail::check_value(hue, 0.0f, 0.5f, name, "hue");
  }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size, image_size) const {
    rng::stream draws(key);
    record drawn;
    std::uint32_t order = 0x03020100u;               // a byte an operation: registers have no index
    for (std::uint32_t last = 3; last > 0; --last) {  // Fisher and Yates
      const std::uint32_t other = draws.below(last + 1);
      const std::uint32_t difference = ((order >> 8 * last) ^ (order >> 8 * other)) & 0xFFu;
      order ^= (difference << 8 * last) | (difference << 8 * other);
    }
    PRETEXT_UNROLL
    for (int i = 0; i < 4; ++i) drawn.order[i] = static_cast<std::uint8_t>(order >> 8 * i);
    drawn.brightness = factor(draws, brightness);
    drawn.contrast = factor(draws, contrast);
    drawn.saturation = factor(draws, saturation);
    const detail::q32 most = detail::to_q32(hue.value());
    drawn.hue = detail::to_float(detail::uniform_q32(draws, -most, most));
    if (most == 0) drawn.hue = 0.0f;
    return drawn;
  }

  void apply(context&, const record& drawn, image_view<const float> in, image_view<float> out) const {
    const int contrast_at = place_of_contrast(drawn);
    typename colour::sum grey;
    if (in.channels == 1) {
      colour::for_each_grey(in, out, [&, d = drawn](colour::V& v) {
        change_grey(d, 0, contrast_at, colour::O::zero(), v);
        grey.add(v);
      });
      if (contrast_at == 4) return;
      const auto middle = mean(grey, in);
      colour::for_each_grey(out, out, [&, d = drawn](colour::V& v) { change_grey(d, contrast_at, 4, middle, v); });
      return;
    }
    colour::for_each(in, out, [&, d = drawn](colour::rgb& p) {
      change(d, 0, contrast_at, colour::O::zero(), p);
      if (contrast_at < 4) grey.add(colour::luma(p));
    });
    if (contrast_at == 4) return;
    const auto middle = mean(grey, in);
    colour::for_each(out, out, [&, d = drawn](colour::rgb& p) { change(d, contrast_at, 4, middle, p); });
  }
  /// The same pixel by pixel, by many threads.
  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    const int contrast_at = place_of_contrast(drawn);
    const index_t count = in.height * in.width;
    const auto grey_part = [&](int from, int to, float middle, image_view<const float> source) {
      return [&drawn, from, to, middle, source, out](index_t i) {
        float v = source.data[i];
        change_grey(drawn, from, to, middle, v);
        return out.data[i] = v;
      };
    };
    const auto part = [&](int from, int to, float middle, image_view<const float> source) {
      return detail::pixel_change{source, out, [&drawn, from, to, middle](pixel::rgb& p) {
                                    change(drawn, from, to, middle, p);
                                    return pixel::luma(p);
                                  }};
    };
    const auto both = [&](const auto& some) {
      const auto first = some(0, contrast_at, 0.0f, in);
      if (contrast_at == 4) return ctx.for_each(count, first);
      const float middle = static_cast<float>(ctx.sum(count, first) / static_cast<double>(count));
      ctx.for_each(count, some(contrast_at, 4, middle, image_view<const float>(out)));
    };
    if (in.channels == 1)
      both(grey_part);
    else
      both(part);
  }

 private:
  PRETEXT_HOST_DEVICE static constexpr float factor(rng::stream& draws, float amount) {
    const detail::q32 most = detail::to_q32(amount);
    const detail::q32 low = most > detail::q32_one ? 0 : detail::q32_one - most;
    return detail::to_float(detail::uniform_q32(draws, low, detail::q32_one + most));
  }

  PRETEXT_HOST_DEVICE static constexpr int place_of_contrast(const record& drawn) {
    int place = 4;
    for (int i = 0; i < 4; ++i)
      if (drawn.order[i] == change_contrast && drawn.contrast != 1.0f) place = i;
    return place;
  }

  using colour = detail::colour_ops<simd::native_arch>;
  using pixel = detail::pixel_ops;

  static colour::V mean(colour::sum& grey, image_view<const float> in) {
    return colour::O::set(static_cast<float>(grey.total() / static_cast<double>(in.height * in.width)));
  }

  /// Operations [from, to) of the drawn order; those that change nothing are left out, as torchvision leaves out an
  /// amount of 0.
  static void change(const record& drawn, int from, int to, const colour::V& middle, colour::rgb& colours) {
    using O = colour::O;
    // Copied by channel: compilers copy a struct in pieces that a vector load then waits for.
    colour::rgb p{colours.r, colours.g, colours.b};
    for (int at = from; at < to; ++at) {
      const std::uint8_t which = drawn.order[at];
      if (which == change_brightness) {
        if (drawn.brightness != 1.0f) p = colour::blend(p, O::set(drawn.brightness), O::zero());
      } else if (which == change_contrast) {
        if (drawn.contrast != 1.0f) p = colour::blend(p, O::set(drawn.contrast), O::set(1.0f - drawn.contrast) * middle);
      } else if (which == change_saturation) {
        if (drawn.saturation != 1.0f) p = colour::blend(p, O::set(drawn.saturation), O::set(1.0f - drawn.saturation) * colour::luma(p));
      } else if (drawn.hue != 0.0f) {
        p = colour::turn_hue(p, O::set(6.0f * drawn.hue));
      }
    }
    colours.r = p.r;
    colours.g = p.g;
    colours.b = p.b;
  }
  PRETEXT_HOST_DEVICE static void change(const record& drawn, int from, int to, float middle, pixel::rgb& p) {
    for (int at = from; at < to; ++at) {
      const std::uint8_t which = drawn.order[at];
      if (which == change_brightness) {
        if (drawn.brightness != 1.0f) p = pixel::blend(p, drawn.brightness, 0.0f);
      } else if (which == change_contrast) {
        if (drawn.contrast != 1.0f) p = pixel::blend(p, drawn.contrast, (1.0f - drawn.contrast) * middle);
      } else if (which == change_saturation) {
        if (drawn.saturation != 1.0f) p = pixel::blend(p, drawn.saturation, (1.0f - drawn.saturation) * pixel::luma(p));
      } else if (drawn.hue != 0.0f) {
        p = pixel::turn_hue(p, 6.0f * drawn.hue);
      }
    }
  }

  /// The same on one channel, where a pixel is its own grey value.
  static void change_grey(const record& drawn, int from, int to, const colour::V& middle, colour::V& v) {
    using O = colour::O;
    for (int at = from; at < to; ++at) {
      if (drawn.order[at] == change_brightness && drawn.brightness != 1.0f)
        v = colour::blend(v, O::set(drawn.brightness), O::zero());
      if (drawn.order[at] == change_contrast && drawn.contrast != 1.0f)
        v = colour::blend(v, O::set(drawn.contrast), O::set(1.0f - drawn.contrast) * middle);
    }
  }
  PRETEXT_HOST_DEVICE static void change_grey(const record& drawn, int from, int to, float middle, float& v) {
    for (int at = from; at < to; ++at) {
      if (drawn.order[at] == change_brightness && drawn.brightness != 1.0f) v = pixel::blend(v, drawn.brightness, 0.0f);
      if (drawn.order[at] == change_contrast && drawn.contrast != 1.0f) v = pixel::blend(v, drawn.contrast, (1.0f - drawn.contrast) * middle);
    }
  }
};

}  // namespace pretext::augment
