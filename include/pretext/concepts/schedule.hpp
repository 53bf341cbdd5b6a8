// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "archetype.hpp"

namespace pretext::concepts {

/// `double factor(std::uint64_t step, std::uint64_t total) const`; total is 0 where no end is in sight.
template <class S>
concept HasFactor = requires(const S& s, std::uint64_t step) {
  { s.factor(step, step) } -> std::convertible_to<double>;
};

template <class S>
concept Schedule = SmallValue<S> && Named<S> && HasFactor<S>;

/// Stops with one sentence that names what a schedule lacks.
template <class S>
constexpr bool explain_schedule() {
  static_assert(SmallValue<S>, "pretext[schedule.101] a schedule must be default constructible and copyable; see "
                               "docs/policies/schedule.md#value");
  static_assert(Named<S>, "pretext[schedule.102] `static constexpr const char* name` is missing; see docs/policies/schedule.md#value");
  static_assert(HasFactor<S>, "pretext[schedule.103] `double factor(std::uint64_t step, std::uint64_t total) const` is missing; see "
                              "docs/policies/schedule.md#factor");
  return Schedule<S>;
}

}  // namespace pretext::concepts
