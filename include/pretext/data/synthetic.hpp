// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "../core/error.hpp"
#include "image_set.hpp"
#include "synthetic/glyph_painter.hpp"

namespace pretext::data {

struct glyph_settings {
  index_t count = 10000;
  std::uint64_t seed = 0;
  int size = 32;            // height and width, 16..128
  int channels = 3;         // 1 or 3
  std::uint64_t first = 0;  // number of the first picture: a test part begins where the training part ends
};

/// The embedded data set: pictures of ten drawn shapes, labelled and balanced, made on the spot.
///   A class is a shape; where it lies, how it is turned, stretched and mirrored, pen, colours, light, clutter and
///   grain are random, so a linear model on raw pixels learns little and a small convolutional network nearly all.
/// laws    picture i depends on (seed, i, size, channels) alone, not on count
/// repeat  same bytes on every machine and compiler: frozen by a golden test
/// errors  pretext[data.060] settings out of range
inline image_set glyphs(const glyph_settings& s = {}) {
  if (s.count < 1 || s.size < 16 || s.size > 128 || (s.channels != 1 && s.channels != 3))
    throw_error("data.060", {"glyphs: ", s.count, " images of size ", s.size, " with ", s.channels,
        " channels were asked for; count is at least 1, size 16 to 128, channels 1 or 3"});
  image_store store;
  store.shape = {s.size, s.size, s.channels};
  store.count = s.count;
  store.classes = synthetic::glyph_classes;
  store.class_names.assign(synthetic::glyph_names.begin(), synthetic::glyph_names.end());
  store.source = "glyphs (drawn, seed " + std::to_string(s.seed) + ")";
  store.pixels.resize(static_cast<std::size_t>(s.count) * static_cast<std::size_t>(store.shape.size()));
  store.labels.reserve(static_cast<std::size_t>(s.count));
  synthetic::glyph_painter painter(s.seed, s.size, s.channels);
  std::uint8_t* out = store.pixels.data();
  for (index_t i = 0; i < s.count; ++i, out += store.shape.size()) {
    const std::uint64_t number = s.first + static_cast<std::uint64_t>(i);
    painter.draw(number, out);
    store.labels.push_back(synthetic::glyph_painter::label(s.seed, number));
  }
  return image_set(std::move(store));
}

}  // namespace pretext::data
