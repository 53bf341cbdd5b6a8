// SPDX-License-Identifier: BSD-3-Clause
// opt-in: points in the plane, for examples and tests of generators
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "../../core/error.hpp"
#include "../../core/index.hpp"
#include "../../core/rng.hpp"

namespace pretext::data {

/// Equally likely round Gaussians in the plane: what a generator has to find all of.
struct gaussian_mixture {
  std::vector<float> centres;  // (modes, 2)
  double sigma = 0;

  index_t modes() const { return static_cast<index_t>(centres.size()) / 2; }

  /// Points [first, first + n) of the endless set with this seed.
  /// shapes  (n, 2), row after row
  /// laws    point i depends on (seed, i) alone
  std::vector<float> draw(index_t n, std::uint64_t seed = 0, std::uint64_t first = 0) const {
    std::vector<float> xy(static_cast<std::size_t>(2 * n));
    draw_into(xy.data(), n, seed, first);
    return xy;
  }
  void draw_into(float* xy, index_t n, std::uint64_t seed, std::uint64_t first = 0) const {
    for (index_t i = 0; i < n; ++i) {
      rng::stream s(rng::key{.seed = seed, .sample = first + static_cast<std::uint64_t>(i)}.with_purpose(rng::purpose::user));
      const auto mode = static_cast<std::size_t>(s.uniform_double() * static_cast<double>(modes()));
      // Box and Muller 1958
      const double radius = sigma * std::sqrt(-2.0 * std::log(1.0 - s.uniform_double())), turn = 6.283185307179586477 * s.uniform_double();
      xy[2 * i] = static_cast<float>(static_cast<double>(centres[2 * mode]) + radius * std::cos(turn));
      xy[2 * i + 1] = static_cast<float>(static_cast<double>(centres[2 * mode + 1]) + radius * std::sin(turn));
    }
  }
};

/// `modes` Gaussians on a circle.
/// source  Metz et al. 2017, arXiv:1611.02163, section 3.1
inline gaussian_mixture ring(index_t modes = 8, double radius = 2, double sigma = 0.02) {
  if (modes < 1 || !(sigma > 0)) throw_error("data.065", "ring: at least one mode and a sigma above 0 are needed");
  gaussian_mixture m{{}, sigma};
  for (index_t k = 0; k < modes; ++k) {
    const double angle = 6.283185307179586477 * static_cast<double>(k) / static_cast<double>(modes);
    m.centres.push_back(static_cast<float>(radius * std::cos(angle)));
    m.centres.push_back(static_cast<float>(radius * std::sin(angle)));
  }
  return m;
}

/// `side` times `side` Gaussians, `spacing` apart, around the origin.
/// source  Srivastava et al. 2017 (VEEGAN), arXiv:1705.07761, section 5.1
inline gaussian_mixture grid(index_t side = 5, double spacing = 2, double sigma = 0.05) {
  if (side < 1 || !(sigma > 0)) throw_error("data.065", "grid: at least one mode and a sigma above 0 are needed");
  gaussian_mixture m{{}, sigma};
  const double middle = 0.5 * static_cast<double>(side - 1);
  for (index_t i = 0; i < side; ++i)
    for (index_t j = 0; j < side; ++j) {
      m.centres.push_back(static_cast<float>(spacing * (static_cast<double>(i) - middle)));
      m.centres.push_back(static_cast<float>(spacing * (static_cast<double>(j) - middle)));
    }
  return m;
}

}  // namespace pretext::data
