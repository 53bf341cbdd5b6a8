// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include "pool_kernel.hpp"
#include "product_kernel.hpp"

/// A convolution as products of matrices that are never written down: element (pixel, tap) of the patches is looked up where it lies.
namespace pretext::backend::blocks {

/// A convolution's sizes in 32 bits.
struct conv_sizes {
  int in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, group_in, group_out;

  static conv_sizes of(const conv2d_geometry& g) {
    const auto n = [](index_t v) { return static_cast<int>(v); };
    return {n(g.in_h),     n(g.in_w),     n(g.in_c),     n(g.out_h), n(g.out_w), n(g.out_c),      n(g.kernel_h),
            n(g.kernel_w), n(g.stride_h), n(g.stride_w), n(g.pad_h), n(g.pad_w), n(g.group_in()), n(g.group_out())};
  }
};
/// A pixel that a patch begins at (or around which a gradient is gathered), and an element of a patch.
struct patch_pixel {
  index_t base;  // first element of the sample, and of the group in a pixel
  int y, x;
};
struct patch_tap {
  int u, v, channel;
};
PRETEXT_DEVICE patch_tap tap_of(index_t p, int kernel_w, int channels) {
  const auto n = static_cast<std::uint32_t>(p), c = static_cast<std::uint32_t>(channels), w = static_cast<std::uint32_t>(kernel_w);
  return {static_cast<int>(n / c / w), static_cast<int>(n / c % w), static_cast<int>(n % c)};
}

/// x(pixel of y, tap): the left operand forward; with lines and steps exchanged, that of the weight gradient.
template <class T, bool LinesAreTaps>
struct patches {
  const T* x;
  conv_sizes s;
  static constexpr bool along_steps = !LinesAreTaps;  // channels are neighbours
  using line_type = std::conditional_t<LinesAreTaps, patch_tap, patch_pixel>;
  using step_type = std::conditional_t<LinesAreTaps, patch_pixel, patch_tap>;

  PRETEXT_DEVICE line_type line(index_t group, index_t i) const {
    if constexpr (LinesAreTaps)
      return tap_of(i, s.kernel_w, s.group_in);
    else
      return pixel_at(group, i);
  }
  PRETEXT_DEVICE step_type step(index_t group, index_t i) const {
    if constexpr (LinesAreTaps)
      return pixel_at(group, i);
    else
      return tap_of(i, s.kernel_w, s.group_in);
  }
  PRETEXT_DEVICE T at(const patch_pixel& p, const patch_tap& k) const {
    const int y = p.y + k.u, c = p.x + k.v;
    if (y < 0 || y >= s.in_h || c < 0 || c >= s.in_w) return T(0);
    return x[p.base + static_cast<index_t>(y * s.in_w + c) * s.in_c + k.channel];
  }
  PRETEXT_DEVICE T at(const patch_tap& k, const patch_pixel& p) const { return at(p, k); }

 private:
  PRETEXT_DEVICE patch_pixel pixel_at(index_t group, index_t row) const {
    const pixel q = pixel_of(row, s.out_h, s.out_w);
    return {q.sample * s.in_h * s.in_w * s.in_c + group * s.group_in, q.i * s.stride_h - s.pad_h, q.j * s.stride_w - s.pad_w};
  }
};

/// dy(pixel of x, tap): the result whose window has the pixel at this tap, where there is one.
template <class T>
struct adjoint_patches {
  const T* dy;
  conv_sizes s;
  static constexpr bool along_steps = true;
  using line_type = patch_pixel;

  PRETEXT_DEVICE patch_pixel line(index_t group, index_t i) const {
    const pixel q = pixel_of(i, s.in_h, s.in_w);
    return {q.sample * s.out_h * s.out_w * s.out_c + group * s.group_out, q.i + s.pad_h, q.j + s.pad_w};
  }
  PRETEXT_DEVICE patch_tap step(index_t, index_t p) const { return tap_of(p, s.kernel_w, s.group_out); }
  PRETEXT_DEVICE T at(const patch_pixel& p, const patch_tap& k) const {
    const int y = p.y - k.u, x = p.x - k.v;
    if (y < 0 || x < 0 || y % s.stride_h != 0 || x % s.stride_w != 0) return T(0);
    const int i = y / s.stride_h, j = x / s.stride_w;
    if (i >= s.out_h || j >= s.out_w) return T(0);
    return dy[p.base + static_cast<index_t>(i * s.out_w + j) * s.out_c + k.channel];
  }
};

/// w(tap and result channel, input channel): the weights as the adjoint reads them.
template <class T>
struct adjoint_weights {
  const T* w;
  int group_in, group_out, taps;
  static constexpr bool along_steps = true;
  using line_type = index_t;

  PRETEXT_DEVICE index_t line(index_t group, index_t c) const { return (group * taps * group_in + c) * group_out; }
  PRETEXT_DEVICE index_t step(index_t, index_t p) const {
    const auto n = static_cast<std::uint32_t>(p), o = static_cast<std::uint32_t>(group_out);
    return static_cast<index_t>(n / o) * group_in * group_out + n % o;
  }
  PRETEXT_DEVICE T at(index_t l, index_t s) const { return w[l + s]; }
};

}  // namespace pretext::backend::blocks
