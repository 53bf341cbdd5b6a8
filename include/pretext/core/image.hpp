// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

#include "index.hpp"

namespace pretext {

/// A view of one image: rows of pixels, channels interleaved (H, W, C), no gaps. Owns nothing.
template <class T>
struct image_view {
  T* data = nullptr;
  index_t height = 0;
  index_t width = 0;
  index_t channels = 0;

  PRETEXT_HOST_DEVICE constexpr index_t size() const { return height * width * channels; }
  PRETEXT_HOST_DEVICE constexpr T& operator()(index_t y, index_t x, index_t c) const { return data[(y * width + x) * channels + c]; }
  template <class U>
    requires(std::is_same_v<U, const T> && !std::is_const_v<T>)
  PRETEXT_HOST_DEVICE constexpr operator image_view<U>() const {
    return {data, height, width, channels};
  }
};

/// The images of one step as plain pointers: what a family's step reads. On a plan only `size` is set.
struct image_list {
  const image_view<const std::uint8_t>* images = nullptr;
  const std::uint64_t* ids = nullptr;  // permanent numbers of the images: the keys of their random draws
  index_t size = 0;
  friend constexpr bool operator==(const image_list&, const image_list&) = default;
};

}  // namespace pretext
