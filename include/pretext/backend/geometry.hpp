// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../core/index.hpp"

namespace pretext {

/// Sizes of a two-dimensional convolution on (N, H, W, C) maps. Weights are [groups][kernel_h * kernel_w * in_c / groups]
/// [out_c / groups]: per group a row-major matrix whose rows run over (kernel row, kernel column, input channel).
struct conv2d_geometry {
  index_t in_h, in_w, in_c;
  index_t out_h, out_w, out_c;
  index_t kernel_h, kernel_w;
  index_t stride_h, stride_w;
  index_t pad_h, pad_w;
  index_t groups;

  constexpr index_t group_in() const { return in_c / groups; }
  constexpr index_t group_out() const { return out_c / groups; }
  constexpr index_t taps() const { return kernel_h * kernel_w; }
  /// Length of a patch of one group: the inner extent of the product.
  constexpr index_t patch() const { return taps() * group_in(); }
  constexpr index_t weights() const { return groups * patch() * group_out(); }
};

/// What the type of a layer says of its convolution. A back end with a kernel of its own for some of these compiles it for
/// them alone; `any` is decided when it runs.
enum class conv2d_kind {
  any,
  depthwise,       // one channel a group
  pointwise,       // 1x1, steps of one, no padding, one group
  three_by_three,  // steps of one, padding up to 2, one group, multiples of 16 channels, more than one row and column
  three_by_three_in_fours,  // the same where tiles of 4x4 are preferred, forward and back
  three_by_three_by_two,    // as three_by_three with steps of two
  window,          // none of these
  deep_window      // none of these, and more than four channels or groups
};

/// Whether tiles of 4x4 results cover a map of h x w well enough to be preferred to 2x2: of the four small ones in each, three
/// have to be needed. Of a map of one tile, kernels of many channels come from memory for too few tiles.
constexpr bool prefers_tiles_of_four(index_t h, index_t w) {
  const index_t small = ceil_div(h, 2) * ceil_div(w, 2), large = ceil_div(h, 4) * ceil_div(w, 4);
  return large >= 4 && small >= 3 * large;
}

/// A geometry with its kind.
template <conv2d_kind Kind>
struct conv2d_geometry_of : conv2d_geometry {
  static constexpr conv2d_kind kind = Kind;
};

/// Whether a convolution with a geometry of this type may be of a kind.
template <conv2d_kind Kind, class Geometry>
constexpr bool can_be() {
  if constexpr (requires { Geometry::kind; })
    return Geometry::kind == Kind || Geometry::kind == conv2d_kind::any;
  else
    return true;
}

/// Sizes of a pooling window on (N, H, W, C) maps; padding is outside every maximum and average.
struct pool2d_geometry {
  index_t in_h, in_w, channels;
  index_t out_h, out_w;
  index_t kernel_h, kernel_w;
  index_t stride_h, stride_w;
  index_t pad_h, pad_w;
};

/// Extent of the result of a window sliding with a stride over a padded extent.
constexpr index_t window_extent(index_t in, index_t kernel, index_t stride, index_t pad) {
  return in + 2 * pad < kernel ? 0 : (in + 2 * pad - kernel) / stride + 1;
}

}  // namespace pretext
