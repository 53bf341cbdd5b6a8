// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "family.hpp"
#include "optimizer.hpp"
#include "schedule.hpp"

namespace pretext::concepts {

// ---- what a recipe names: `using input = ...;` and so on

template <class R>
concept NamesFamily = requires { typename R::template family<R>; };
template <class R>
concept NamesInput = requires { typename R::input; };
template <class R>
concept NamesEncoder = requires { typename R::encoder; };
template <class R>
concept NamesHead = requires { typename R::head; };
template <class R>
concept NamesPredictor = requires { typename R::predictor; };
template <class R>
concept NamesViews = requires { typename R::views; };
template <class R>
concept NamesObjective = requires { typename R::objective; };
template <class R>
concept NamesTarget = requires { typename R::target; };
template <class R>
concept NamesNegatives = requires { typename R::negatives; };
template <class R>
concept NamesOptimizer = requires { typename R::optimizer; };
template <class R>
concept NamesSchedule = requires { typename R::schedule; };
/// A precision, where a recipe names one, says how numbers are stored (precision::float32, precision::float64, precision::bf16).
template <class R>
concept PrecisionStores = !requires { typename R::precision; } || requires { typename R::precision::storage; };

template <class R>
concept InputIsShape = NamesInput<R> && is_shape<typename R::input>;

template <class R>
concept Recipe = std::is_class_v<R> && NamesFamily<R> && PrecisionStores<R>;

// ---- the sentences. A family asks for what it uses, in the order of its stages, before it names any of it.

template <class R>
constexpr bool explain_input() {
  static_assert(NamesInput<R>, "pretext[recipe.101] the recipe has no `using input = image<C, H, W>` (or another shape of one sample); "
                               "see docs/policies/recipe.md#input");
  if constexpr (NamesInput<R>)
    static_assert(is_shape<typename R::input>, "pretext[recipe.102] `input` is no shape; write image<C, H, W>, features<D> or "
                                               "sequence<D>, see docs/policies/recipe.md#input");
  return InputIsShape<R>;
}
template <class R>
constexpr bool explain_encoder_name() {
  static_assert(NamesEncoder<R>, "pretext[recipe.103] the recipe has no `using encoder = ...`; see docs/policies/recipe.md#encoder");
  return NamesEncoder<R>;
}
template <class R>
constexpr bool explain_head_name() {
  static_assert(NamesHead<R>, "pretext[recipe.104] the recipe has no `using head = ...` (nn::mlp<128, 64>, or nn::identity for none); see "
                              "docs/policies/recipe.md#head");
  return NamesHead<R>;
}
template <class R>
constexpr bool explain_predictor_name() {
  static_assert(NamesPredictor<R>, "pretext[recipe.106] the recipe has no `using predictor = ...` (nn::identity for none); see "
                                   "docs/policies/recipe.md#predictor");
  return NamesPredictor<R>;
}
template <class R>
constexpr bool explain_views_name() {
  static_assert(NamesViews<R>, "pretext[recipe.107] the recipe has no `using views = augment::chain<...>`; see "
                               "docs/policies/recipe.md#views");
  return NamesViews<R>;
}
template <class R>
constexpr bool explain_objective_name() {
  static_assert(NamesObjective<R>, "pretext[recipe.108] the recipe has no `using objective = ...`; see "
                                   "docs/policies/recipe.md#objective");
  return NamesObjective<R>;
}
template <class R>
constexpr bool explain_target_names() {
  static_assert(NamesTarget<R>, "pretext[recipe.109] the recipe has no `using target = ...` (target::none for none); see "
                                "docs/policies/recipe.md#target");
  static_assert(NamesNegatives<R>, "pretext[recipe.110] the recipe has no `using negatives = ...` (target::no_queue for none); see "
                                   "docs/policies/recipe.md#target");
  return NamesTarget<R> && NamesNegatives<R>;
}
/// Optimizer and schedule: named, and what they have to be.
template <class R>
constexpr bool explain_update() {
  static_assert(NamesOptimizer<R>, "pretext[recipe.111] the recipe has no `using optimizer = ...`; see "
                                   "docs/policies/recipe.md#optimizer");
  static_assert(NamesSchedule<R>, "pretext[recipe.112] the recipe has no `using schedule = ...` (schedule::constant for none); see "
                                  "docs/policies/recipe.md#optimizer");
  if constexpr (NamesOptimizer<R> && NamesSchedule<R>)
    return explain_optimizer<typename R::optimizer>() && explain_schedule<typename R::schedule>();
  else
    return false;
}

/// The first thing a trainer asks: one sentence about what is wrong with a recipe, before anything is made of it.
/// The family is completed here, so its own sentences about the recipe come before those about the family.
template <class R>
constexpr bool explain_recipe() {
  static_assert(std::is_class_v<R>, "pretext[recipe.100] a recipe is a struct of usings; derive one from recipe::simclr, see "
                                    "docs/policies/recipe.md");
  static_assert(!std::is_class_v<R> || NamesFamily<R>,
                "pretext[recipe.113] the recipe names no family: derive it from a recipe of the library, or write `template <class R> "
                "using family = method::joint_embedding<R>;`, see docs/policies/recipe.md#family");
  if constexpr (Recipe<R>) {
    return explain_family<typename R::template family<R>>();
  } else {
    static_assert(!std::is_class_v<R> || PrecisionStores<R>,
                  "pretext[recipe.114] `precision` has no `storage`; write precision::float32, float64 or bf16, see "
                  "docs/policies/recipe.md#precision");
    return false;
  }
}

}  // namespace pretext::concepts
