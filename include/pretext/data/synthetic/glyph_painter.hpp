// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../../core/rng.hpp"
#include "fixed_point.hpp"
#include "glyph_shapes.hpp"
#include "stroke_raster.hpp"

namespace pretext::data::synthetic {

/// Draws picture number i of the endless row of glyph pictures: one shape of ten, hand-drawn looking, under random
/// pose, pen, colours and light, over loose strokes and noise. A pure function of (seed, i, size, channels).
/// threads one painter each
class glyph_painter {
 public:
  glyph_painter(std::uint64_t seed, int size, int channels)
      : seed_(seed), size_(size), channels_(channels), strokes_(size), rgb_(static_cast<std::size_t>(size * size * 3)) {}

  /// Every ten pictures in a row hold each class once, in an order of their own.
  static int label(std::uint64_t seed, std::uint64_t i) {
    rng::stream draw(rng::key{.seed = seed, .sample = i / glyph_classes}.with_purpose(rng::purpose::synthetic, 1));
    std::array<std::uint8_t, glyph_classes> order{};
    for (std::uint32_t k = 0; k < glyph_classes; ++k) {
      const std::uint32_t j = draw.below(k + 1);
      order[k] = order[j];
      order[j] = static_cast<std::uint8_t>(k);
    }
    return order[i % glyph_classes];
  }

  /// Writes size * size * channels bytes, channels interleaved.
  void draw(std::uint64_t i, std::uint8_t* out) {
    rng::stream draw(rng::key{.seed = seed_, .sample = i}.with_purpose(rng::purpose::synthetic));
    const light l = choose_light(draw);
    paint_ground(l, draw);
    clutter(l, draw);
    glyph(label(seed_, i), l, draw);
    finish(i, draw, out);
  }

 private:
  using colour = std::array<std::int32_t, 3>;
  struct light {
    std::int32_t ground_level, ink_level;
    colour ground, ink;
  };

  static std::int32_t between(rng::stream& draw, std::int32_t low, std::int32_t high) {
    return low + static_cast<std::int32_t>(draw.below(static_cast<std::uint32_t>(high - low + 1)));
  }
  /// A colour of the given brightness (0.299 R + 0.587 G + 0.114 B), so that a grey picture has the same contrast.
  static colour tinted(rng::stream& draw, std::int32_t level, std::int32_t strength) {
    const std::int32_t r = between(draw, -strength, strength), b = between(draw, -strength, strength);
    return {clamp_to(level + r, 0, 255), clamp_to(level - (r * 299 + b * 114) / 587, 0, 255), clamp_to(level + b, 0, 255)};
  }

  light choose_light(rng::stream& draw) const {
    light l{};
    l.ground_level = between(draw, 40, 215);
    const std::int32_t contrast = between(draw, 60, 150);
    // Ink is more often brighter than the ground than darker: this is the little that raw pixels tell.
    bool brighter = draw.below(100) < 80;
    if (brighter && l.ground_level + contrast > 250) brighter = false;
    if (!brighter && l.ground_level - contrast < 5) brighter = true;
    l.ink_level = clamp_to(l.ground_level + (brighter ? contrast : -contrast), 0, 255);
    l.ground = tinted(draw, l.ground_level, 45);
    l.ink = tinted(draw, l.ink_level, 45);
    return l;
  }

  /// The ground: its colour plus a brightness ramp in a random direction.
  void paint_ground(const light& l, rng::stream& draw) {
    const std::int32_t turn = between(draw, 0, 65535), strength = between(draw, 0, 45);
    // Q14 levels a pixel: `strength` from the middle to an edge.
    const std::int32_t gx = cos_q14(turn) * strength * 2 / size_, gy = sin_q14(turn) * strength * 2 / size_;
    for (std::int32_t y = 0; y < size_; ++y)
      for (std::int32_t x = 0; x < size_; ++x) {
        const std::int32_t ramp = ((2 * x + 1 - size_) * gx + (2 * y + 1 - size_) * gy) >> 15;
        std::int16_t* p = pixel(x, y);
        for (std::size_t c = 0; c < 3; ++c) p[c] = static_cast<std::int16_t>(l.ground[c] + ramp);
      }
  }

  /// Loose strokes of any colour between ground and ink, below the glyph.
  void clutter(const light& l, rng::stream& draw) {
    const std::int32_t strokes = between(draw, 1, 3), extent = size_ * stroke_raster::unit;
    for (std::int32_t k = 0; k < strokes; ++k) {
      const fine_point a{between(draw, 0, extent), between(draw, 0, extent)};
      const std::int32_t turn = between(draw, 0, 65535), length = extent * between(draw, 10, 30) / 100;
      const fine_point b{a.x + ((cos_q14(turn) * length) >> 14), a.y + ((sin_q14(turn) * length) >> 14)};
      const std::int32_t half_width = pen(draw, 15, 40);
      const std::int32_t mix = between(draw, 30, 80);
      const std::int32_t level = l.ground_level + (l.ink_level - l.ground_level) * mix / 100;
      const colour ink = tinted(draw, level, 45);
      strokes_.clear();
      strokes_.line(a, b, half_width + stroke_raster::unit);
      blend(ink, half_width);
    }
  }

  void glyph(int label, const light& l, rng::stream& draw) {
    const std::int32_t extent = size_ * stroke_raster::unit;
    const std::int32_t turn = between(draw, -4551, 4551);  // 25 degrees
    const std::int32_t c = cos_q14(turn), s = sin_q14(turn);
    const std::int32_t scale = extent * between(draw, 26, 40) / 100;
    const std::int32_t sx = scale * between(draw, 82, 118) / 100, sy = scale * between(draw, 82, 118) / 100;
    const std::int32_t shear = between(draw, -20, 20);
    const bool mirrored = draw.below(2) == 1;
    const std::int32_t room = extent * 9 / 100;
    const fine_point middle{extent / 2 + between(draw, -room, room), extent / 2 + between(draw, -room, room)};
    const std::int32_t half_width = pen(draw, 28, 58);

    strokes_.clear();
    const auto shape = glyph_shape(label);
    fine_point before{};
    for (const glyph_point& g : shape) {
      const std::int32_t wobble_x = between(draw, -5, 5), wobble_y = between(draw, -5, 5);
      const std::int32_t gx = (mirrored ? -g.x : g.x) + wobble_x, gy = g.y + wobble_y;
      const std::int32_t x = (gx + gy * shear / 100) * sx / 100, y = gy * sy / 100;
      const fine_point here{middle.x + ((x * c - y * s) >> 14), middle.y + ((x * s + y * c) >> 14)};
      if (g.pen) strokes_.line(before, here, half_width + stroke_raster::unit);
      before = here;
    }
    blend(l.ink, half_width);
  }

  /// Half a pen's width in 1/64 pixel, given in thousandths of the picture; at least half a pixel.
  std::int32_t pen(rng::stream& draw, std::int32_t low, std::int32_t high) const {
    const std::int32_t w = size_ * stroke_raster::unit * between(draw, low, high) / 1000;
    return w < stroke_raster::unit / 2 ? stroke_raster::unit / 2 : w;
  }

  void blend(const colour& ink, std::int32_t half_width) {
    const stroke_raster::cover cover(half_width);
    for (int y = strokes_.low_y(); y < strokes_.high_y(); ++y) {
      const std::int32_t* d = strokes_.row(y);
      for (int x = strokes_.low_x(); x < strokes_.high_x(); ++x) {
        const std::int32_t a = cover(d[x]);
        if (a == 0) continue;
        std::int16_t* p = pixel(x, y);
        for (std::size_t c = 0; c < 3; ++c) p[c] = static_cast<std::int16_t>(p[c] + (((ink[c] - p[c]) * a) >> 8));
      }
    }
  }

  /// Grain, then bytes.
  void finish(std::uint64_t i, rng::stream& draw, std::uint8_t* out) const {
    const std::int32_t grain = between(draw, 6, 26);
    const rng::key key = rng::key{.seed = seed_, .sample = i}.with_purpose(rng::purpose::synthetic, 2);
    const std::size_t values = static_cast<std::size_t>(size_ * size_ * channels_);
    for (std::size_t at = 0; at < values; at += 16) {
      const rng::counter_type block = key.block(static_cast<std::uint32_t>(at / 16));
      for (std::size_t k = 0; k < 16 && at + k < values; ++k) {
        const auto byte = static_cast<std::int32_t>((block[k / 4] >> (8 * (k % 4))) & 0xFF);
        out[at + k] = static_cast<std::uint8_t>(clamp_to(value(at + k) + (((byte - 128) * grain) >> 7), 0, 255));
      }
    }
  }
  std::int32_t value(std::size_t at) const {
    if (channels_ == 3) return rgb_[at];
    const std::int16_t* p = rgb_.data() + 3 * at;
    return (p[0] * 299 + p[1] * 587 + p[2] * 114) / 1000;
  }

  std::int16_t* pixel(std::int32_t x, std::int32_t y) { return rgb_.data() + static_cast<std::size_t>((y * size_ + x) * 3); }

  std::uint64_t seed_;
  std::int32_t size_, channels_;
  stroke_raster strokes_;
  std::vector<std::int16_t> rgb_;
};

}  // namespace pretext::data::synthetic
