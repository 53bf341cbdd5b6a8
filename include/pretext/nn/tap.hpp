// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <tuple>

#include "sequential.hpp"

namespace pretext::nn {

/// Marks a place inside a network: the output of `Layer` can be read after forward and given a gradient of its own
/// before backward (dense losses, top layers). Its parameters are named as if the tap were not there.
///   auto h4 = nn::find_tap<"h4">(record.cache);  h4.value ... ;  h4.gradient = my_gradient;
template <nn::name Name, class Layer>
struct tap : Layer {
  static constexpr auto tap_name = Name;

  template <class In>
  struct bound : bound_t<Layer, In> {
    using inner = bound_t<Layer, In>;
    using spec_type = tap;
    constexpr bound() = default;
    constexpr bound(const tap& s, const In& in) : inner(static_cast<const Layer&>(s), in) {}

    constexpr extents output_extents(const extents& in) const {
      return nn::output_extents(static_cast<const inner&>(*this), in);
    }
    template <class T>
    struct cache : inner::template cache<T> {
      static constexpr auto tap_name = Name;
      activations<T> value;
      tensor_view<const T> gradient;  // null: none was given
    };
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                           cache<T>& kept) const {
      kept.value = y;
      kept.gradient = {};
      inner::forward(ctx, params, x, y, static_cast<typename inner::template cache<T>&>(kept));
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                            activations<const T> dy, Dx dx, Dp d_params) const {
      const auto& inner_cache = static_cast<const typename inner::template cache<T>&>(kept);
      if (!kept.gradient) {
        inner::backward(ctx, params, x, inner_cache, dy, dx, d_params);
      } else {
        const auto scope = ctx.scope();
        const activations<T> sum(ctx.take(dy.shape), dy.structure);
        ctx(op::copy, dy, sum);
        ctx(op::add, kept.gradient, sum);
        inner::backward(ctx, params, x, inner_cache, activations<const T>(sum), dx, d_params);
      }
    }
  };
};

namespace detail {
template <name Name, class Cache>
constexpr auto* search_tap(Cache& c) {
  if constexpr (requires { Cache::tap_name; }) {
    if constexpr (Cache::tap_name.view() == Name.view())
      return &c;
    else
      return static_cast<no_gradient*>(nullptr);
  } else if constexpr (requires { c.children; }) {
    const auto search = [](auto&... child) {
      no_gradient* const none = nullptr;
      auto pick = [&](auto& self, auto* found, auto&... rest) {
        if constexpr (!std::is_same_v<decltype(found), no_gradient*> || sizeof...(rest) == 0)
          return found;
        else
          return [&](auto& next, auto&... others) { return self(self, search_tap<Name>(next), others...); }(rest...);
      };
      // The last call must look at the last child too, so one empty child is put behind it.
      no_gradient end;
      return pick(pick, none, child..., end);
    };
    if constexpr (requires { with_children(search, c.children); })
      return with_children(search, c.children);
    else  // a combinator may keep them in a std::tuple
      return std::apply(search, c.children);
  } else {
    return static_cast<no_gradient*>(nullptr);
  }
}
}  // namespace detail

/// The tap called Name inside a record's cache: `.value` (its output) and `.gradient` (set it before backward).
/// errors  pretext[shape.120] no tap of that name
template <name Name, class Cache>
constexpr auto& find_tap(Cache& cache) {
  auto* found = detail::search_tap<Name>(cache);
  static_assert(!std::is_same_v<decltype(found), no_gradient*>,
                "pretext[shape.120] the network has no tap of this name; wrap a layer in nn::tap<\"name\", layer>");
  return *found;
}

}  // namespace pretext::nn
