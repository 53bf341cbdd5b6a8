// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>

#include "../core/settings.hpp"

/// Scalars over time: factor(step, total) multiplies a rate; step counts from 0. `total` 0 means unknown (a stream).
namespace pretext::schedule {

namespace detail {
/// Linear from 1/warmup to 1 over the first `warmup` steps, then 1.
inline double warm(std::uint64_t step, std::uint64_t warmup) {
  return step < warmup ? static_cast<double>(step + 1) / static_cast<double>(warmup) : 1.0;
}
/// Share of the time after warm-up that is over, in [0, 1].
inline double after(std::uint64_t step, std::uint64_t warmup, std::uint64_t total) {
  if (step < warmup || total <= warmup) return 0.0;
  const double t = static_cast<double>(step - warmup) / static_cast<double>(total - warmup);
  return t < 1 ? t : 1.0;
}
}  // namespace detail

/// 1 after `warmup_steps` of linear growth.
struct constant {
  setting<std::uint64_t> warmup_steps = default_value(0);
  static constexpr const char* name = "constant";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("warmup_steps", self.warmup_steps);
  }
  double factor(std::uint64_t step, std::uint64_t) const { return detail::warm(step, warmup_steps); }
};

/// Half a cosine from 1 to `last` after a linear warm-up.
/// source  Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts
struct cosine {
  setting<std::uint64_t> warmup_steps = default_value(0);
  setting<double> last = default_value(0.0);
  static constexpr const char* name = "cosine";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("warmup_steps", self.warmup_steps);
    visit("last", self.last);
  }
  double factor(std::uint64_t step, std::uint64_t total) const {
    if (step < warmup_steps) return detail::warm(step, warmup_steps);
    const double t = detail::after(step, warmup_steps, total);
    return last + (1 - last) * 0.5 * (1 + std::cos(3.14159265358979323846 * t));
  }
};

/// Straight from 1 to `last` after a linear warm-up.
struct linear {
  setting<std::uint64_t> warmup_steps = default_value(0);
  setting<double> last = default_value(0.0);
  static constexpr const char* name = "linear";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("warmup_steps", self.warmup_steps);
    visit("last", self.last);
  }
  double factor(std::uint64_t step, std::uint64_t total) const {
    if (step < warmup_steps) return detail::warm(step, warmup_steps);
    return 1 + (last - 1) * detail::after(step, warmup_steps, total);
  }
};

/// Times `gamma` every `every_steps` steps, after a linear warm-up.
struct step {
  setting<std::uint64_t> warmup_steps = default_value(0);
  setting<std::uint64_t> every_steps = default_value(1000);
  setting<double> gamma = default_value(0.1);
  static constexpr const char* name = "step";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("warmup_steps", self.warmup_steps);
    visit("every_steps", self.every_steps);
    visit("gamma", self.gamma);
  }
  double factor(std::uint64_t at, std::uint64_t) const {
    if (at < warmup_steps) return detail::warm(at, warmup_steps);
    const std::uint64_t every = every_steps > 0 ? every_steps.value() : 1;
    return std::pow(gamma.value(), static_cast<double>(at / every));
  }
};

}  // namespace pretext::schedule
