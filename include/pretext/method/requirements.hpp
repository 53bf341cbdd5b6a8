// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../augment/views.hpp"
#include "../concepts/objective.hpp"
#include "../concepts/recipe.hpp"
#include "../concepts/similarity.hpp"
#include "../nn/layer.hpp"
#include "../objective/rows.hpp"
#include "../similarity/similarity.hpp"

/// What the families of this folder ask of a recipe, stage by stage, each as one sentence. A family runs this as the
/// first line of its class, so that it comes before the compiler stumbles over a missing name.
namespace pretext::method {

namespace detail {
template <class T>
inline constexpr bool is_views = false;
template <class... Groups>
inline constexpr bool is_views<augment::views<Groups...>> = true;
template <class T>
inline constexpr bool is_chain = false;
template <class... Steps>
inline constexpr bool is_chain<augment::chain<Steps...>> = true;

/// A chain or a group of views has explained its steps itself; a single step stands for a chain of it.
template <class Views>
constexpr bool explain_views() {
  if constexpr (is_views<Views> || is_chain<Views>)
    return true;
  else
    return augment::explain_augmentation<Views>();
}

/// A stage on what the stage before it puts out. After a wrong shape nothing more is said.
template <class Spec, class In>
constexpr bool explain_stage() {
  if constexpr (std::is_same_v<In, invalid_shape>)
    return false;
  else
    return concepts::explain_layer<Spec, In>();
}

template <class Target>
concept SaysWhatItIs = requires {
  { Target::is_target } -> std::convertible_to<bool>;
  { Target::mirrors } -> std::convertible_to<bool>;
};
template <class Negatives>
concept SaysWhatItKeeps = requires {
  { Negatives::keeps_rows } -> std::convertible_to<bool>;
};
template <class Target>
concept HasMomentum = requires(const Target& t) {
  { t.momentum.value() } -> std::convertible_to<double>;
  { t.last_momentum.value() } -> std::convertible_to<double>;
};
template <class Negatives>
concept HasSize = requires(const Negatives& n) {
  { n.size.value() } -> std::convertible_to<index_t>;
};
}  // namespace detail

/// input, encoder, views, optimizer, schedule: what every family of images asks.
template <class R>
constexpr bool explain_image_encoder() {
  if constexpr (concepts::explain_input<R>() && concepts::explain_encoder_name<R>())
    if constexpr (detail::explain_stage<typename R::encoder, typename R::input>())
      if constexpr (concepts::explain_views_name<R>())
        if constexpr (detail::explain_views<typename R::views>()) return concepts::explain_update<R>();
  return false;
}

/// The stages that joint_embedding has besides.
template <class R>
constexpr bool explain_joint_embedding() {
  if constexpr (explain_image_encoder<R>() && concepts::explain_head_name<R>()) {
    using encoded = nn::output_t<nn::bound_t<typename R::encoder, typename R::input>>;
    if constexpr (detail::explain_stage<typename R::head, encoded>() && concepts::explain_predictor_name<R>()) {
      using projected = nn::output_t<nn::bound_t<typename R::head, encoded>>;
      static_assert(std::is_same_v<projected, invalid_shape> || projected::rank == 1,
                    "pretext[recipe.115] the head's output must be features<D>, one row a view; end the encoder or the head with "
                    "nn::global_avg_pool or nn::flatten, see docs/policies/recipe.md#head");
      if constexpr (detail::explain_stage<typename R::predictor, projected>() && concepts::explain_objective_name<R>() &&
                    concepts::explain_target_names<R>()) {
        using predicted = nn::output_t<nn::bound_t<typename R::predictor, projected>>;
        static_assert(std::is_same_v<predicted, invalid_shape> || std::is_same_v<predicted, projected>,
                      "pretext[recipe.116] the predictor must keep the width of the head's output, which it is compared with; see "
                      "docs/policies/recipe.md#predictor");
        using compared = typename R::objective;
        static_assert(detail::SaysWhatItIs<typename R::target>,
                      "pretext[target.102] a target needs `static constexpr bool is_target` and `static constexpr bool mirrors`; see "
                      "docs/policies/target.md");
        static_assert(detail::SaysWhatItKeeps<typename R::negatives>,
                      "pretext[target.103] `negatives` needs `static constexpr bool keeps_rows`; see docs/policies/target.md#negatives");
        if constexpr (detail::SaysWhatItIs<typename R::target> && detail::SaysWhatItKeeps<typename R::negatives>) {
          static_assert(!R::target::mirrors || detail::HasMomentum<typename R::target>,
                        "pretext[target.105] a target that mirrors the network needs `setting<double> momentum` and `last_momentum`; see "
                        "docs/policies/target.md#value");
          static_assert(!R::negatives::keeps_rows || detail::HasSize<typename R::negatives>,
                        "pretext[target.106] `negatives` that keep rows need `setting<index_t> size`; see docs/policies/target.md#negatives");
          static_assert(R::target::is_target || !R::negatives::keeps_rows,
                        "pretext[target.104] a queue of negatives needs a target that fills it; write `using target = target::ema`, see "
                        "docs/policies/target.md#negatives");
          if constexpr (requires(compared& o) { o.similarity; })
            if constexpr (!concepts::explain_similarity<std::remove_cvref_t<decltype(std::declval<compared&>().similarity)>,
                                                        similarity::side::anchor, similarity::side::candidate>())
              return false;
          if constexpr (R::target::is_target)
            return concepts::explain_objective<compared, objective::target_pairs<float>>();
          else
            return concepts::explain_objective<compared, objective::self_pairs<float>>();
        }
      }
    }
  }
  return false;
}

}  // namespace pretext::method
