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

  constexpr record draw(rng::key key, image_size, image_size) const {
    rng::stream draws(key);
    record drawn;
    for (std::uint32_t last = 3; last > 0; --last) {  // Fisher and Yates
      const std::uint32_t other = draws.below(last + 1);
      const std::uint8_t kept = drawn.order[last];
      drawn.order[last] = drawn.order[other];
      drawn.order[other] = kept;
    }
    drawn.brightness = factor(draws, brightness);
    drawn.contrast = factor(draws, contrast);
    drawn.saturation = factor(draws, saturation);
    const detail::q32 most = detail::to_q32(hue.value());
    drawn.hue = detail::to_float(detail::uniform_q32(draws, -most, most));
    if (most == 0) drawn.hue = 0.0f;
    return drawn;
  }

  void apply(context&, const record& drawn, image_view<const float> in, image_view<float> out) const {
    int contrast_at = 4;
    for (int i = 0; i < 4; ++i)
      if (drawn.order[i] == change_contrast && drawn.contrast != 1.0f) contrast_at = i;
    detail::lane_sum grey;
    if (in.channels == 1) {
      change_grey(drawn, 0, contrast_at, 0.0f, in, out, &grey);
      if (contrast_at < 4) change_grey(drawn, contrast_at, 4, mean(grey, in), out, out, nullptr);
      return;
    }
    change_colours(drawn, 0, contrast_at, 0.0f, in, out, contrast_at < 4 ? &grey : nullptr);
    if (contrast_at < 4) change_colours(drawn, contrast_at, 4, mean(grey, in), out, out, nullptr);
  }

 private:
  /// Operations [from, to) on an image of colours; adds up the grey values they leave where `sum` is given.
  PRETEXT_APART static void change_colours(const record& drawn, int from, int to, float middle, image_view<const float> in,
                                           image_view<float> out, detail::lane_sum* sum) {
    detail::for_each_block(in, out, [&](detail::pixel_block& p) {
      change(drawn, from, to, middle, p);
      if (sum == nullptr) return;
      float values[detail::pixel_block::count];
      for (index_t i = 0; i < p.count; ++i) values[i] = detail::luma({p.r[i], p.g[i], p.b[i]});
      sum->add(values);
    });
  }

  static constexpr float factor(rng::stream& draws, float amount) {
    const detail::q32 most = detail::to_q32(amount);
    const detail::q32 low = most > detail::q32_one ? 0 : detail::q32_one - most;
    return detail::to_float(detail::uniform_q32(draws, low, detail::q32_one + most));
  }

  static float mean(detail::lane_sum& sum, image_view<const float> in) {
    return static_cast<float>(sum.total() / static_cast<double>(in.height * in.width));
  }

  /// Operations [from, to) of the drawn order on sixteen RGB pixels; those that change nothing are left out, as
  /// torchvision leaves out an amount of 0.
  static void change(const record& drawn, int from, int to, float middle, detail::pixel_block& p) {
    constexpr index_t count = detail::pixel_block::count;
    // copies: a compiler must assume that storing a float of the block changes a float of the record
    const float brighter = drawn.brightness, stronger = drawn.contrast, richer = drawn.saturation, sextants = 6.0f * drawn.hue;
    for (int at = from; at < to; ++at) {
      if (drawn.order[at] == change_brightness && brighter != 1.0f) {
        for (index_t i = 0; i < count; ++i) p.r[i] = detail::blend(p.r[i], 0.0f, brighter);
        for (index_t i = 0; i < count; ++i) p.g[i] = detail::blend(p.g[i], 0.0f, brighter);
        for (index_t i = 0; i < count; ++i) p.b[i] = detail::blend(p.b[i], 0.0f, brighter);
      } else if (drawn.order[at] == change_contrast && stronger != 1.0f) {
        for (index_t i = 0; i < count; ++i) p.r[i] = detail::blend(p.r[i], middle, stronger);
        for (index_t i = 0; i < count; ++i) p.g[i] = detail::blend(p.g[i], middle, stronger);
        for (index_t i = 0; i < count; ++i) p.b[i] = detail::blend(p.b[i], middle, stronger);
      } else if (drawn.order[at] == change_saturation && richer != 1.0f) {
        for (index_t i = 0; i < count; ++i) {
          const float grey = detail::luma({p.r[i], p.g[i], p.b[i]});
          p.r[i] = detail::blend(p.r[i], grey, richer);
          p.g[i] = detail::blend(p.g[i], grey, richer);
          p.b[i] = detail::blend(p.b[i], grey, richer);
        }
      } else if (drawn.order[at] == change_hue && sextants != 0.0f) {
        for (index_t i = 0; i < count; ++i) {
          const detail::rgb turned = detail::turn_hue({p.r[i], p.g[i], p.b[i]}, sextants);
          p.r[i] = turned.r;
          p.g[i] = turned.g;
          p.b[i] = turned.b;
        }
      }
    }
  }

  /// The same on one channel, where a pixel is its own grey value.
  static void change_grey(const record& drawn, int from, int to, float middle, image_view<const float> in, image_view<float> out,
                          detail::lane_sum* sum) {
    constexpr index_t count = detail::pixel_block::count;
    const index_t pixels = in.size();
    const float brighter = drawn.brightness, stronger = drawn.contrast;
    for (index_t start = 0; start < pixels; start += count) {
      const index_t used = pixels - start < count ? pixels - start : count;
      float v[count] = {};
      for (index_t i = 0; i < used; ++i) v[i] = in.data[start + i];
      for (int at = from; at < to; ++at) {
        if (drawn.order[at] == change_brightness && brighter != 1.0f)
          for (index_t i = 0; i < count; ++i) v[i] = detail::blend(v[i], 0.0f, brighter);
        if (drawn.order[at] == change_contrast && stronger != 1.0f)
          for (index_t i = 0; i < count; ++i) v[i] = detail::blend(v[i], middle, stronger);
      }
      if (sum) sum->add(v);
      for (index_t i = 0; i < used; ++i) out.data[start + i] = v[i];
    }
  }
};

}  // namespace pretext::augment
