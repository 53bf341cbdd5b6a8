// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include "../augmentation.hpp"

/// Sampling an image along a linear map of coordinates.
namespace pretext::augment::detail {

/// From output to source, both measured from the image's centre: x' = xx x + xy y + x0, y' = yx x + yy y + y0.
struct linear_map {
  double xx = 1.0, xy = 0.0, x0 = 0.0;
  double yx = 0.0, yy = 1.0, y0 = 0.0;
};

struct direction {
  double sine, cosine;
};
PRETEXT_HOST_DEVICE inline direction direction_of(double degrees) {
#if defined(__CUDA_ARCH__)  // of half turns: for radians a GPU keeps a table at hand, in case they are many
  return {sinpi(degrees / 180.0), cospi(degrees / 180.0)};
#else
  constexpr double radian = 3.14159265358979323846 / 180.0;
  return {std::sin(degrees * radian), std::cos(degrees * radian)};
#endif
}

/// The inverse of: shear, turn by `degrees`, scale, then move by (move_x, move_y) pixels.
/// source  torchvision.transforms.functional._get_inverse_affine_matrix
PRETEXT_HOST_DEVICE inline linear_map inverse_affine(double degrees, double move_x, double move_y, double scale, double shear_x, double shear_y) {
  const direction turn = direction_of(degrees), sheared = direction_of(degrees - shear_y), x = direction_of(shear_x), y = direction_of(shear_y);
  const double tangent = x.sine / x.cosine;
  const double a = sheared.cosine / y.cosine;
  const double b = -sheared.cosine * tangent / y.cosine - turn.sine;
  const double c = sheared.sine / y.cosine;
  const double d = -sheared.sine * tangent / y.cosine + turn.cosine;
  linear_map m{d / scale, -b / scale, 0.0, -c / scale, a / scale, 0.0};
  m.x0 = -m.xx * move_x - m.xy * move_y;
  m.y0 = -m.yx * move_x - m.yy * move_y;
  return m;
}

/// Bilinear values of `in` along the map; outside is `fill`.
/// At the border v * w + (1 - w) * fill with w the weight that fell inside, v already missing the rest: the border is
/// darker than interpolation alone would make it, and is what torchvision does (transforms/_functional_tensor.py,
/// _apply_grid_transform).
/// shapes  in and out (H, W, C), not one image
PRETEXT_EITHER_SIDE template <class Context>
PRETEXT_HOST_DEVICE void warp(Context& ctx, const linear_map& m, image_view<const float> in, image_view<float> out, float fill) {
  const double centre_x = 0.5 * static_cast<double>(in.width - 1), centre_y = 0.5 * static_cast<double>(in.height - 1);
  ctx.for_each(out.height, out.width, [&](index_t y, index_t x) {
    const double from_x = static_cast<double>(x) - centre_x, from_y = static_cast<double>(y) - centre_y;
    const double at_x = m.xx * from_x + m.xy * from_y + m.x0 + centre_x;
    const double at_y = m.yx * from_x + m.yy * from_y + m.y0 + centre_y;
    float* target = &out(y, x, 0);
    const bool inside = at_x > -1.0 && at_x < static_cast<double>(in.width) && at_y > -1.0 && at_y < static_cast<double>(in.height);
    if (!inside) {
      for (index_t c = 0; c < in.channels; ++c) target[c] = fill;
      return;
    }
    const double floor_x = std::floor(at_x), floor_y = std::floor(at_y);
    const auto left = static_cast<index_t>(floor_x), top = static_cast<index_t>(floor_y);
    const float right_share = static_cast<float>(at_x - floor_x), bottom_share = static_cast<float>(at_y - floor_y);
    float weights[4] = {(1.0f - right_share) * (1.0f - bottom_share), right_share * (1.0f - bottom_share),
                        (1.0f - right_share) * bottom_share, right_share * bottom_share};
    const float* corners[4];
    float weight = 0.0f;
    PRETEXT_UNROLL
    for (int k = 0; k < 4; ++k) {
      const index_t cy = top + k / 2, cx = left + k % 2;
      const bool exists = cy >= 0 && cy < in.height && cx >= 0 && cx < in.width;
      if (!exists) weights[k] = 0.0f;
      corners[k] = exists ? &in(cy, cx, 0) : in.data;
      weight += weights[k];
    }
    for (index_t c = 0; c < in.channels; ++c) {
      const float v = weights[0] * corners[0][c] + weights[1] * corners[1][c] + weights[2] * corners[2][c] + weights[3] * corners[3][c];
      target[c] = v * weight + (1.0f - weight) * fill;
    }
  });
}

}  // namespace pretext::augment::detail
