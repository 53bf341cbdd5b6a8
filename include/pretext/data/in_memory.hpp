// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "image_set.hpp"

namespace pretext::data {

/// How the values of several images follow each other.
enum class pixel_order {
  nhwc,  // channels interleaved
  nchw,  // one plane a channel
};

/// A copy of images in memory: count x h x w x c bytes. Labels: one an image, -1 = none; empty = none at all.
/// `classes` = 0 takes the largest label + 1.
/// errors  pretext[data.050] sizes that do not fit the number of bytes; [data.002], [data.003] labels
PRETEXT_COLD inline image_set in_memory(std::span<const std::uint8_t> pixels, index_t count, index_t h, index_t w, index_t c,
                           std::span<const int> labels = {}, int classes = 0, pixel_order order = pixel_order::nhwc) {
  // Divisions, so that absurd sizes cannot wrap around to the right number.
  auto rest = static_cast<index_t>(pixels.size());
  bool fits = true;
  for (const index_t extent : {count, h, w, c}) {
    fits = fits && extent > 0 && rest % extent == 0;
    if (fits) rest /= extent;
  }
  if (!fits || rest != 1)
    throw_error("data.050", {"in_memory: ", pixels.size(), " bytes are not ", count, " images of ", h, " x ", w, " x ", c,
        "; correct the sizes (height, width, channels)"});
  image_store store;
  store.source = "memory";
  store.count = count;
  store.shape = {h, w, c};
  store.labels.assign(labels.begin(), labels.end());
  if (!labels.empty()) {
    store.classes = classes > 0 ? classes : std::max(0, *std::max_element(labels.begin(), labels.end()) + 1);
    for (int k = 0; k < store.classes; ++k) store.class_names.push_back(std::to_string(k));
  }
  store.pixels.assign(pixels.begin(), pixels.end());
  if (order == pixel_order::nchw && c > 1) {
    const index_t plane = h * w;
    const std::uint8_t* from = pixels.data();
    std::uint8_t* to = store.pixels.data();
    for (index_t n = 0; n < count; ++n, from += plane * c, to += plane * c)
      for (index_t p = 0; p < plane; ++p)
        for (index_t k = 0; k < c; ++k) to[p * c + k] = from[k * plane + p];
  }
  return image_set(std::move(store));
}

}  // namespace pretext::data
