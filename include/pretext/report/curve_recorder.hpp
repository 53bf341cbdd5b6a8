// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../core/list.hpp"
#include "document.hpp"

namespace pretext::report {

/// Collects a curve of unknown length in bounded memory: parts keep their lowest, highest and mean value; when there
/// are too many parts, each two become one. A run of a year takes as much memory as one of an hour.
/// x must not decrease.
class curve_recorder {
 public:
  explicit curve_recorder(std::size_t most_parts = 2048) : most_(most_parts > 2 ? most_parts : 2) {}

  PRETEXT_APART void add(double x, double y) {
    if (parts_.empty() || parts_.back().points == each_) {
      if (parts_.size() >= most_) halve();
      if (parts_.empty() || parts_.back().points == each_) parts_.add();
    }
    parts_.back().add(x, y);
  }
  void clear() {
    parts_.cut(0);
    each_ = 1;
  }
  bool empty() const { return parts_.empty(); }
  std::size_t parts() const { return parts_.size(); }

  /// Lows and highs in their order; NaN where a value was not finite.
  PRETEXT_COLD curve raw(std::string name) const {
    curve out;
    out.name = std::move(name);
    const auto put = [&](double x, double y) {
      out.x.push_back(x);
      out.y.push_back(y);
    };
    for (const part& p : parts_) {
      if (p.finite > 0) {
        const bool low_first = p.low_x <= p.high_x;
        put(low_first ? p.low_x : p.high_x, low_first ? p.low : p.high);
        if (p.finite > 1 && p.low_x != p.high_x) put(low_first ? p.high_x : p.low_x, low_first ? p.high : p.low);
      }
      if (p.finite < p.points) put(p.gap_x, std::numeric_limits<double>::quiet_NaN());
    }
    return out;
  }

  /// Means over about `share` of the length on both sides, so that the curve does not lag behind; values that are not
  /// finite are left out.
  PRETEXT_COLD curve smooth(std::string name, double share = 0.015) const {
    curve out;
    out.name = std::move(name);
    const double width = share * static_cast<double>(parts_.size());
    const double keep = width > 1 ? 1 - 1 / width : 0;
    std::vector<double> mean;
    for (const part& p : parts_) {
      if (p.finite == 0) continue;
      const double x = (p.low_x + p.high_x) / 2, y = p.sum / static_cast<double>(p.finite);
      out.x.push_back(x);
      mean.push_back(y);
    }
    // Weights fall by `keep` a part in both directions; at the ends there is simply less to sum.
    std::vector<double> sums = mean, weights(mean.size(), 1.0);
    double sum = 0, weight = 0;
    for (std::size_t i = 0; i < mean.size(); ++i) {
      sums[i] += sum, weights[i] += weight;
      sum = keep * (sum + mean[i]), weight = keep * (weight + 1);
    }
    sum = weight = 0;
    for (std::size_t i = mean.size(); i-- > 0;) {
      sums[i] += sum, weights[i] += weight;
      sum = keep * (sum + mean[i]), weight = keep * (weight + 1);
    }
    for (std::size_t i = 0; i < mean.size(); ++i) sums[i] /= weights[i];
    out.y = std::move(sums);
    return out;
  }

 private:
  struct part {
    double low = 0, high = 0, low_x = 0, high_x = 0, gap_x = 0, sum = 0;
    std::size_t points = 0, finite = 0;

    void add(double x, double y) {
      ++points;
      if (!std::isfinite(y)) {
        gap_x = x;
        return;
      }
      if (finite == 0 || y < low) low = y, low_x = x;
      if (finite == 0 || y > high) high = y, high_x = x;
      sum += y;
      ++finite;
    }
    void join(const part& after) {
      if (after.finite < after.points) gap_x = after.gap_x;
      if (after.finite > 0 && (finite == 0 || after.low < low)) low = after.low, low_x = after.low_x;
      if (after.finite > 0 && (finite == 0 || after.high > high)) high = after.high, high_x = after.high_x;
      sum += after.sum;
      points += after.points;
      finite += after.finite;
    }
  };

  PRETEXT_COLD void halve() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < parts_.size(); i += 2, ++kept) {
      part joined = parts_[i];
      if (i + 1 < parts_.size()) joined.join(parts_[i + 1]);
      parts_[kept] = joined;
    }
    parts_.cut(kept);
    each_ *= 2;
  }

  std::size_t most_, each_ = 1;
  list<part> parts_;
};

}  // namespace pretext::report
