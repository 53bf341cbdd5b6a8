// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>
#include <type_traits>

#include "../backend/context.hpp"
#include "../backend/ops.hpp"
#include "../core/settings.hpp"

/// Layers are specs (`linear<128>`): small const values that are bound to an input shape. A bound layer has
///   parameters(v)                                       its table, in order
///   output()                                            the shape of one sample's output
///   cache<T>                                            what backward needs, views into the step's memory
///   forward(ctx, params, x, y, cache)
///   backward(ctx, params, x, cache, dy, dx, d_params)   dx is written, d_params accumulates; either may be no_gradient
namespace pretext::nn {

/// A string as a template argument, for names of children and taps.
template <std::size_t N>
struct name {
  char text[N]{};
  constexpr name(const char (&s)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = s[i];
  }
  constexpr std::string_view view() const { return {text, N - 1}; }
};

/// The bound layer type of a spec on an input shape; `invalid_layer` after a mistake, so that one sentence is enough.
struct invalid_layer {
  using output_shape = invalid_shape;
  constexpr invalid_shape output() const { return {}; }
  template <class V>
  constexpr void parameters(V&) const {}
  template <class T>
  struct cache {};
};

namespace detail {
template <class Spec, class In>
struct bind_type {
  using type = typename Spec::template bound<In>;
};
template <class Spec>
struct bind_type<Spec, invalid_shape> {
  using type = invalid_layer;
};
}  // namespace detail

template <class Spec, class In>
using bound_t = typename detail::bind_type<Spec, In>::type;

/// spec + input shape -> bound layer. The same function at compile time, at construction and for a batch's own extents.
template <class Spec, class In>
constexpr auto bind(const Spec& spec, const In& in) {
  if constexpr (std::is_same_v<In, invalid_shape>)
    return invalid_layer{};
  else
    return bound_t<Spec, In>(spec, in);
}

template <class Bound>
using output_t = std::remove_cvref_t<decltype(std::declval<const Bound&>().output())>;

/// Base of bound layers: keeps spec and input shape.
template <class Spec, class In>
struct bound_base {
  using spec_type = Spec;
  using input_shape = In;
  [[no_unique_address]] Spec spec{};
  [[no_unique_address]] In input{};

  constexpr bound_base() = default;
  constexpr bound_base(const Spec& s, const In& i) : spec(s), input(i) {}

  template <class V>
  constexpr void parameters(V&) const {}
};

/// The extents of a bound layer's output are constants but for the number of samples.
template <class Bound>
concept HasFixedOutput = !requires(const Bound& layer, const extents& in) { layer.output_extents(in); } &&
                         requires { output_t<Bound>::of_batch(index_t{}); };

/// Extents of a bound layer's output for a batch whose input has extents `in`.
template <class Bound>
constexpr extents output_extents(const Bound& layer, const extents& in) {
  if constexpr (requires { layer.output_extents(in); })
    return layer.output_extents(in);
  else if constexpr (HasFixedOutput<Bound>)
    return output_t<Bound>::of_batch(in[0]);
  else if constexpr (output_t<Bound>::is_static)
    return static_cast<extents>(layer.output()).prepend(in[0]);
  else
    return static_cast<extents>(
               Bound(layer.spec, typename Bound::input_shape(in.drop_first())).output())
        .prepend(in[0]);
}

/// The key of child `i` of a combinator: draws of different layers never meet (SplitMix64's finaliser).
constexpr rng::key child_key(rng::key k, std::size_t i) {
  std::uint64_t z = k.seed + 0x9E3779B97F4A7C15u * (i + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  k.seed = z ^ (z >> 31);
  return k;
}

constexpr moving_key child_key(moving_key k, std::size_t i) {
  k.fixed = child_key(k.fixed, i);
  return k;
}

/// The context of a combinator's child `i`, with a key of its own.
template <class Ctx>
constexpr Ctx child_context(const Ctx& ctx, std::size_t i) {
  return ctx.with_key(child_key(ctx.key, i));
}

/// Whether any of these networks mixes the samples of a batch (batch_norm): parts of a batch then differ from the whole.
template <class... Bound>
constexpr bool uses_batch_statistics(const Bound&... layer) {
  pretext::detail::segment_counter c;
  (layer.parameters(c), ...);
  return c.has_statistics;
}

/// Layers whose cache holds a view of their output: it has to stay as forward left it until backward. Of most layers a
/// combinator may change the output or take its memory back.
template <class Bound>
concept KeepsOutput = requires { requires Bound::keeps_output; };

namespace detail {
template <class T>
inline constexpr bool dependent_false = false;

/// Layers that run an elementwise layer whose gradient follows from its value: that layer's share of backward, into memory of
/// the enclosing scope.
template <class Next, class Ctx, class T>
constexpr activations<const T> gradient_of_absorbed(const Ctx& ctx, const activations<const T>& value, const activations<const T>& dy) {
  const activations<T> dx(ctx.take(dy.shape), dy.structure);
  ctx(op::map_backward, typename Next::functor{}, value, dy, dx);
  return activations<const T>(dx);
}
}  // namespace detail

}  // namespace pretext::nn
