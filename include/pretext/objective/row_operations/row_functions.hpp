// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "arithmetic.hpp"

/// Row by row: normalize, dot, squared_norm, squared_distance, norm; and the reductions sum and mean.
/// errors  pretext[objective.203] rows were wanted
namespace pretext::objective::row {

/// e / max(|e|, eps), row by row
template <class E>
struct normalized : node<2, E::along, E> {
  static constexpr double eps = 1e-8;
  E of;
  constexpr explicit normalized(const E& e) : of(e) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
    tensor_view<const T> unit, norms;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    const tensor_view<const typename P::T> x = of.forward(p, c.of);
    const auto y = p.ctx.take(x.shape), norms = p.ctx.take({x.rows()});
    p.ctx(op::row_normalize, x, eps, y, norms);
    c.unit = y;
    c.norms = norms;
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign) const {
    detail::add_below(p, of, c.of, dy.shape, sign::any, [&](tensor_view<T> dx) { p.ctx(op::row_normalize_backward, c.unit, c.norms, dy, dx); });
  }
};

/// left_i . right_i
template <class L, class R>
struct row_product : node<1, L::along, L, R> {
  L left;
  R right;
  constexpr row_product(const L& l, const R& r) : left(l), right(r) {}
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
    const auto y = p.ctx.take({c.a.rows()});
    p.ctx(op::row_dot, c.a, c.b, y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign) const {
    detail::add_below(p, left, c.left, c.a.shape, sign::any, [&](tensor_view<T> dx) { p.ctx(op::add_scaled_rows, dy, c.b, dx); });
    detail::add_below(p, right, c.right, c.b.shape, sign::any, [&](tensor_view<T> dx) { p.ctx(op::add_scaled_rows, dy, c.a, dx); });
  }
};

/// |e_i|^2
template <class E>
struct row_squares : node<1, E::along, E> {
  E of;
  constexpr explicit row_squares(const E& e) : of(e) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
    tensor_view<const T> x;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    c.x = of.forward(p, c.of);
    const auto y = p.ctx.take({c.x.rows()});
    p.ctx(op::row_dot, c.x, c.x, y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign) const {
    const auto scope = p.ctx.scope();
    const tensor_view<T> twice = p.ctx.take(dy.shape);
    p.ctx(op::copy, dy, twice);
    p.ctx(op::scale, T(2), twice);
    detail::add_below(p, of, c.of, c.x.shape, sign::any, [&](tensor_view<T> dx) { p.ctx(op::add_scaled_rows, as_const(twice), c.x, dx); });
  }
};

/// The sum or the mean of all elements, over all ranks.
template <class E, bool Mean>
struct total : node<0, over::nothing, E> {
  E of;
  constexpr explicit total(const E& e) : of(e) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
    extents shape;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    const tensor_view<const T> x = of.forward(p, c.of);
    c.shape = x.shape;
    const tensor_view<T> y = p.ctx.take({index_t{1}});
    p.ctx(op::sum, x, y);
    if constexpr (Mean) p.ctx(op::scale, static_cast<T>(share(p, c)), y);
    if constexpr (is_spread<E>) p.ctx.comm->all_reduce_sum(y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign s) const {
    detail::add_below(p, of, c.of, c.shape, s, [&](tensor_view<T> dx) {
      // A number that lies on the device, added to every element: as the weight of one row of constants.
      const index_t n = dx.size();
      const tensor_view<T> ones = p.ctx.take({index_t{1}, n});
      p.ctx(op::fill, static_cast<T>(Mean ? share(p, c) : 1.0), ones);
      p.ctx(op::add_scaled_rows, dy, as_const(ones), dx.reshape({index_t{1}, n}));
    });
  }

 private:
  template <class P, class C>
  static constexpr double share(const P& p, const C& c) {
    return 1.0 / static_cast<double>(c.shape.size() * (is_spread<E> ? p.ctx.comm->size() : 1));
  }
};

namespace detail {
template <class... E>
inline constexpr bool all_rows = ((E::rank == 2) && ...);
template <template <class> class Node, class E>
constexpr auto of_rows(const E& e) {
  if constexpr (is_malformed<E>) {
    return malformed{};
  } else if constexpr (!all_rows<E>) {
    static_assert(always_false<E>, "pretext[objective.203] normalize, dot, squared_norm, squared_distance and the column statistics are of rows; this value is already one number a row or less");
    return malformed{};
  } else {
    return Node<E>(e);
  }
}
template <template <class, class> class Node, class L, class R>
constexpr auto of_rows(const L& l, const R& r) {
  if constexpr (is_malformed<L, R>) {
    return malformed{};
  } else if constexpr (!all_rows<L, R>) {
    return of_rows<row_squares>(l), of_rows<row_squares>(r), malformed{};
  } else {
    return join<Node>(l, r);
  }
}
}  // namespace detail

template <Expression E>
constexpr auto normalize(const E& e) {
  return detail::of_rows<normalized>(e);
}
template <Expression L, Expression R>
constexpr auto dot(const L& l, const R& r) {
  return detail::of_rows<row_product>(l, r);
}
template <Expression E>
constexpr auto squared_norm(const E& e) {
  return detail::of_rows<row_squares>(e);
}
template <Expression E>
constexpr auto norm(const E& e) {
  return sqrt(squared_norm(e));
}
template <Expression L, Expression R>
constexpr auto squared_distance(const L& l, const R& r) {
  if constexpr (is_malformed<L, R> || !detail::all_rows<L, R>)
    return detail::of_rows<row_product>(l, r);
  else
    return squared_norm(l - r);
}
/// All elements, of all ranks.
template <Expression E>
constexpr auto sum(const E& e) {
  if constexpr (is_malformed<E>)
    return malformed{};
  else
    return total<E, false>(e);
}
template <Expression E>
constexpr auto mean(const E& e) {
  if constexpr (is_malformed<E>)
    return malformed{};
  else
    return total<E, true>(e);
}

}  // namespace pretext::objective::row
