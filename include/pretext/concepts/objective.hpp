// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "layer.hpp"

namespace pretext::concepts {

/// `void loss(ctx, in, parameter_view<T>, cache<T>&, tensor_view<T> result) const`; `In` is what the family hands over.
template <class O, class In, class Ctx = archetype_context>
concept HasLoss = requires(const O& o, const Ctx& ctx, const In& in, parameter_view<float> p, typename O::template cache<float>& c,
                           tensor_view<float> result) { o.loss(ctx, in, p, c, result); };

/// `void gradient(ctx, T weight, in, parameter_view<T>, const cache<T>&, tensor_view<T> d_in, Dp d_params) const`
template <class O, class In, class Ctx = archetype_context>
concept HasGradient =
    requires(const O& o, const Ctx& ctx, const In& in, parameter_view<float> p, const typename O::template cache<float>& c, float weight,
             tensor_view<float> d_in, gradient_view<float> d_params) { o.gradient(ctx, weight, in, p, c, d_in, d_params); };

template <class O, class In>
concept Objective = SmallValue<O> && Named<O> && HasCache<O> && HasLoss<O, In> && HasGradient<O, In>;

/// Stops with one sentence that names what an objective lacks for rows given as `In`.
template <class O, class In>
constexpr bool explain_objective() {
  static_assert(SmallValue<O>, "pretext[objective.101] an objective must be default constructible and copyable; see "
                               "docs/policies/objective.md#value");
  static_assert(HasCache<O>, "pretext[objective.102] `template <class T> struct cache` is missing (it may be empty); see "
                             "docs/policies/objective.md#cache");
  static_assert(Named<O>, "pretext[objective.105] `static constexpr const char* name` is missing; see docs/policies/objective.md#value");
  if constexpr (HasCache<O>) {
    static_assert(HasLoss<O, In>,
                  "pretext[objective.103] `loss(ctx, in, parameter_view<T>, cache<T>&, tensor_view<T> result) const` is missing for "
                  "the rows this recipe compares (self_pairs without a target, target_pairs with one); see "
                  "docs/policies/objective.md#loss");
    static_assert(HasGradient<O, In>,
                  "pretext[objective.104] `gradient(ctx, T weight, in, parameter_view<T>, const cache<T>&, tensor_view<T> d_in, Dp "
                  "d_params) const` is missing; see docs/policies/objective.md#gradient");
  }
  return Objective<O, In>;
}

}  // namespace pretext::concepts
