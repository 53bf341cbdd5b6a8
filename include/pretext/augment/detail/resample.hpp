// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

#include "../augmentation.hpp"
#include "rows.hpp"

/// Antialiased bilinear resampling of a box of an image: a triangle filter as wide as a source pixel or an output
/// pixel, whichever is larger, cut at the box and normalised.
/// source  torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False), Pillow's BILINEAR
namespace pretext::augment::detail {

/// Source pixels one output pixel can depend on.
constexpr index_t resample_taps(index_t in, index_t out) {
  const index_t wide = in > out ? ceil_div(2 * in, out) : 2;
  return wide < in ? wide : in;
}

/// The same for any source up to `in` pixels (1 pixel has fewer taps than 2, so the plain value is not monotone).
constexpr index_t most_resample_taps(index_t in, index_t out) { return in > out ? ceil_div(2 * in, out) : 2; }

/// Weights of output pixel `i`; returns the first of the `taps` source pixels they belong to.
inline index_t resample_weights(index_t in, index_t out, index_t i, index_t taps, float* weights) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double support = scale > 1.0 ? scale : 1.0;
  const double inverse = 1.0 / support;
  const double centre = scale * (static_cast<double>(i) + 0.5);
  index_t first = static_cast<index_t>(centre - support + 0.5);
  if (first > in - taps) first = in - taps;
  if (first < 0) first = 0;
  double total = 0.0;
  for (index_t t = 0; t < taps; ++t) {
    const double distance = (static_cast<double>(first + t) - centre + 0.5) * inverse;
    const double triangle = 1.0 - (distance < 0.0 ? -distance : distance);
    const double w = triangle > 0.0 ? triangle : 0.0;
    weights[t] = static_cast<float>(w);
    total += w;
  }
  const float normal = static_cast<float>(1.0 / total);
  for (index_t t = 0; t < taps; ++t) weights[t] *= normal;
  return first;
}

constexpr index_t resample_scratch(image_size in, image_size out) {
  return out.width * (most_resample_taps(in.width, out.width) + 1) + most_resample_taps(in.height, out.height) +
         in.width * in.channels + 4;
}

/// One output row from one row of the box. Three channels are computed as four: the fourth lane is the neighbour's
/// first value, read and overwritten without harm, and makes every tap one 128-bit multiply-add.
template <index_t Channels>
inline void resample_row(const float* row, const float* first, const float* weights, index_t taps, index_t width, float* out,
                         bool cap) {
  constexpr index_t lanes = Channels == 1 ? 1 : 4;
  for (index_t x = 0; x < width; ++x) {
    const float* source = row + static_cast<index_t>(first[x]) * Channels;
    const float* w = weights + x * taps;
    float sum[lanes];
    if (taps == 2) {
      for (index_t l = 0; l < lanes; ++l) sum[l] = w[0] * source[l] + w[1] * source[Channels + l];
    } else {
      for (index_t l = 0; l < lanes; ++l) sum[l] = w[0] * source[l];
      for (index_t t = 1; t < taps; ++t)
        for (index_t l = 0; l < lanes; ++l) sum[l] += w[t] * source[t * Channels + l];
    }
    if (cap)
      for (index_t l = 0; l < lanes; ++l) sum[l] = sum[l] > 1.0f ? 1.0f : sum[l];
    if (x + 1 < width)
      for (index_t l = 0; l < lanes; ++l) out[x * Channels + l] = sum[l];
    else
      for (index_t l = 0; l < Channels; ++l) out[x * Channels + l] = sum[l];
  }
}

/// Rows first (contiguous, so every channel count vectorises and only one row is stored), then columns.
/// shapes  out any size; `part` inside `in`
/// cost    out.height * (part.width * taps + out.width * taps) multiply-adds per channel
template <class In>
void resample(context ctx, image_view<const In> in, box part, image_view<float> out) {
  constexpr bool bytes = std::is_same_v<In, std::uint8_t>;
  const index_t channels = in.channels;
  const index_t taps_x = resample_taps(part.width, out.width), taps_y = resample_taps(part.height, out.height);
  float* weights_x = ctx.take(out.width * taps_x);
  float* first_x = ctx.take(out.width);  // exact as float: sides are below 2^24
  float* weights_y = ctx.take(taps_y);
  const index_t count = part.width * channels;
  float* row = ctx.take(count + 4);
  for (index_t l = 0; l < 4; ++l) row[count + l] = 0.0f;
  for (index_t x = 0; x < out.width; ++x)
    first_x[x] = static_cast<float>(resample_weights(part.width, out.width, x, taps_x, weights_x + x * taps_x));

  for (index_t y = 0; y < out.height; ++y) {
    const index_t first = resample_weights(part.height, out.height, y, taps_y, weights_y);
    if constexpr (bytes)
      for (index_t t = 0; t < taps_y; ++t) weights_y[t] *= 1.0f / 255.0f;
    const index_t stride = in.width * channels;
    const In* source = in.data + (part.top + first) * stride + part.left * channels;
    weighted_rows(row, count, weights_y, taps_y, [&](index_t t) { return source + t * stride; });
    float* target = out.data + y * out.width * channels;
    if (channels == 3)
      resample_row<3>(row, first_x, weights_x, taps_x, out.width, target, bytes);
    else
      resample_row<1>(row, first_x, weights_x, taps_x, out.width, target, bytes);
  }
}

/// Copies the box of the size of `out` whose corner is (top, left) in `in`; what lies outside becomes `fill`.
template <class In>
void copy_box(image_view<const In> in, index_t top, index_t left, image_view<float> out, float fill) {
  for (index_t y = 0; y < out.height; ++y)
    for (index_t x = 0; x < out.width; ++x) {
      const index_t from_y = top + y, from_x = left + x;
      const bool inside = from_y >= 0 && from_y < in.height && from_x >= 0 && from_x < in.width;
      for (index_t c = 0; c < in.channels; ++c) out(y, x, c) = inside ? to_unit(in(from_y, from_x, c)) : fill;
    }
}

}  // namespace pretext::augment::detail
