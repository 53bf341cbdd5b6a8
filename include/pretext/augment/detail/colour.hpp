// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>

#include "../../backend/simd/pixels.hpp"
#include "../../core/image.hpp"
#include "../../core/index.hpp"
#include "../augmentation.hpp"

/// Colours as vectors, a vector per channel.
namespace pretext::augment::detail {

template <class Arch>
struct colour_ops {
  using O = simd::vector_ops<float, Arch>;
  using P = simd::pixel_ops<Arch>;
  using V = simd::vec<float, Arch>;
  using rgb = simd::rgb_vectors<Arch>;

  /// ITU-R 601 weights as torchvision rounds them.
  static V luma(const rgb& p) { return O::fma(O::set(0.2989f), p.r, O::fma(O::set(0.587f), p.g, O::set(0.114f) * p.b)); }

  /// factor * a + rest, cut to [0, 1]
  static V blend(const V& a, const V& factor, const V& rest) {
    return O::min(O::max(O::fma(factor, a, rest), O::zero()), O::set(1.0f));
  }
  static rgb blend(const rgb& p, const V& factor, const V& rest) {
    return {blend(p.r, factor, rest), blend(p.g, factor, rest), blend(p.b, factor, rest)};
  }

  /// Turns the hue by `sextants` sixths of a circle, -3..3.
  /// From hue h in [0, 6) back to colours: v - chroma * clamp(f, 0, 1) with f = 2 - |h - 3|, |h - 2| - 1, |h - 4| - 1 for r, g, b:
  /// the six cases of the usual form without a branch, and saturation (chroma / v) is never divided by.
  static rgb turn_hue(const rgb& p, const V& sextants) {
    const V high = O::max(p.r, O::max(p.g, p.b)), low = O::min(p.r, O::min(p.g, p.b));
    const V chroma = high - low;
    const V inverse = O::set(1.0f) / (chroma + O::set(1e-20f));  // a grey pixel has plus = minus below, so 0 whatever this is
    const auto red = high == p.r, green = high == p.g;
    const V plus = O::select(red, p.g, O::select(green, p.b, p.r)), minus = O::select(red, p.b, O::select(green, p.r, p.g));
    const V start = O::select(red, O::zero(), O::select(green, O::set(2.0f), O::set(4.0f)));
    V hue = O::fma(plus - minus, inverse, start + sextants);  // -4..8; at the seam every f is out of (0, 1) on both sides
    hue = O::select(hue < O::zero(), hue + O::set(6.0f), hue);
    hue = O::select(hue < O::set(6.0f), hue, hue - O::set(6.0f));
    const auto component = [&](const V& f) { return O::min(O::max(O::fnma(chroma, f, high), low), high); };
    const V one = O::set(1.0f), two = O::set(2.0f);
    return {component(two - O::abs(hue - O::set(3.0f))), component(O::abs(hue - two) - one), component(O::abs(hue - O::set(4.0f)) - one)};
  }

  /// Calls change(colours) for all pixels of an RGB image, the last vectors filled up with black, and stores what it leaves.
  template <class Change>
  static void for_each(image_view<const float> in, image_view<float> out, const Change& change) {
    constexpr index_t block = 3 * O::width;
    const index_t count = in.size();
    for (index_t i = 0; i < count; i += block) {
      float rest[block];
      const bool whole = i + block <= count;
      const std::size_t left = whole ? 0 : static_cast<std::size_t>(count - i) * sizeof(float);
      const float* from = in.data + i;
      if (!whole) {
        std::memset(rest, 0, sizeof(rest));
        std::memcpy(rest, from, left);
        from = rest;
      }
      rgb p = P::load_rgb(from);
      change(p);
      P::store_rgb(whole ? out.data + i : rest, p);
      if (!whole) std::memcpy(out.data + i, rest, left);
    }
  }

  /// The same for a grey image: change(values).
  template <class Change>
  static void for_each_grey(image_view<const float> in, image_view<float> out, const Change& change) {
    const index_t count = in.size();
    for (index_t i = 0; i < count; i += O::width) {
      const index_t lanes = count - i < O::width ? count - i : O::width;
      V v = O::load_some(in.data + i, lanes);
      change(v);
      O::store_some(out.data + i, v, lanes);
    }
  }

  /// A sum in a fixed order: lanes, folded into a double every 256 additions.
  class sum {
   public:
    void add(const V& values) {
      lanes_ = lanes_ + values;
      if (++added_ == 256) fold();
    }
    double total() {
      fold();
      return total_;
    }

   private:
    void fold() {
      total_ += static_cast<double>(O::sum(lanes_));
      lanes_ = O::zero();
      added_ = 0;
    }

    V lanes_ = O::zero();
    int added_ = 0;
    double total_ = 0.0;
  };
};

/// The lines of colour_ops for one pixel: what the threads of a GPU run. Not one text: nvcc knows no function of both sides that
/// holds a vector.
struct pixel_ops {
  struct rgb {
    float r, g, b;
  };
  PRETEXT_HOST_DEVICE static float luma(const rgb& p) { return 0.2989f * p.r + (0.587f * p.g + 0.114f * p.b); }
  PRETEXT_HOST_DEVICE static float blend(float a, float factor, float rest) { return clamp_unit(factor * a + rest); }
  PRETEXT_HOST_DEVICE static rgb blend(const rgb& p, float factor, float rest) {
    return {blend(p.r, factor, rest), blend(p.g, factor, rest), blend(p.b, factor, rest)};
  }
  PRETEXT_HOST_DEVICE static rgb turn_hue(const rgb& p, float sextants) {
    const float high = larger(p.r, larger(p.g, p.b)), low = smaller(p.r, smaller(p.g, p.b)), chroma = high - low;
    const bool red = high == p.r, green = high == p.g;
    const float plus = red ? p.g : green ? p.b : p.r, minus = red ? p.b : green ? p.r : p.g, start = red ? 0.0f : green ? 2.0f : 4.0f;
    float hue = (plus - minus) * (1.0f / (chroma + 1e-20f)) + (start + sextants);
    hue = hue < 0.0f ? hue + 6.0f : hue;
    hue = hue < 6.0f ? hue : hue - 6.0f;
    const auto size = [](float x) { return x < 0.0f ? -x : x; };
    const auto component = [&](float f) { return smaller(larger(high - chroma * f, low), high); };
    return {component(2.0f - size(hue - 3.0f)), component(size(hue - 2.0f) - 1.0f), component(size(hue - 4.0f) - 1.0f)};
  }

 private:
  PRETEXT_HOST_DEVICE static float larger(float a, float b) { return a > b ? a : b; }
  PRETEXT_HOST_DEVICE static float smaller(float a, float b) { return a < b ? a : b; }
};

/// change(colours) of all pixels of an RGB image and what it returns: for ctx.for_each and ctx.sum.
template <class Change>
struct pixel_change {
  image_view<const float> in;
  image_view<float> out;
  Change change;
  PRETEXT_HOST_DEVICE auto operator()(index_t i) const {
    pixel_ops::rgb p{in.data[3 * i], in.data[3 * i + 1], in.data[3 * i + 2]};
    const auto said = change(p);
    out.data[3 * i] = p.r;
    out.data[3 * i + 1] = p.g;
    out.data[3 * i + 2] = p.b;
    return said;
  }
};
template <class Change>
pixel_change(image_view<const float>, image_view<float>, Change) -> pixel_change<Change>;

}  // namespace pretext::augment::detail
