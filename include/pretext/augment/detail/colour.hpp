// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "../../config.hpp"
#include "../../core/image.hpp"
#include "../../core/index.hpp"

/// Colours of one pixel, and blocks of pixels laid out so that a compiler vectorises over them.
namespace pretext::augment::detail {

struct rgb {
  float r, g, b;
};

/// ITU-R 601 weights as torchvision rounds them.
PRETEXT_HOST_DEVICE constexpr float luma(rgb p) { return 0.2989f * p.r + 0.587f * p.g + 0.114f * p.b; }

/// factor * a + (1 - factor) * b, cut to [0, 1]
PRETEXT_HOST_DEVICE constexpr float blend(float a, float b, float factor) {
  const float v = factor * a + (1.0f - factor) * b;
  const float above = v < 0.0f ? 0.0f : v;
  return above > 1.0f ? 1.0f : above;
}

/// Turns the hue by `sextants` sixths of a circle, -3..3.
/// The way back from HSV is f(n) = v - chroma * clamp(min(k, 4 - k), 0, 1), k = (n + h) mod 6, n = 5, 3, 1 for r, g, b:
/// the six cases of the usual form without a branch, and saturation (chroma / v) is never divided by.
PRETEXT_HOST_DEVICE constexpr rgb turn_hue(rgb p, float sextants) {
  const float high_rg = p.r > p.g ? p.r : p.g, low_rg = p.r < p.g ? p.r : p.g;
  const float high = high_rg > p.b ? high_rg : p.b, low = low_rg < p.b ? low_rg : p.b;
  const float chroma = high - low;
  const float inverse = 1.0f / (chroma + 1e-20f);  // a grey pixel has plus = minus below, so 0 whatever this is
  // Only values are selected, never sums: a sum on one side of a branch keeps a compiler from vectorising.
  const bool red = high == p.r, green = high == p.g;
  const float not_red_plus = green ? p.b : p.r, not_red_minus = green ? p.r : p.g, not_red_start = green ? 2.0f : 4.0f;
  const float plus = red ? p.g : not_red_plus, minus = red ? p.b : not_red_minus, start = red ? 0.0f : not_red_start;
  const float hue = start + (plus - minus) * inverse + sextants;  // -4..8
  const auto component = [&](float n) {
    // mod 6 by truncation; a rounding across the seam is harmless, since f is v on both sides of it
    const float ahead = hue + n + 6.0f;  // 3..19
    const float k = ahead - 6.0f * static_cast<float>(static_cast<int>(ahead * (1.0f / 6.0f)));
    const float falling = 4.0f - k;
    const float value = high - chroma * (k < falling ? k : falling);
    const float above = value < low ? low : value;  // the clamp of the formula, moved outside its products
    return above > high ? high : above;
  };
  return {component(5.0f), component(3.0f), component(1.0f)};
}

/// Sixteen pixels, one array per channel.
struct pixel_block {
  static constexpr index_t count = 16;
  float r[count], g[count], b[count];

  void load(const float* in) {
    for (index_t i = 0; i < count; ++i) {
      r[i] = in[3 * i];
      g[i] = in[3 * i + 1];
      b[i] = in[3 * i + 2];
    }
  }
  void store(float* out) const {
    for (index_t i = 0; i < count; ++i) {
      out[3 * i] = r[i];
      out[3 * i + 1] = g[i];
      out[3 * i + 2] = b[i];
    }
  }
};

/// Calls change(block) for all pixels of an RGB image, the last block filled up with black, and stores what it leaves.
template <class Change>
inline void for_each_block(image_view<const float> in, image_view<float> out, const Change& change) {
  const index_t pixels = in.height * in.width;
  pixel_block block;
  float rest[3 * pixel_block::count] = {};
  for (index_t i = 0; i < pixels; i += pixel_block::count) {
    const float* from = in.data + 3 * i;
    float* to = out.data + 3 * i;
    // The last block goes through `rest` instead of through a second copy of all this.
    const index_t left = pixels - i < pixel_block::count ? 3 * (pixels - i) : 0;
    if (left > 0) {
      for (index_t k = 0; k < left; ++k) rest[k] = from[k];
      from = to = rest;
    }
    block.load(from);
    change(block);
    block.store(to);
    for (index_t k = 0; k < left; ++k) out.data[3 * i + k] = rest[k];
  }
}

/// A sum in a fixed order: sixteen lanes, folded into a double every 256 additions.
class lane_sum {
 public:
  void add(const float* values) {
    for (index_t i = 0; i < pixel_block::count; ++i) lanes_[i] += values[i];
    if (++added_ == 256) fold();
  }
  double total() {
    fold();
    return total_;
  }

 private:
  void fold() {
    for (index_t i = 0; i < pixel_block::count; ++i) {
      total_ += static_cast<double>(lanes_[i]);
      lanes_[i] = 0.0f;
    }
    added_ = 0;
  }

  float lanes_[pixel_block::count] = {};
  int added_ = 0;
  double total_ = 0.0;
};

}  // namespace pretext::augment::detail
