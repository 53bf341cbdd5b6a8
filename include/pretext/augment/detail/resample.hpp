// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "../augmentation.hpp"
#include "rows.hpp"

/// Antialiased bilinear resampling of a box of an image: a triangle filter as wide as a source pixel or an output
/// pixel, whichever is larger, cut at the box and normalised.
/// source  torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False), Pillow's BILINEAR
namespace pretext::augment::detail {

/// Source pixels one output pixel can depend on.
PRETEXT_HOST_DEVICE constexpr index_t resample_taps(index_t in, index_t out) {
  const index_t wide = in > out ? ceil_div(2 * in, out) : 2;
  return wide < in ? wide : in;
}

/// The same for any source up to `in` pixels (1 pixel has fewer taps than 2, so the plain value is not monotone).
PRETEXT_HOST_DEVICE constexpr index_t most_resample_taps(index_t in, index_t out) { return in > out ? ceil_div(2 * in, out) : 2; }

/// One direction of a resampling.
struct resample_axis {
  index_t in, taps;
  double scale, support, inverse;

  PRETEXT_HOST_DEVICE resample_axis(index_t in_size, index_t out_size)
      : in(in_size),
        taps(resample_taps(in_size, out_size)),
        scale(static_cast<double>(in_size) / static_cast<double>(out_size)),
        support(scale > 1.0 ? scale : 1.0),
        inverse(1.0 / support) {}

  /// Weights of output pixel `i`, all times `factor`; returns the first of the `taps` source pixels they belong to.
  PRETEXT_HOST_DEVICE index_t weights_of(index_t i, float* weights, float factor = 1.0f) const {
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
    for (index_t t = 0; t < taps; ++t) weights[t] = weights[t] * normal * factor;
    return first;
  }
};

constexpr index_t resample_scratch(image_size in, image_size out) {
  return out.width * (most_resample_taps(in.width, out.width) + 1) + out.height * (most_resample_taps(in.height, out.height) + 1) +
         in.width * in.channels + 4;
}

/// One output row from one row of the box. Three channels are computed as four: the fourth lane is the neighbour's
/// first value, read and overwritten without harm, and makes every tap one 128-bit multiply-add.
template <class Arch>
inline void resample_row(const float* row, const float* first, const float* weights, index_t taps, index_t width,
                         index_t channels, float* out, float most) {
  if (channels == 1) {
    if (taps == 2)
      for (index_t x = 0; x < width; ++x) {
        const float* source = row + static_cast<std::int32_t>(first[x]);
        const float sum = weights[2 * x] * source[0] + weights[2 * x + 1] * source[1];
        out[x] = sum > most ? most : sum;
      }
    else
      for (index_t x = 0; x < width; ++x, weights += taps) {
        const float* source = row + static_cast<std::int32_t>(first[x]);
        float sum = weights[0] * source[0];
        for (index_t t = 1; t < taps; ++t) sum += weights[t] * source[t];
        out[x] = sum > most ? most : sum;
      }
    return;
  }
  using O = simd::vector_ops<float, simd::arch<Arch::features, 16>>;
  const auto limit = O::set(most);
  const auto pixel = [&](index_t x) {
    const float *source = row + 3 * static_cast<std::int32_t>(first[x]), *w = weights + x * taps;
    auto sum = O::set(w[0]) * O::load(source);
    for (index_t t = 1; t < taps; ++t) sum = O::fma(O::set(w[t]), O::load(source + 3 * t), sum);
    return O::min(sum, limit);
  };
  index_t x = 0;
  if (taps == 2)  // an enlargement
    for (; x + 1 < width; ++x) {
      const float* source = row + 3 * static_cast<std::int32_t>(first[x]);
      const auto left = O::set(weights[2 * x]) * O::load(source);
      O::store(out + 3 * x, O::min(O::fma(O::set(weights[2 * x + 1]), O::load(source + 3), left), limit));
    }
  for (; x + 1 < width; ++x) O::store(out + 3 * x, pixel(x));
  O::store_some(out + 3 * x, pixel(x), 3);
}

/// Rows first (contiguous, so every channel count vectorises and only one row is stored), then columns, from right to
/// left where the result is to be `mirrored`.
/// shapes  out any size; `part` inside `in`
/// cost    out.height * (part.width * taps + out.width * taps) multiply-adds per channel
template <class In, class Arch = simd::native_arch>
void resample(context ctx, image_view<const In> in, box part, image_view<float> out, bool mirrored = false) {
  constexpr bool bytes = std::is_same_v<In, std::uint8_t>;
  const index_t channels = in.channels, stride = in.width * channels;
  const resample_axis along_x(part.width, out.width), along_y(part.height, out.height);
  float* weights_x = ctx.take(out.width * along_x.taps);
  float* first_x = ctx.take(out.width);  // exact as float: sides are below 2^24
  float* weights_y = ctx.take(along_y.taps);
  const index_t count = part.width * channels;
  float* row = ctx.take(count + 4);
  for (index_t l = 0; l < 4; ++l) row[count + l] = 0.0f;
  for (index_t x = 0; x < out.width; ++x) {
    const index_t to = mirrored ? out.width - 1 - x : x;
    first_x[to] = static_cast<float>(along_x.weights_of(x, weights_x + to * along_x.taps));
  }
  for (index_t y = 0; y < out.height; ++y) {
    const index_t first = along_y.weights_of(y, weights_y, bytes ? 1.0f / 255.0f : 1.0f);
    weighted_rows<Arch>(row, count, weights_y, along_y.taps, in.data + (part.top + first) * stride + part.left * channels, stride);
    resample_row<Arch>(row, first_x, weights_x, along_x.taps, out.width, channels, out.data + y * out.width * channels,
                       bytes ? 1.0f : std::numeric_limits<float>::infinity());
  }
}

inline constexpr float no_limit = std::numeric_limits<float>::infinity();  // a constant, for device code

/// One pixel of C channels from rows of the box: first the column of each tap, as resample adds it up, then along the row.
template <int C, class In>
PRETEXT_HOST_DEVICE void resample_pixel(const In* corner, index_t stride, const float* weights_x, index_t taps_x, const float* weights_y,
                                        index_t taps_y, float most, float* out) {
  float sums[C] = {};
  for (index_t s = 0; s < taps_x; ++s, corner += C) {
    float columns[C] = {};
    for (index_t t = 0; t < taps_y; ++t) {
      PRETEXT_UNROLL
      for (int c = 0; c < C; ++c) columns[c] = weights_y[t] * static_cast<float>(corner[t * stride + c]) + columns[c];
    }
    PRETEXT_UNROLL
    for (int c = 0; c < C; ++c) sums[c] = weights_x[s] * columns[c] + sums[c];
  }
  PRETEXT_UNROLL
  for (int c = 0; c < C; ++c) out[c] = sums[c] > most ? most : sums[c];
}

/// The same as resample by whoever works in a context: the weights of both directions first, then pixels. Where a pixel has many
/// taps (a strong reduction), rows are summed once for all pixels of a row, as on the CPU.
PRETEXT_EITHER_SIDE template <class In, class Context>
PRETEXT_HOST_DEVICE void resample_by(Context ctx, image_view<const In> in, box part, image_view<float> out, bool mirrored) {
  constexpr bool bytes = std::is_same_v<In, std::uint8_t>;
  constexpr index_t few_taps = 36;
  constexpr float most = bytes ? 1.0f : no_limit;
  const index_t channels = in.channels, stride = in.width * channels;
  const resample_axis along_x(part.width, out.width), along_y(part.height, out.height);
  const index_t taps_x = along_x.taps, taps_y = along_y.taps;
  float* const weights_x = ctx.take(out.width * taps_x);
  float* const first_x = ctx.take(out.width);
  float* const weights_y = ctx.take(out.height * taps_y);
  float* const first_y = ctx.take(out.height);
  ctx.for_each(out.width + out.height, [&](index_t i) {
    const index_t y = i - out.width;
    if (y < 0) {
      const index_t to = mirrored ? out.width - 1 - i : i;
      first_x[to] = static_cast<float>(along_x.weights_of(i, weights_x + to * taps_x));
    } else {
      first_y[y] = static_cast<float>(along_y.weights_of(y, weights_y + y * taps_y, bytes ? 1.0f / 255.0f : 1.0f));
    }
  });
  const In* const corner = in.data + part.top * stride + part.left * channels;
  if (taps_x * taps_y <= few_taps) {
    ctx.for_each(out.height, out.width, [&](index_t y, index_t x) {
      const In* from = corner + static_cast<index_t>(first_y[y]) * stride + static_cast<index_t>(first_x[x]) * channels;
      float* to = out.data + (y * out.width + x) * channels;
      if (channels == 1)
        resample_pixel<1>(from, stride, weights_x + x * taps_x, taps_x, weights_y + y * taps_y, taps_y, most, to);
      else
        resample_pixel<3>(from, stride, weights_x + x * taps_x, taps_x, weights_y + y * taps_y, taps_y, most, to);
    });
    return;
  }
  float* const row = ctx.take(part.width * channels);
  constexpr float alone = 1.0f;
  for (index_t y = 0; y < out.height; ++y) {
    const In* from = corner + static_cast<index_t>(first_y[y]) * stride;
    const float* weights = weights_y + y * taps_y;
    ctx.for_each(part.width * channels, [&](index_t i) {
      float sum = 0.0f;
      for (index_t t = 0; t < taps_y; ++t) sum = weights[t] * static_cast<float>(from[t * stride + i]) + sum;
      row[i] = sum;
    });
    ctx.for_each(out.width, [&](index_t x) {
      const float* part_of_row = row + static_cast<index_t>(first_x[x]) * channels;
      float* to = out.data + (y * out.width + x) * channels;
      if (channels == 1)
        resample_pixel<1>(part_of_row, index_t{0}, weights_x + x * taps_x, taps_x, &alone, index_t{1}, most, to);
      else
        resample_pixel<3>(part_of_row, index_t{0}, weights_x + x * taps_x, taps_x, &alone, index_t{1}, most, to);
    });
  }
}

/// Left becomes right: both ends at once, read before written, so that `in` and `out` may be one image.
inline void mirror_columns(image_view<const float> in, image_view<float> out) {
  const index_t channels = in.channels;
  for (index_t y = 0; y < in.height; ++y) {
    const float* left = in.data + y * in.width * channels;
    const float* right = left + (in.width - 1) * channels;
    float *to_left = out.data + y * in.width * channels, *to_right = to_left + (in.width - 1) * channels;
    if (channels == 3)
      for (; left <= right; left += 3, right -= 3, to_left += 3, to_right -= 3)
        for (index_t c = 0; c < 3; ++c) {
          const float from_left = left[c], from_right = right[c];
          to_left[c] = from_right;
          to_right[c] = from_left;
        }
    else
      for (; left <= right; ++left, --right, ++to_left, --to_right) {
        const float from_left = *left, from_right = *right;
        *to_left = from_right;
        *to_right = from_left;
      }
  }
}

PRETEXT_EITHER_SIDE template <class Context>
PRETEXT_HOST_DEVICE void mirror_columns(Context& ctx, image_view<const float> in, image_view<float> out) {
  ctx.for_each(in.height, ceil_div(in.width, 2), [&](index_t y, index_t x) {
    for (index_t c = 0; c < in.channels; ++c) {
      const float from_left = in(y, x, c), from_right = in(y, in.width - 1 - x, c);
      out(y, x, c) = from_right;
      out(y, in.width - 1 - x, c) = from_left;
    }
  });
}

/// Copies the box of the size of `out` whose corner is (top, left) in `in`, `mirrored` from right to left; what lies outside
/// becomes `fill`.
template <class In>
void copy_box(image_view<const In> in, index_t top, index_t left, image_view<float> out, float fill, bool mirrored = false) {
  const index_t channels = in.channels;
  const auto inside = [](index_t at, index_t end) { return at < 0 ? index_t{0} : at > end ? end : at; };
  const index_t begin = inside(-left, out.width), end = inside(in.width - left, out.width);  // the columns that exist
  for (index_t y = 0; y < out.height; ++y) {
    float* row = out.data + y * out.width * channels;
    const bool exists = top + y >= 0 && top + y < in.height && begin < end;
    const index_t first = exists ? begin : out.width, last = exists ? end : out.width;
    for (index_t i = 0; i < first * channels; ++i) row[i] = fill;
    if (exists)
      convert(image_view<const In>{&in(top + y, left + begin, 0), 1, end - begin, channels}, {row + begin * channels, 1, end - begin, channels});
    for (index_t i = last * channels; i < out.width * channels; ++i) row[i] = fill;
  }
  if (mirrored) mirror_columns(out, out);
}
PRETEXT_EITHER_SIDE template <class In, class Context>
PRETEXT_HOST_DEVICE void copy_box_by(Context& ctx, image_view<const In> in, index_t top, index_t left, image_view<float> out, float fill,
                                     bool mirrored) {
  ctx.for_each(out.height, out.width, [&](index_t y, index_t x) {
    const index_t from_y = top + y, from_x = left + (mirrored ? out.width - 1 - x : x);
    const bool exists = from_y >= 0 && from_y < in.height && from_x >= 0 && from_x < in.width;
    for (index_t c = 0; c < in.channels; ++c) out(y, x, c) = exists ? to_unit(in(from_y, from_x, c)) : fill;
  });
}

}  // namespace pretext::augment::detail
