// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "archetype.hpp"

namespace pretext::concepts {

/// Completing the family runs its own static_asserts, so a recipe's mistake is said before anything about the family.
template <class F>
concept HasSettings = requires { sizeof(F); typename F::settings; } && SmallValue<typename F::settings>;

/// What the trainer itself reads: `setting<index_t> batch_size` and `setting<std::uint64_t> seed`.
template <class F>
concept SetsBatchSizeAndSeed = requires(typename F::settings& s) {
  { s.batch_size } -> std::convertible_to<index_t>;
  { s.seed } -> std::convertible_to<std::uint64_t>;
};

template <class F>
concept MadeFromSettings = std::is_constructible_v<F, const typename F::settings&>;

template <class F>
concept HasBatchType = requires { typename F::batch_type; };

/// `std::tuple` of train::player(...): who is trained.
template <class F>
concept HasPlayers = requires(F& f) { f.players(); };

template <class F>
concept SizesBatches = requires(const F& f, const typename F::batch_type& in) {
  { f.batch_size_of(in) } -> std::convertible_to<index_t>;
};

template <class F>
concept PlansBatches = requires(const F& f, index_t n) {
  { f.plan_batch(n) } -> std::convertible_to<typename F::batch_type>;
};

/// What a step is given when it is only asked whether it exists: no member of it is touched.
struct archetype_step {
  using value_type = float;
};
template <class F, class Scope = archetype_step>
concept HasStep = requires(const F& f, Scope& s, const typename F::batch_type& in) { f.step(s, in); };

template <class F>
concept Family = HasSettings<F> && SetsBatchSizeAndSeed<F> && MadeFromSettings<F> && Named<F> && HasBatchType<F> && HasPlayers<F> &&
                 SizesBatches<F> && PlansBatches<F> && HasStep<F>;

/// Stops with one sentence that names what a family lacks.
template <class F>
constexpr bool explain_family() {
  static_assert(HasSettings<F>, "pretext[family.101] `struct settings`, default constructible and copyable, is missing; see "
                                "docs/policies/family.md#settings");
  if constexpr (HasSettings<F>) {
    static_assert(SetsBatchSizeAndSeed<F>, "pretext[family.102] a family's settings need `setting<index_t> batch_size` and "
                                           "`setting<std::uint64_t> seed`; see docs/policies/family.md#settings");
    static_assert(MadeFromSettings<F>, "pretext[family.103] a family must be constructible from `const settings&`; see "
                                       "docs/policies/family.md#settings");
  }
  static_assert(Named<F>, "pretext[family.104] `static constexpr const char* name` is missing; see docs/policies/family.md#settings");
  static_assert(HasBatchType<F>, "pretext[family.105] `using batch_type = ...`, what a step reads, is missing; see "
                                 "docs/policies/family.md#batch");
  static_assert(HasPlayers<F>, "pretext[family.106] `auto players()`, a std::tuple of train::player(...), is missing; see "
                               "docs/policies/family.md#players");
  if constexpr (HasBatchType<F>) {
    static_assert(SizesBatches<F>, "pretext[family.107] `static index_t batch_size_of(const batch_type&)` is missing; see "
                                   "docs/policies/family.md#batch");
    static_assert(PlansBatches<F>, "pretext[family.108] `static batch_type plan_batch(index_t samples)` is missing; see "
                                   "docs/policies/family.md#batch");
    static_assert(HasStep<F>, "pretext[family.109] `template <class S> constexpr void step(S& s, const batch_type& in) const` is "
                              "missing or does not return void; see docs/policies/family.md#step");
  }
  return Family<F>;
}

}  // namespace pretext::concepts
