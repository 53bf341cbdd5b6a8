// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "index.hpp"

namespace pretext {

/// A view of one image: rows of pixels, channels interleaved (H, W, C), no gaps. Owns nothing.
template <class T>
struct image_view {
  T* data = nullptr;
  index_t height = 0;
  index_t width = 0;
  index_t channels = 0;

  constexpr index_t size() const { return height * width * channels; }
  constexpr T& operator()(index_t y, index_t x, index_t c) const { return data[(y * width + x) * channels + c]; }
  constexpr operator image_view<const T>() const { return {data, height, width, channels}; }
};

}  // namespace pretext
