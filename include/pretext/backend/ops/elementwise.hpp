// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../../core/step_inputs.hpp"
#include "../../core/tensor.hpp"

namespace pretext::op {

#define PRETEXT_ELEMENTWISE_OP(NAME)                                  \
  struct NAME##_op {                                                  \
    static constexpr std::string_view name = #NAME;                   \
    template <class... A>                                             \
    static constexpr double flops(const A&... a) {                    \
      return elements(a...);                                          \
    }                                                                 \
    template <class... A>                                             \
    static constexpr double elements(const A&... a) {                 \
      index_t n = 0;                                                  \
      ((n = n == 0 ? detail::view_size(a) : n), ...);                 \
      return static_cast<double>(n);                                  \
    }                                                                 \
  };                                                                  \
  inline constexpr NAME##_op NAME {}

namespace detail {
/// Also of views with a structure beside them; 0 of what is no view.
template <class A>
constexpr index_t view_size(const A& a) {
  if constexpr (requires { a.shape.size(); })
    return a.shape.size();
  else
    return 0;
}
}  // namespace detail

/// (f, x, y): y = f(x) for a functor written over a math policy (core/scalar_math.hpp): `F::value<M>(x)`,
/// `F::derivative<M>(x)`; x and y may be the same memory
PRETEXT_ELEMENTWISE_OP(map);
/// (f, x, dy, dx): dx = f'(x) dy, by `F::gradient<M>(x, dy)` where the functor has one; dx and dy may be the same memory
PRETEXT_ELEMENTWISE_OP(map_backward);
/// (x, y): y += x
PRETEXT_ELEMENTWISE_OP(add);
/// (f, x, y): y = f(x + y)
PRETEXT_ELEMENTWISE_OP(add_map);
/// (x, y): y = x
PRETEXT_ELEMENTWISE_OP(copy);
/// (value, y): y = value
PRETEXT_ELEMENTWISE_OP(fill);
/// (factor, x): x *= factor
PRETEXT_ELEMENTWISE_OP(scale);
/// (value, x): x += value
PRETEXT_ELEMENTWISE_OP(shift);
/// (key, rate, first, x, y): y = x / (1 - rate) where draw first + i of the key is kept, else 0; element i reads word
/// first + i of the key, so the mask is never stored and backward is the same op on dy; x and y may be the same memory. The key is a
/// moving_key; an rng::key becomes one
PRETEXT_ELEMENTWISE_OP(dropout);

#undef PRETEXT_ELEMENTWISE_OP

/// f'(x) dy for op::map_backward.
template <class F, class M, class V>
PRETEXT_HOST_DEVICE constexpr V gradient_of(const V& x, const V& dy) {
  if constexpr (requires { F::template gradient<M>(x, dy); })
    return F::template gradient<M>(x, dy);
  else
    return F::template derivative<M>(x) * dy;
}

/// Word i of a key as a dropout decision: keep with probability 1 - rate, decided on 32 integer bits.
PRETEXT_HOST_DEVICE constexpr bool dropout_keeps(std::uint32_t word, double rate) {
  return static_cast<double>(word) >= rate * 4294967296.0;
}

}  // namespace pretext::op
