// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "row_functions.hpp"

/// Statistics over rows, column by column, of the rows of all ranks:
///   column_variance(x)      (D) numbers, divided by n - 1
///   covariance(x, y)        (D, D), divided by n - 1; covariance(x) of a block with itself
///   diagonal(m), off_diagonal(m)   of a (D, D) value: D numbers; m with zeros on the diagonal
///   standardize(x, eps)     (x - mean) / sqrt(variance + eps), variance divided by n
/// A single row has no spread: its variances and covariances are 0.
namespace pretext::objective::row {

namespace detail {
/// What the columns of x have to be divided by, and x less its column means.
template <class T>
struct centred_rows {
  tensor_view<const T> x;
  index_t count = 0;
  constexpr T share() const { return T(1) / static_cast<T>(count > 1 ? count - 1 : 1); }
};
template <class E, class P, class T>
constexpr centred_rows<T> centred(const P& p, tensor_view<const T> x) {
  const index_t d = x.columns(), n = x.rows() * (is_spread<E> ? p.ctx.comm->size() : 1);
  const tensor_view<T> y = p.ctx.take(x.shape);
  const auto scope = p.ctx.scope();
  const tensor_view<T> means = p.ctx.take({d}), ones = p.ctx.take({d}), zeros = p.ctx.take({d});
  p.ctx(op::fill, T(0), means);
  p.ctx(op::fill, T(0), zeros);
  p.ctx(op::fill, T(1), ones);
  p.ctx(op::column_sums, x, means);
  if constexpr (is_spread<E>) p.ctx.comm->all_reduce_sum(means);
  p.ctx(op::scale, T(1) / static_cast<T>(n), means);
  p.ctx(op::normalize_columns, x, as_const(means), as_const(ones), as_const(ones), as_const(zeros), y);
  return {y, n};
}
/// sums (D) = sum over all rows of x, of all ranks
template <class E, class P, class T>
constexpr void sum_columns(const P& p, tensor_view<const T> x, tensor_view<T> sums) {
  p.ctx(op::fill, T(0), sums);
  p.ctx(op::column_sums, x, sums);
  if constexpr (is_spread<E>) p.ctx.comm->all_reduce_sum(sums);
}
}  // namespace detail

template <class E>
struct variance_of_columns : node<1, over::columns, E> {
  E of;
  constexpr explicit variance_of_columns(const E& e) : of(e) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
    detail::centred_rows<T> centred;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    const tensor_view<const T> x = of.forward(p, c.of);
    c.centred = detail::centred<E>(p, x);
    const tensor_view<T> y = p.ctx.take({x.columns()});
    const auto scope = p.ctx.scope();
    const tensor_view<T> squares = p.ctx.take(x.shape);
    p.ctx(op::map, function::square{}, c.centred.x, squares);
    detail::sum_columns<E>(p, as_const(squares), y);
    p.ctx(op::scale, c.centred.share(), y);
    return y;
  }
  /// 2 (x - mean) dy / (n - 1): its columns sum to zero, so the mean's own gradient is nothing.
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign) const {
    detail::write_below(p, of, c.of, c.centred.x.shape, sign::any, [&](tensor_view<T> dx) {
      const tensor_view<T> factor = p.ctx.take({dx.columns()});
      p.ctx(op::fill, T(2) * c.centred.share(), factor);
      p.ctx(op::scale_columns, c.centred.x, dy, as_const(factor), dx);
    });
  }
};

template <class L, class R>
struct covariance_of : node<2, over::columns, L, R> {
  L left;
  R right;
  constexpr covariance_of(const L& l, const R& r) : left(l), right(r) {}
  template <class T>
  struct cache {
    typename L::template cache<T> left;
    typename R::template cache<T> right;
    detail::centred_rows<T> a, b;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    c.a = detail::centred<L>(p, tensor_view<const T>(left.forward(p, c.left)));
    c.b = detail::centred<R>(p, tensor_view<const T>(right.forward(p, c.right)));
    const tensor_view<T> y = p.ctx.take({c.a.x.columns(), c.b.x.columns()});
    p.ctx(op::matmul, c.a.x, c.b.x, y, op::matmul_options{.transpose_a = true});
    p.ctx(op::scale, c.a.share(), y);
    if constexpr (is_spread<L>) p.ctx.comm->all_reduce_sum(y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign) const {
    detail::write_below(p, left, c.left, c.a.x.shape, sign::any, [&](tensor_view<T> dx) {
      p.ctx(op::matmul, c.b.x, dy, dx, op::matmul_options{.transpose_b = true});
      p.ctx(op::scale, c.a.share(), dx);
    });
    detail::write_below(p, right, c.right, c.b.x.shape, sign::any, [&](tensor_view<T> dx) {
      p.ctx(op::matmul, c.a.x, dy, dx, op::matmul_options{});
      p.ctx(op::scale, c.a.share(), dx);
    });
  }
};

namespace detail {
/// The diagonal of a (D, D) matrix without its last element is the first column of its first D^2 - 1 elements read as
/// rows of D + 1; so moving it is moving a column.
template <class P, class T>
constexpr void copy_diagonal(const P& p, tensor_view<const T> from, index_t from_width, tensor_view<T> to, index_t to_width, index_t d) {
  if (d > 1) {
    const tensor_view<const T> f{from.data, extents(d - 1, from_width)};
    const tensor_view<T> t{to.data, extents(d - 1, to_width)};
    p.ctx(op::copy_columns, f, t, index_t{0}, index_t{0}, index_t{1});
  }
  const index_t n = from.size(), m = to.size();
  p.ctx(op::copy, from.flat().slice(n - 1, n), to.flat().slice(m - 1, m));
}
}  // namespace detail

template <class E>
struct diagonal_of : node<1, over::columns, E> {
  E of;
  constexpr explicit diagonal_of(const E& e) : of(e) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    const tensor_view<const T> x = of.forward(p, c.of);
    const index_t d = x.columns();
    const tensor_view<T> y = p.ctx.take({d});
    detail::copy_diagonal(p, x, d + 1, y, 1, d);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign s) const {
    const index_t d = dy.size();
    detail::write_below(p, of, c.of, extents(d, d), s, [&](tensor_view<T> dx) {
      p.ctx(op::fill, T(0), dx);
      detail::copy_diagonal(p, dy, 1, dx, d + 1, d);
    });
  }
};

template <class E>
struct off_diagonal_of : node<2, over::columns, E> {
  E of;
  constexpr explicit off_diagonal_of(const E& e) : of(e) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    const tensor_view<const typename P::T> x = of.forward(p, c.of);
    const auto y = p.ctx.take(x.shape);
    without_diagonal(p, x, y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign s) const {
    detail::write_below(p, of, c.of, dy.shape, s, [&](tensor_view<T> dx) { without_diagonal(p, dy, dx); });
  }

 private:
  template <class P, class T>
  static constexpr void without_diagonal(const P& p, tensor_view<const T> x, tensor_view<T> y) {
    const auto scope = p.ctx.scope();
    const index_t d = x.columns();
    const tensor_view<T> zeros = p.ctx.take({d});
    p.ctx(op::copy, x, y);
    p.ctx(op::fill, T(0), zeros);
    detail::copy_diagonal(p, as_const(zeros), 1, y, d + 1, d);
  }
};

template <class E>
struct standardized : node<2, E::along, E> {
  E of;
  double eps;
  constexpr standardized(const E& e, double small) : of(e), eps(small) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
    tensor_view<const T> centred, rstd, zeros, ones;
    double count = 0;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    const tensor_view<const T> x = of.forward(p, c.of);
    const auto middle = detail::centred<E>(p, x);
    const index_t d = x.columns();
    const tensor_view<T> y = p.ctx.take(x.shape), rstd = p.ctx.take({d}), zeros = p.ctx.take({d}), ones = p.ctx.take({d});
    p.ctx(op::fill, T(0), zeros);
    p.ctx(op::fill, T(1), ones);
    c.centred = middle.x;
    c.count = static_cast<double>(middle.count);
    c.rstd = rstd;
    c.zeros = zeros;
    c.ones = ones;
    const auto scope = p.ctx.scope();
    const tensor_view<T> squares = p.ctx.take(x.shape), sums = p.ctx.take({d});
    p.ctx(op::map, function::square{}, c.centred, squares);
    detail::sum_columns<E>(p, as_const(squares), sums);
    p.ctx(op::rstd_of_moments, as_const(sums), c.count, eps, rstd);
    p.ctx(op::scale_columns, c.centred, c.rstd, c.ones, y);
    return y;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign) const {
    detail::write_below(p, of, c.of, dy.shape, sign::any, [&](tensor_view<T> dx) {
      const index_t d = dy.columns();
      const tensor_view<T> sums = p.ctx.take({d}), with_x = p.ctx.take({d});
      p.ctx(op::batch_norm_sums, c.centred, dy, c.zeros, c.rstd, sums, with_x);
      if constexpr (is_spread<E>) {
        p.ctx.comm->all_reduce_sum(sums);
        p.ctx.comm->all_reduce_sum(with_x);
      }
      p.ctx(op::batch_norm_input_gradient, c.centred, dy, c.zeros, c.rstd, c.ones, as_const(sums), as_const(with_x), c.count, dx);
    });
  }
};

namespace detail {
template <template <class> class Node, class E>
constexpr auto of_square(const E& e) {
  if constexpr (is_malformed<E>) {
    return malformed{};
  } else if constexpr (E::rank != 2 || E::along != over::columns) {
    static_assert(always_false<E>, "pretext[objective.209] diagonal and off_diagonal are of covariance(x, y)");
    return malformed{};
  } else {
    return Node<E>(e);
  }
}
}  // namespace detail

template <Expression E>
constexpr auto column_variance(const E& e) {
  return detail::of_rows<variance_of_columns>(e);
}
template <Expression L, Expression R>
constexpr auto covariance(const L& l, const R& r) {
  return detail::of_rows<covariance_of>(l, r);
}
template <Expression E>
constexpr auto covariance(const E& e) {
  return covariance(e, e);
}
template <Expression E>
constexpr auto diagonal(const E& e) {
  return detail::of_square<diagonal_of>(e);
}
template <Expression E>
constexpr auto off_diagonal(const E& e) {
  return detail::of_square<off_diagonal_of>(e);
}
template <Expression E>
constexpr auto standardize(const E& e, double eps = 1e-5) {
  if constexpr (is_malformed<E> || !detail::all_rows<E>)
    return detail::of_rows<row_squares>(e);
  else
    return standardized<E>(e, eps);
}

}  // namespace pretext::objective::row
