// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "../core/text.hpp"
#include "detail/number.hpp"

namespace pretext::report {

/// One direction of a plot: from values to pixels, with the places for ticks.
struct svg_axis {
  double low = 0, high = 1;    // values at the two ends (their log10 where `log`)
  double from = 0, to = 1;     // pixels at the two ends; from > to for an axis that goes up
  bool log = false;
  bool percent = false;
  std::vector<double> ticks;   // values

  /// Whether the value has a place: finite, and positive on a log axis.
  bool holds(double value) const { return std::isfinite(value) && (!log || value > 0); }
  double pixel(double value) const {
    const double v = log ? std::log10(value) : value;
    return from + (v - low) / (high - low) * (to - from);
  }
  /// A tick's text: as many decimals as the distance of the ticks needs.
  PRETEXT_COLD std::string label(double value) const {
    const double v = percent ? 100 * value : value;
    if (log || ticks.size() < 2) return joined({detail::short_count(std::fabs(v) < 1e-3 && v != 0 ? v : std::round(v * 1e6) / 1e6),
                                     (percent ? "%" : "")});
    const double step = (ticks[1] - ticks[0]) * (percent ? 100 : 1);
    const double largest = std::max(std::fabs(ticks.front()), std::fabs(ticks.back())) * (percent ? 100 : 1);
    if (largest >= 1e4 || largest < 1e-3) {
      if (std::fabs(v) < step / 2) return percent ? "0%" : "0";
      // Neighbours differ in the digit of the step: 100.001k and 100.002k.
      const int digits = std::max(6, static_cast<int>(std::ceil(std::log10(largest / step) - 1e-9)) + 1);
      return joined({detail::short_count(std::round(v / step) * step, digits), (percent ? "%" : "")});
    }
    if (std::fabs(v) < 1e-6 * step) return percent ? "0%" : "0";
    const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 12);
    return joined({detail::fixed(v, decimals), (percent ? "%" : "")});
  }
};

/// The distance of ticks, 1, 2 or 5 times a power of ten, so that about `count` fit into a positive span.
inline double nice_step(double span, int count) {
  const double raw = span / std::max(count, 1);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double part = raw / power;
  return power * (part <= 1.0000001 ? 1 : part <= 2.0000001 ? 2 : part <= 5.0000001 ? 5 : 10);
}

/// An axis for finite values from `low` to `high` (both positive where `log`), with a little air at both ends where
/// `padded`; an end near 0 becomes 0. Ends that are equal, or as good as that in floats, are moved apart, so that one point and a
/// flat curve stand in the middle.
PRETEXT_COLD inline svg_axis make_axis(double low, double high, bool log, bool padded, int count) {
  svg_axis axis;
  axis.log = log;
  if (log) low = std::log10(low), high = std::log10(high);
  low = std::max(low, -4e307), high = std::min(high, 4e307);  // so that their distance is a number too
  const double size = std::max(std::fabs(low), std::fabs(high));
  if (!(high - low > 1e-6 * size)) {  // also where both are 0
    const double half = log ? 0.5 : size > 0 ? size / 2 : 0.5;
    low -= half, high += half;
  } else {
    const double air = padded ? 0.05 * (high - low) : 0;
    const double near = log ? -1 : 0.08 * (high - low);
    const double old_low = low;
    low = low >= 0 && low <= near ? 0 : low - air;
    high = high <= 0 && -high <= near && old_low < 0 ? 0 : high + air;
  }
  axis.low = low, axis.high = high;
  const auto mark = [&](double tick) { axis.ticks.push_back(tick); };
  if (log && high - low > 1) {
    const double step = std::max(1.0, std::ceil((high - low) / (count + 1)));
    for (double t = std::ceil(axis.low - 1e-9); t <= axis.high + 1e-9; t += step) mark(std::pow(10.0, t));
    return axis;
  }
  if (log) {  // less than a power of ten: 1, 2, 5, with ends where they are
    for (double power = std::floor(low); power <= high; ++power)
      for (const double part : {1.0, 2.0, 5.0}) {
        const double t = power + std::log10(part);
        if (t >= low - 1e-9 && t <= high + 1e-9) mark(std::pow(10.0, t));
      }
    return axis;
  }
  const double step = nice_step(high - low, count);
  const double first = std::ceil(axis.low / step - 1e-9);
  for (int i = 0; i < 4 * count + 8; ++i) {
    const double t = (first + i) * step;
    if (t > axis.high + 1e-6 * step) break;
    mark(t);
  }
  return axis;
}

}  // namespace pretext::report
