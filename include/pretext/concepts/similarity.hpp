// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../core/scalar_math.hpp"
#include "layer.hpp"

namespace pretext::concepts {

/// `static constexpr bool symmetric, bounded, uses_norms`: what streaming losses may rely on.
template <class S>
concept DeclaresSymmetric = std::same_as<std::remove_cvref_t<decltype(S::symmetric)>, bool>;
template <class S>
concept DeclaresBounded = std::same_as<std::remove_cvref_t<decltype(S::bounded)>, bool>;
template <class S>
concept DeclaresNorms = std::same_as<std::remove_cvref_t<decltype(S::uses_norms)>, bool>;

/// `parameters(v, width)`: the parameters on rows of that width.
template <class P>
concept DeclaresParametersOfWidth = requires(const P& p, archetype_visitor& v, index_t width) { p.parameters(v, width); };

/// `Side` is similarity::side::anchor or candidate.
template <class S, auto Side, class Ctx = archetype_context>
concept HasMap = requires(const S& s, const Ctx& ctx, parameter_view<float> p, tensor_view<const float> x,
                          typename S::template cache<float>& c) {
  { s.template map<Side>(ctx, p, x, c) } -> std::convertible_to<tensor_view<const float>>;
};
template <class S, auto Side, class Ctx = archetype_context>
concept HasMapBackward =
    requires(const S& s, const Ctx& ctx, parameter_view<float> p, tensor_view<const float> x, const typename S::template cache<float>& c,
             tensor_view<const float> d, tensor_view<float> dx, gradient_view<float> g) {
      s.template map_backward<Side>(ctx, p, x, c, d, dx, g);
      s.template map_backward<Side>(ctx, p, x, c, d, dx, no_gradient{});
    };

template <class S>
concept HasScore = requires(const S& s, float v) {
  { s.template score<scalar_math>(v, v, v) } -> std::convertible_to<float>;
};
template <class S>
concept HasDerivative = requires(const S& s, float v) {
  { s.template derivative<scalar_math>(v, v, v).dot } -> std::convertible_to<float>;
  { s.template derivative<scalar_math>(v, v, v).row } -> std::convertible_to<float>;
};

template <class S, auto Anchor, auto Candidate>
concept Similarity = SmallValue<S> && Named<S> && DeclaresSymmetric<S> && DeclaresBounded<S> && DeclaresNorms<S> && HasCache<S> &&
                     DeclaresParametersOfWidth<S> && HasMap<S, Anchor> && HasMap<S, Candidate> && HasMapBackward<S, Anchor> &&
                     HasMapBackward<S, Candidate> && HasScore<S> && HasDerivative<S>;

/// Stops with one sentence that names what a similarity lacks.
template <class S, auto Anchor, auto Candidate>
constexpr bool explain_similarity() {
  static_assert(SmallValue<S>, "pretext[similarity.101] a similarity must be default constructible and copyable; see "
                               "docs/policies/similarity.md#value");
  static_assert(Named<S>, "pretext[similarity.102] `static constexpr const char* name` is missing; see docs/policies/similarity.md#value");
  static_assert(DeclaresSymmetric<S>, "pretext[similarity.103] `static constexpr bool symmetric` is missing: may rows and columns be "
                                      "exchanged? See docs/policies/similarity.md#claims");
  static_assert(DeclaresBounded<S>, "pretext[similarity.104] `static constexpr bool bounded` is missing: is the score bounded above? See "
                                    "docs/policies/similarity.md#claims");
  static_assert(DeclaresNorms<S>, "pretext[similarity.105] `static constexpr bool uses_norms` is missing: do squared norms matter? See "
                                  "docs/policies/similarity.md#claims");
  static_assert(HasScore<S>, "pretext[similarity.106] `template <class M, class V> V score(const V& dot, const V& row, const V& column) "
                             "const` is missing; see docs/policies/similarity.md#score");
  static_assert(HasDerivative<S>,
                "pretext[similarity.107] `template <class M, class V> partials<V> derivative(const V& dot, const V& row, const V& "
                "column) const` is missing; see docs/policies/similarity.md#derivative");
  static_assert(HasCache<S>, "pretext[similarity.108] `template <class T> struct cache` is missing; derive from similarity::plain_rows "
                             "where rows are not mapped, see docs/policies/similarity.md#map");
  static_assert(DeclaresParametersOfWidth<S>,
                "pretext[similarity.109] `template <class V> constexpr void parameters(V& v, index_t width) const` is missing; derive "
                "from similarity::plain_rows where there are none, see docs/policies/similarity.md#map");
  if constexpr (HasCache<S>) {
    static_assert(HasMap<S, Anchor> && HasMap<S, Candidate>,
                  "pretext[similarity.110] `template <side> map(ctx, parameter_view<T>, tensor_view<const T> x, cache<T>&) const -> "
                  "tensor_view<const T>` is missing; see docs/policies/similarity.md#map");
    static_assert(HasMapBackward<S, Anchor> && HasMapBackward<S, Candidate>,
                  "pretext[similarity.111] `template <side> map_backward(ctx, parameter_view<T>, x, const cache<T>&, d_mapped, dx, "
                  "d_params) const` is missing, or does not take no_gradient for d_params; see docs/policies/similarity.md#map");
  }
  return Similarity<S, Anchor, Candidate>;
}

}  // namespace pretext::concepts
