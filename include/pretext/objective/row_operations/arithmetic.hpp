// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../core/scalar_math.hpp"
#include "expression.hpp"

/// a + b, a - b, a * b, a / b of values of one kind; a constant added or multiplied to any value; scalar functions.
/// errors  pretext[objective.202] two values of different kinds
namespace pretext::objective::row {

/// Scalar functions with their derivatives over a math policy (core/scalar_math.hpp); `rising`: no derivative is negative.
namespace function {

struct exp {
  static constexpr bool rising = true;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::exp(x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return M::exp(x);
  }
};
struct log {
  static constexpr bool rising = true;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::log(x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return V(1) / x;
  }
};
/// The derivative at 0 is taken as 0, so that the norm of a zero row has a gradient.
struct sqrt {
  static constexpr bool rising = true;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::sqrt(x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return M::select(x > V(0), V(0.5) / M::sqrt(M::select(x > V(0), x, V(1))), V(0));
  }
};
struct square {
  static constexpr bool rising = false;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return x * x;
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return x + x;
  }
};
struct inverse {
  static constexpr bool rising = false;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return V(1) / x;
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return V(-1) / (x * x);
  }
};
struct relu {
  static constexpr bool rising = true;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::max(V(0), x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return M::select(x > V(0), V(1), V(0));
  }
};
struct tanh {
  static constexpr bool rising = true;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::tanh(x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    const V t = M::tanh(x);
    return V(1) - t * t;
  }
};
/// 1 / (1 + exp(-x)), by tanh: nothing overflows.
struct sigmoid {
  static constexpr bool rising = true;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return V(0.5) + V(0.5) * M::tanh(V(0.5) * x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    const V t = M::tanh(V(0.5) * x);
    return V(0.25) * (V(1) - t * t);
  }
};
/// log(1 + exp(x))
struct softplus {
  static constexpr bool rising = true;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::max(V(0), x) + M::log(V(1) + M::exp(M::min(x, V(0) - x)));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return sigmoid::value<M>(x);
  }
};
/// As a derivative: x dy, the product of two values by the op that multiplies with a derivative.
struct product {
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return x;
  }
};

}  // namespace function

/// f of every element.
template <class F, class E>
struct mapped : node<E::rank, E::along, E> {
  E of;
  constexpr explicit mapped(const E& e) : of(e) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
    tensor_view<const T> x;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    c.x = of.forward(p, c.of);
    const auto y = p.ctx.take(c.x.shape);
    p.ctx(op::map, F{}, c.x, y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign s) const {
    detail::write_below(p, of, c.of, dy.shape, F::rising ? s : sign::any, [&](tensor_view<T> dx) { p.ctx(op::map_backward, F{}, c.x, dy, dx); });
  }
};

/// factor * e + shift
template <class E>
struct affine : node<E::rank, E::along, E> {
  E of;
  double factor, shift;
  constexpr affine(const E& e, double f, double s) : of(e), factor(f), shift(s) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    const tensor_view<const T> x = of.forward(p, c.of);
    const tensor_view<T> y = p.ctx.take(x.shape);
    p.ctx(op::copy, x, y);
    if (factor != 1) p.ctx(op::scale, static_cast<T>(factor), y);
    if (shift != 0) p.ctx(op::shift, static_cast<T>(shift), y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign s) const {
    detail::add_below(p, of, c.of, dy.shape, times(s, factor), [&](tensor_view<T> dx) { p.ctx(op::add_scaled, dy, static_cast<T>(factor), dx); });
  }
};

/// left + factor right
template <class L, class R>
struct sum_of : node<L::rank, L::along, L, R> {
  L left;
  R right;
  double factor;
  constexpr sum_of(const L& l, const R& r, double f) : left(l), right(r), factor(f) {}
  template <class T>
  struct cache {
    typename L::template cache<T> left;
    typename R::template cache<T> right;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    const tensor_view<const T> a = left.forward(p, c.left), b = right.forward(p, c.right);
    const tensor_view<T> y = p.ctx.take(a.shape);
    p.ctx(op::copy, a, y);
    p.ctx(op::add_scaled, b, static_cast<T>(factor), y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign s) const {
    if constexpr (L::template trained<typename P::input>) left.backward(p, c.left, dy, s);
    detail::add_below(p, right, c.right, dy.shape, times(s, factor), [&](tensor_view<T> dx) { p.ctx(op::add_scaled, dy, static_cast<T>(factor), dx); });
  }
};

/// left * right, element by element
template <class L, class R>
struct product_of : node<L::rank, L::along, L, R> {
  L left;
  R right;
  constexpr product_of(const L& l, const R& r) : left(l), right(r) {}
  template <class T>
  struct cache {
    typename L::template cache<T> left;
    typename R::template cache<T> right;
    tensor_view<const T> a, b;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    c.a = left.forward(p, c.left);
    c.b = right.forward(p, c.right);
    const auto y = p.ctx.take(c.a.shape);
    p.ctx(op::map_backward, function::product{}, c.a, c.b, y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign) const {
    detail::write_below(p, left, c.left, dy.shape, sign::any, [&](tensor_view<T> dx) { p.ctx(op::map_backward, function::product{}, c.b, dy, dx); });
    detail::write_below(p, right, c.right, dy.shape, sign::any, [&](tensor_view<T> dx) { p.ctx(op::map_backward, function::product{}, c.a, dy, dx); });
  }
};

namespace detail {
template <class F, class E>
constexpr auto map(const E& e) {
  if constexpr (is_malformed<E>)
    return malformed{};
  else
    return mapped<F, E>(e);
}
template <class E>
constexpr auto scaled(const E& e, double factor, double shift) {
  if constexpr (is_malformed<E>)
    return malformed{};
  else
    return affine<E>(e, factor, shift);
}
/// Makes a node of two values of one kind, or says that they are not.
template <template <class, class> class Node, class L, class R, class... A>
constexpr auto join(const L& l, const R& r, A... a) {
  if constexpr (is_malformed<L, R>) {
    return malformed{};
  } else if constexpr (!is_alike<L, R>) {
    static_assert(always_false<L>,
                  "pretext[objective.202] +, -, * and / join two values of one kind: rows with rows, one number a row with one number a row (of "
                  "the same rows), a number with a number; put mean(...) or dot(...) where they differ");
    return malformed{};
  } else {
    return Node<L, R>(l, r, a...);
  }
}
}  // namespace detail

/// A constant beside an expression: a number or a setting. A class, so that the operators below are never about two
/// built-in numbers, which clang takes for an error even where a constraint rules them out.
struct number {
  double value;
  template <class T>
    requires std::is_convertible_v<T, double>
  constexpr number(const T& v) : value(static_cast<double>(v)) {}
};

template <Expression E>
constexpr auto exp(const E& e) {
  return detail::map<function::exp>(e);
}
template <Expression E>
constexpr auto log(const E& e) {
  return detail::map<function::log>(e);
}
template <Expression E>
constexpr auto sqrt(const E& e) {
  return detail::map<function::sqrt>(e);
}
template <Expression E>
constexpr auto square(const E& e) {
  return detail::map<function::square>(e);
}
/// max(0, x)
template <Expression E>
constexpr auto relu(const E& e) {
  return detail::map<function::relu>(e);
}
template <Expression E>
constexpr auto tanh(const E& e) {
  return detail::map<function::tanh>(e);
}
template <Expression E>
constexpr auto sigmoid(const E& e) {
  return detail::map<function::sigmoid>(e);
}
/// log(1 + exp(x))
template <Expression E>
constexpr auto softplus(const E& e) {
  return detail::map<function::softplus>(e);
}
/// A function of your own: a functor with value<M>(x), derivative<M>(x) and `rising`.
template <class F, Expression E>
constexpr auto apply(const E& e) {
  return detail::map<F>(e);
}

template <Expression L, Expression R>
constexpr auto operator+(const L& l, const R& r) {
  return detail::join<sum_of>(l, r, 1.0);
}
template <Expression L, Expression R>
constexpr auto operator-(const L& l, const R& r) {
  return detail::join<sum_of>(l, r, -1.0);
}
template <Expression L, Expression R>
constexpr auto operator*(const L& l, const R& r) {
  return detail::join<product_of>(l, r);
}
template <Expression L, Expression R>
constexpr auto operator/(const L& l, const R& r) {
  return detail::join<product_of>(l, detail::map<function::inverse>(r));
}
template <Expression E>
constexpr auto operator-(const E& e) {
  return detail::scaled(e, -1, 0);
}
template <Expression E>
constexpr auto operator*(number factor, const E& e) {
  return detail::scaled(e, factor.value, 0);
}
template <Expression E>
constexpr auto operator*(const E& e, number factor) {
  return detail::scaled(e, factor.value, 0);
}
template <Expression E>
constexpr auto operator/(const E& e, number divisor) {
  return detail::scaled(e, 1 / divisor.value, 0);
}
template <Expression E>
constexpr auto operator+(const E& e, number value) {
  return detail::scaled(e, 1, value.value);
}
template <Expression E>
constexpr auto operator+(number value, const E& e) {
  return detail::scaled(e, 1, value.value);
}
template <Expression E>
constexpr auto operator-(const E& e, number value) {
  return detail::scaled(e, 1, -value.value);
}
template <Expression E>
constexpr auto operator-(number value, const E& e) {
  return detail::scaled(e, -1, value.value);
}

}  // namespace pretext::objective::row
