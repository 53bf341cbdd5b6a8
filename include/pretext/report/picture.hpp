// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/image.hpp"
#include "../core/index.hpp"

namespace pretext::report {

/// An image to be shown: 8 bits, rows of pixels, grey (1 channel) or RGB (3 channels, interleaved).
struct picture {
  index_t height = 0;
  index_t width = 0;
  index_t channels = 1;
  std::vector<std::uint8_t> pixels;

  bool empty() const { return height == 0 || width == 0; }
};

namespace detail {

inline void check_picture(index_t height, index_t width, index_t channels) {
  if (height < 0 || width < 0 || channels < 1)
    throw_error("report.110", "a picture needs sizes that are not negative and at least one channel; check the image's shape");
}

// Three channels are RGB; of two, or more than three, nobody knows the colours: the first is shown, or the first three.
inline index_t shown_channels(index_t channels) { return channels >= 3 ? 3 : 1; }

// Written so that NaN ends as 0.
inline std::uint8_t to_byte(float value, float low, float scale) {
  const float v = (value - low) * scale + 0.5f;
  return v > 0 ? v < 255 ? static_cast<std::uint8_t>(v) : std::uint8_t{255} : std::uint8_t{0};
}

}  // namespace detail

/// A copy of an image of bytes.
/// errors  report.110 negative size or no channel
inline picture to_picture(image_view<const std::uint8_t> image) {
  detail::check_picture(image.height, image.width, image.channels);
  picture out{image.height, image.width, detail::shown_channels(image.channels), {}};
  out.pixels.reserve(static_cast<std::size_t>(out.height * out.width * out.channels));
  for (index_t y = 0; y < out.height; ++y)
    for (index_t x = 0; x < out.width; ++x)
      for (index_t c = 0; c < out.channels; ++c) out.pixels.push_back(image(y, x, c));
  return out;
}

/// A picture of real numbers: low is black, high is white, the rest is clamped; NaN is black.
/// errors  report.110 negative size or no channel
inline picture to_picture(image_view<const float> image, float low = 0, float high = 1) {
  detail::check_picture(image.height, image.width, image.channels);
  picture out{image.height, image.width, detail::shown_channels(image.channels), {}};
  const float scale = high > low ? 255 / (high - low) : 0;
  out.pixels.reserve(static_cast<std::size_t>(out.height * out.width * out.channels));
  for (index_t y = 0; y < out.height; ++y)
    for (index_t x = 0; x < out.width; ++x)
      for (index_t c = 0; c < out.channels; ++c) out.pixels.push_back(detail::to_byte(image(y, x, c), low, scale));
  return out;
}

/// The same for planes, channel after channel (C, H, W).
/// errors  report.110 negative size or no channel
inline picture planes_to_picture(const float* planes, index_t channels, index_t height, index_t width, float low = 0, float high = 1) {
  detail::check_picture(height, width, channels);
  picture out{height, width, detail::shown_channels(channels), {}};
  const float scale = high > low ? 255 / (high - low) : 0;
  out.pixels.reserve(static_cast<std::size_t>(out.height * out.width * out.channels));
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x)
      for (index_t c = 0; c < out.channels; ++c) out.pixels.push_back(detail::to_byte(planes[(c * height + y) * width + x], low, scale));
  return out;
}

/// The picture with its longer side at most max_side: means over areas, so that nothing flickers. Never enlarges.
inline picture shrink(const picture& from, index_t max_side) {
  const index_t longer = from.height > from.width ? from.height : from.width;
  if (longer <= max_side || max_side < 1) return from;
  const auto scaled = [&](index_t size) { return size * max_side / longer > 0 ? size * max_side / longer : 1; };
  picture to{scaled(from.height), scaled(from.width), from.channels, {}};
  to.pixels.reserve(static_cast<std::size_t>(to.height * to.width * to.channels));
  for (index_t y = 0; y < to.height; ++y)
    for (index_t x = 0; x < to.width; ++x)
      for (index_t c = 0; c < to.channels; ++c) {
        const index_t y0 = y * from.height / to.height, y1 = (y + 1) * from.height / to.height;
        const index_t x0 = x * from.width / to.width, x1 = (x + 1) * from.width / to.width;
        std::uint64_t sum = 0;
        for (index_t v = y0; v < y1; ++v)
          for (index_t u = x0; u < x1; ++u) sum += from.pixels[static_cast<std::size_t>((v * from.width + u) * from.channels + c)];
        const auto area = static_cast<std::uint64_t>((y1 - y0) * (x1 - x0));
        to.pixels.push_back(static_cast<std::uint8_t>((sum + area / 2) / area));
      }
  return to;
}

}  // namespace pretext::report
