// SPDX-License-Identifier: BSD-3-Clause
// opt-in: measures of generators
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"

namespace pretext::eval {

/// How well generated points cover a mixture whose modes are known.
struct mode_coverage {
  index_t modes = 0;               // there are
  index_t covered = 0;             // with at least `least_share` of a mode's fair share of all points within 3 sigma
  index_t reached = 0;             // with at least one point within 3 sigma
  double high_quality = 0;         // share of all points within 3 sigma of the nearest mode
  std::vector<index_t> counts;     // of those, by mode
};

/// Points (n, width) against centres (modes, width), both row after row.
/// units   sigma: the standard deviation of a mode in each direction. Of the true mixture in the plane 98.9 % are within 3 sigma
/// errors  pretext[eval.060] no points, no centres, or rows that are not whole; points that are not finite are of no quality
/// source  Srivastava et al. 2017 (VEEGAN), arXiv:1705.07761, section 5.1; a mode counts there with one point, here as `reached`
inline mode_coverage cover_modes(std::span<const float> points, std::span<const float> centres, index_t width, double sigma,
                                 double least_share = 0.1) {
  const auto w = static_cast<std::size_t>(width > 0 ? width : 1);
  if (width < 1 || points.empty() || centres.empty() || points.size() % w != 0 || centres.size() % w != 0 || !(sigma > 0))
    throw_error("eval.060", "mode coverage needs whole rows of points and centres, at least one of each, and a sigma above 0");
  const std::size_t n = points.size() / w, modes = centres.size() / w;
  mode_coverage m;
  m.modes = static_cast<index_t>(modes);
  m.counts.assign(modes, 0);
  std::size_t good = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t nearest = 0;
    double least = HUGE_VAL;
    for (std::size_t k = 0; k < modes; ++k) {
      double d = 0;
      for (std::size_t j = 0; j < w; ++j) {
        const double away = static_cast<double>(points[i * w + j]) - static_cast<double>(centres[k * w + j]);
        d += away * away;
      }
      if (d < least) least = d, nearest = k;
    }
    if (least <= 9 * sigma * sigma) ++good, ++m.counts[nearest];
  }
  const double fair = static_cast<double>(n) / static_cast<double>(modes);
  for (const index_t c : m.counts) {
    m.reached += c > 0 ? 1 : 0;
    m.covered += c > 0 && static_cast<double>(c) >= least_share * fair ? 1 : 0;
  }
  m.high_quality = static_cast<double>(good) / static_cast<double>(n);
  return m;
}

}  // namespace pretext::eval
