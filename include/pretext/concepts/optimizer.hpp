// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "../backend/ops/update.hpp"
#include "../core/scalar_math.hpp"
#include "../core/settings.hpp"
#include "archetype.hpp"

namespace pretext::concepts {

/// `setting<double> rate`: what a schedule multiplies.
template <class O>
concept HasRate = requires(const O& o) {
  { o.rate } -> std::convertible_to<double>;
} && is_setting<std::remove_cvref_t<decltype(std::declval<O&>().rate)>>;

/// `static constexpr int states`: how many buffers like the parameters it keeps, 0 to 2.
template <class O>
concept DeclaresStates = std::integral<std::remove_cvref_t<decltype(O::states)>> && O::states >= 0 && O::states <= 2;

/// `static constexpr bool needs_norms`: whether prepare reads the norms of a range's weights and gradients.
template <class O>
concept DeclaresNeedsNorms = std::same_as<std::remove_cvref_t<decltype(O::needs_norms)>, bool>;

template <class O>
concept WritesInputs = requires(const O& o, player_inputs& in, std::uint64_t updates) { o.write_inputs(in, updates); };

template <class O>
concept HasPrepare = requires(const O& o, const update_range& r, const player_inputs& in) { o.template prepare<float>(r, in, 0.0, 0.0); };

/// Every element: p changes, the states follow; over a math policy, so that one text serves scalars and vectors.
template <class O>
concept HasApply = requires(const O& o, const update_range& r, const player_inputs& in, float g, float& p, float& s0, float& s1) {
  o.template apply<scalar_math>(o.template prepare<float>(r, in, 0.0, 0.0), g, p, s0, s1);
};

template <class O>
concept Optimizer = SmallValue<O> && Named<O> && HasRate<O> && DeclaresStates<O> && DeclaresNeedsNorms<O> && WritesInputs<O> &&
                    HasPrepare<O> && HasApply<O>;

/// Stops with one sentence that names what an optimizer lacks.
template <class O>
constexpr bool explain_optimizer() {
  static_assert(SmallValue<O>, "pretext[optimizer.101] an optimizer must be default constructible and copyable; see "
                               "docs/policies/optimizer.md#value");
  static_assert(Named<O>, "pretext[optimizer.102] `static constexpr const char* name` is missing; see docs/policies/optimizer.md#value");
  static_assert(HasRate<O>, "pretext[optimizer.103] `setting<double> rate` is missing; see docs/policies/optimizer.md#value");
  static_assert(DeclaresStates<O>, "pretext[optimizer.104] `static constexpr int states` is missing or not 0, 1 or 2; see "
                                   "docs/policies/optimizer.md#states");
  static_assert(DeclaresNeedsNorms<O>, "pretext[optimizer.105] `static constexpr bool needs_norms` is missing; see "
                                       "docs/policies/optimizer.md#prepare");
  static_assert(WritesInputs<O>, "pretext[optimizer.106] `void write_inputs(player_inputs&, std::uint64_t updates) const` is missing; "
                                 "see docs/policies/optimizer.md#prepare");
  static_assert(HasPrepare<O>, "pretext[optimizer.107] `template <class T> auto prepare(const update_range&, const player_inputs&, "
                               "double weight_norm, double gradient_norm) const` is missing; see docs/policies/optimizer.md#prepare");
  if constexpr (HasPrepare<O>)
    static_assert(HasApply<O>, "pretext[optimizer.108] `template <class M, class C, class V> apply(const C& c, const V& g, V& p, V& s0, V& "
                               "s1)` is missing; see docs/policies/optimizer.md#apply");
  return Optimizer<O>;
}

}  // namespace pretext::concepts
