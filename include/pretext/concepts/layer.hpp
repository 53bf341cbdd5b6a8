// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "archetype.hpp"

namespace pretext::concepts {

// ---- the requirements, each small enough that a failed one reads as a sentence

/// `template <class In> struct bound`, made from (spec, input shape).
template <class Spec, class In>
concept Binds = requires { typename Spec::template bound<In>; };

template <class Spec, class In>
concept BindsByValue = std::is_default_constructible_v<typename Spec::template bound<In>> &&
                       std::is_constructible_v<typename Spec::template bound<In>, const Spec&, const In&>;

/// `auto output() const`: the shape of one sample's output.
template <class Bound>
concept HasOutput = requires(const Bound& b) {
  { b.output() } -> std::convertible_to<extents>;
};

/// `template <class V> constexpr void parameters(V& v) const`: its table, in order.
template <class Bound>
concept DeclaresParameters = requires(const Bound& b, archetype_visitor& v) { b.parameters(v); };

/// `template <class T> struct cache`: what backward needs, views into the step's memory.
template <class P>
concept HasCache = requires { typename P::template cache<float>; } && std::default_initializable<typename P::template cache<float>>;

template <class Bound, class Ctx = archetype_context>
concept HasForward = requires(const Bound& b, const Ctx& ctx, parameter_view<float> p, activations<const float> x,
                              activations<float> y, typename Bound::template cache<float>& c) { b.forward(ctx, p, x, y, c); };

/// `Dx` is activations<float> or no_gradient, `Dp` gradient_view<float> or no_gradient.
template <class Bound, class Dx, class Dp, class Ctx = archetype_context>
concept HasBackward = requires(const Bound& b, const Ctx& ctx, parameter_view<float> p, activations<const float> x,
                               const typename Bound::template cache<float>& c, activations<const float> dy, Dx dx,
                               Dp d) { b.backward(ctx, p, x, c, dy, dx, d); };

template <class Bound>
concept BoundLayer = std::copyable<Bound> && HasOutput<Bound> && DeclaresParameters<Bound> && HasCache<Bound> && HasForward<Bound> &&
                     HasBackward<Bound, activations<float>, gradient_view<float>> &&
                     HasBackward<Bound, no_gradient, gradient_view<float>> && HasBackward<Bound, activations<float>, no_gradient>;

/// A layer on one input shape: what combinators and stages compose.
template <class Spec, class In>
concept Layer = SmallValue<Spec> && Binds<Spec, In> && BindsByValue<Spec, In> && BoundLayer<typename Spec::template bound<In>>;

// ---- the sentences

template <class Bound>
constexpr bool explain_bound();

namespace detail {
template <class Children>
inline constexpr bool explain_each = true;
template <template <class...> class List, class... B>
inline constexpr bool explain_each<List<B...>> = (explain_bound<B>() && ...);

/// A combinator is asked through its children, so that the sentence is about the layer that is wrong.
template <class Bound>
constexpr bool explain_children() {
  bool good = true;
  if constexpr (requires(const Bound& b) { b.children; }) good = good && explain_each<std::remove_cvref_t<decltype(Bound::children)>>;
  if constexpr (requires { typename Bound::main_type; }) good = good && explain_bound<typename Bound::main_type>();
  if constexpr (requires { typename Bound::shortcut_type; }) good = good && explain_bound<typename Bound::shortcut_type>();
  if constexpr (requires { typename Bound::block_type; }) good = good && explain_bound<typename Bound::block_type>();
  return good;
}
}  // namespace detail

/// Stops with one sentence that names what a bound layer, or the first wrong layer inside it, lacks.
template <class Bound>
constexpr bool explain_bound() {
  static_assert(HasOutput<Bound>, "pretext[layer.103] `constexpr auto output() const`, the shape of one sample's output, is missing; "
                                  "see docs/policies/layer.md#output");
  if constexpr (HasOutput<Bound>) {
    if constexpr (detail::explain_children<Bound>()) {
      static_assert(std::copyable<Bound>, "pretext[layer.101] a bound layer must be copyable; see docs/policies/layer.md#value");
      static_assert(DeclaresParameters<Bound>,
                    "pretext[layer.104] `template <class V> constexpr void parameters(V& v) const` is missing; derive bound from "
                    "nn::bound_base or see docs/policies/layer.md#parameters");
      static_assert(HasCache<Bound>, "pretext[layer.105] `template <class T> struct cache` is missing (it may be empty); see "
                                     "docs/policies/layer.md#cache");
      if constexpr (HasCache<Bound>) {
        static_assert(HasForward<Bound>,
                      "pretext[layer.106] `forward(ctx, parameter_view<T>, activations<const T> x, activations<T> y, cache<T>&) "
                      "const` is missing; see docs/policies/layer.md#forward");
        static_assert(HasBackward<Bound, activations<float>, gradient_view<float>>,
                      "pretext[layer.107] `backward(ctx, parameter_view<T>, activations<const T> x, const cache<T>&, "
                      "activations<const T> dy, Dx dx, Dp d_params) const` is missing; see docs/policies/layer.md#backward");
        static_assert(HasBackward<Bound, no_gradient, gradient_view<float>> && HasBackward<Bound, activations<float>, no_gradient>,
                      "pretext[layer.108] backward must take no_gradient for dx and for d_params: make both template "
                      "parameters; see docs/policies/layer.md#backward");
      }
    }
  }
  return BoundLayer<Bound>;
}

/// The same for a spec on an input shape.
template <class Spec, class In>
constexpr bool explain_layer() {
  static_assert(SmallValue<Spec>, "pretext[layer.101] a layer must be default constructible and copyable; see "
                                  "docs/policies/layer.md#value");
  static_assert(Binds<Spec, In>, "pretext[layer.100] this is no layer: `template <class In> struct bound` is missing; see "
                                 "docs/policies/layer.md#bound");
  if constexpr (Binds<Spec, In>) {
    static_assert(BindsByValue<Spec, In>, "pretext[layer.102] bound must be default constructible and constructible from (spec, "
                                          "input shape): derive it from nn::bound_base and take its constructors with "
                                          "`using base::base`; see docs/policies/layer.md#bound");
    if constexpr (BindsByValue<Spec, In>) return explain_bound<typename Spec::template bound<In>>();
  }
  return false;
}

}  // namespace pretext::concepts
