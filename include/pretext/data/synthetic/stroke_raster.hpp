// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fixed_point.hpp"

namespace pretext::data::synthetic {

/// A point in 1/64 pixel.
struct fine_point {
  std::int32_t x = 0;
  std::int32_t y = 0;
};

/// Strokes on a square of pixels as a distance field: each pixel keeps the squared distance to the nearest line, so
/// that strokes join without seams and edges are anti-aliased without sampling. Integers only (see fixed_point.hpp).
class stroke_raster {
 public:
  static constexpr std::int32_t unit = 64;           // per pixel
  static constexpr std::int32_t far_away = 1 << 24;  // squared, 64 pixels: more than any stroke is wide

  explicit stroke_raster(int size)
      : size_(size), distance_(static_cast<std::size_t>(size * size), far_away), low_x_(size), low_y_(size) {}

  /// Forgets all strokes.
  void clear() {
    for (int y = low_y_; y < high_y_; ++y)
      std::fill_n(distance_.data() + y * size_ + low_x_, high_x_ - low_x_, far_away);
    low_x_ = low_y_ = size_;
    high_x_ = high_y_ = 0;
  }

  /// Adds the line a-b; only pixels within `reach` of it are looked at.
  void line(fine_point a, fine_point b, std::int32_t reach) {
    const std::int32_t x0 = pixel(std::min(a.x, b.x) - reach), x1 = pixel(std::max(a.x, b.x) + reach) + 1;
    const std::int32_t y0 = pixel(std::min(a.y, b.y) - reach), y1 = pixel(std::max(a.y, b.y) + reach) + 1;
    low_x_ = std::min(low_x_, x0), high_x_ = std::max(high_x_, x1);
    low_y_ = std::min(low_y_, y0), high_y_ = std::max(high_y_, y1);

    const std::int64_t dx = b.x - a.x, dy = b.y - a.y;
    const auto length = static_cast<std::int32_t>(root(static_cast<std::uint64_t>(dx * dx + dy * dy)));
    const std::int32_t ux = length > 0 ? static_cast<std::int32_t>(dx * 4096 / length) : 4096;
    const std::int32_t uy = length > 0 ? static_cast<std::int32_t>(dy * 4096 / length) : 0;
    for (std::int32_t y = y0; y < y1; ++y) {
      const std::int32_t py = y * unit + unit / 2 - a.y;
      const std::int32_t px = x0 * unit + unit / 2 - a.x;
      std::int32_t along = px * ux + py * uy;   // Q12
      std::int32_t across = px * uy - py * ux;  // Q12
      std::int32_t* row = distance_.data() + y * size_ + x0;
      for (std::int32_t x = 0; x < x1 - x0; ++x) {
        const std::int32_t t = (along + x * (ux * unit)) >> 12;
        const std::int32_t s = (across + x * (uy * unit)) >> 12;
        const std::int32_t past = std::max(std::max(-t, t - length), 0);  // beyond an end
        const std::int32_t d = s * s + past * past;
        row[x] = d < row[x] ? d : row[x];
      }
    }
  }

  /// How much of a pixel a stroke of this half width covers, 0..256.
  /// d - w is taken as (d^2 - w^2) / 2w, which is exact at the edge and saves the root.
  struct cover {
    std::int32_t w2, slope;
    explicit cover(std::int32_t half_width)
        : w2(half_width * half_width), slope((256 * 4096) / (2 * half_width * unit)) {}
    std::int32_t operator()(std::int32_t d2) const {
      const std::int32_t excess = clamp_to(w2 - d2, -65536, 65536) * slope;
      return clamp_to(128 + (excess >> 12), 0, 256);
    }
  };

  int low_y() const { return low_y_; }
  int high_y() const { return high_y_; }
  int low_x() const { return low_x_; }
  int high_x() const { return high_x_; }
  const std::int32_t* row(int y) const { return distance_.data() + y * size_; }

 private:
  std::int32_t pixel(std::int32_t v) const { return clamp_to(v >> 6, 0, size_ - 1); }

  std::int32_t size_;
  std::vector<std::int32_t> distance_;
  std::int32_t low_x_, low_y_, high_x_ = 0, high_y_ = 0;  // the pixels touched since clear()
};

}  // namespace pretext::data::synthetic
