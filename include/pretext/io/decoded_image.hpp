// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../core/error.hpp"
#include "../core/image.hpp"
#include "../core/index.hpp"

namespace pretext::io {

/// An image file's pixels: bytes, channels interleaved, 1 (grey) or 3 (red, green, blue) of them.
struct decoded_image {
  std::vector<std::uint8_t> pixels;
  index_t height = 0;
  index_t width = 0;
  index_t channels = 0;

  image_view<const std::uint8_t> view() const { return {pixels.data(), height, width, channels}; }
};

/// What a file may ask for before memory is given to it.
struct image_limits {
  index_t max_side = 65535;
  std::uint64_t max_pixels = std::uint64_t{1} << 26;  // 67 million: 200 MB in colour
};

enum class image_kind { none, png, jpeg };

/// The kind of an image file by its first bytes (8 are enough); names do not matter.
inline image_kind image_kind_of(std::span<const std::byte> bytes) {
  static constexpr std::uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  static constexpr std::uint8_t jpeg[3] = {0xFF, 0xD8, 0xFF};
  const auto begins = [&](std::span<const std::uint8_t> with) {
    if (bytes.size() < with.size()) return false;
    for (std::size_t i = 0; i < with.size(); ++i)
      if (std::to_integer<std::uint8_t>(bytes[i]) != with[i]) return false;
    return true;
  };
  return begins(png) ? image_kind::png : begins(jpeg) ? image_kind::jpeg : image_kind::none;
}

/// Turns grey into three equal channels, or colour into grey (0.299 R + 0.587 G + 0.114 B); `channels` is 1 or 3.
inline void convert_channels(decoded_image& image, index_t channels) {
  if (image.channels == channels) return;
  const auto n = static_cast<std::size_t>(image.height * image.width);
  if (channels == 3) {
    std::vector<std::uint8_t> colour(3 * n);
    for (std::size_t i = 0; i < n; ++i) colour[3 * i] = colour[3 * i + 1] = colour[3 * i + 2] = image.pixels[i];
    image.pixels.swap(colour);
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint8_t* p = image.pixels.data() + 3 * i;
      image.pixels[i] = static_cast<std::uint8_t>((299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000);
    }
    image.pixels.resize(n);
  }
  image.channels = channels;
}

namespace detail {

inline void check_image_size(std::uint64_t width, std::uint64_t height, const std::string& name,
                             const image_limits& limits) {
  const auto side = static_cast<std::uint64_t>(limits.max_side);
  if (width == 0 || height == 0 || width > side || height > side || width * height > limits.max_pixels)
    throw_error("image.003", {name, ": claims ", width, " x ", height, " pixels, beyond the limit of ", limits.max_pixels, " pixels and ",
        side, " a side; raise the limit if the file is what you meant"});
}

}  // namespace detail
}  // namespace pretext::io
