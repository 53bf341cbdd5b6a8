// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include "../../similarity/similarity.hpp"
#include "row_functions.hpp"

/// Sums of exponentials over pairs of rows, by the streaming ops of the contrastive losses: scores are never stored.
///   log_sum_exp(x, s, c)      for row i: log sum_{j != i} exp(c s(x_i, x_j))      one number a row
///   log_sum_exp(x, y, s, c)   for row i: log sum_j exp(c s(x_i, y_j))
///   log_mean_exp              the same with the mean in place of the sum
///   log_sum_exp(n)            log sum_i exp(n_i) of numbers; log_mean_exp(n)
/// x's own and y's rows of all ranks are met; a queue's are the rank's own.
/// errors  pretext[objective.204] a similarity that is not symmetric; pretext[objective.207] a single row without another
/// cost    O(M N D) time, O(M + N) memory; a gradient whose sign is not known beforehand costs two passes
namespace pretext::objective::row {

namespace detail {
/// log of a weight, to be taken from a log-sum-exp; what is not above zero weighs nothing.
struct log_of_weight {
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::select(x > V(1e-37), M::log(M::max(x, V(1e-37))), V(-1e30));
  }
};
/// Weights of gradients go into the exponent: w exp(s - lse) = exp(s - (lse - log w)), so the streaming ops, which know of
/// no weights, do it all; f(folded lse, factor) runs once for the weights above and once for those below zero.
template <class P, class T, class F>
constexpr void for_each_sign(const P& p, tensor_view<const T> lse, tensor_view<const T> dy, sign s, F&& f) {
  const auto one = [&](T factor) {
    const auto scope = p.ctx.scope();
    const tensor_view<T> weight = p.ctx.take(dy.shape), folded = p.ctx.take(dy.shape);
    p.ctx(op::copy, dy, weight);
    if (factor < 0) p.ctx(op::scale, factor, weight);
    p.ctx(op::map, log_of_weight{}, as_const(weight), weight);
    p.ctx(op::copy, lse, folded);
    p.ctx(op::add_scaled, as_const(weight), T(-1), folded);
    f(as_const(folded), factor);
  };
  if (s != sign::negative) one(T(1));
  if (s != sign::positive) one(T(-1));
}
template <class P>
constexpr tensor_view<const std::int32_t> no_positives(const P& p, index_t n) {
  const tensor_view<std::int32_t> none = p.ctx.template take_of<std::int32_t>({n});
  p.ctx(op::pair_indices, index_t{0}, index_t{0}, index_t{0}, none);
  return none;
}
template <class P>
constexpr tensor_view<const typename P::T> constant(const P& p, double value) {
  const auto v = p.ctx.take({index_t{1}});
  p.ctx(op::fill, static_cast<typename P::T>(value), v);
  return v;
}
}  // namespace detail

/// Rows against the other rows of the same block.
template <class E, class Similarity, bool Mean>
struct self_log_sum_exp : node<1, E::along, E> {
  E of;
  Similarity similarity;
  double factor;
  constexpr self_log_sum_exp(const E& e, const Similarity& s, double f) : of(e), similarity(s), factor(f) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
    typename Similarity::template cache<T> map;
    tensor_view<const T> x, rows, columns, factor, lse;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    c.x = of.forward(p, c.of);
    const index_t m = c.x.rows(), n = m * ranks(p);
    expects(n > 1, "objective.207", "log_sum_exp over the pairs of one block needs at least two rows; use a larger batch, or in.anchors in the place of view<0>(in)");
    c.rows = similarity.template map<similarity::side::anchor>(p.ctx, parameter_view<T>{}, c.x, c.map);
    c.columns = is_spread<E> ? detail::gathered(p.ctx, c.rows) : c.rows;
    c.factor = detail::constant(p, factor);
    const tensor_view<T> lse = p.ctx.take({m});
    {
      const auto scope = p.ctx.scope();
      const tensor_view<T> unused = p.ctx.take({m});
      p.ctx(op::contrastive_forward, similarity, c.rows, c.columns, detail::no_positives(p, m), mask(p, m), c.factor, lse, unused);
    }
    c.lse = lse;
    if constexpr (!Mean) return lse;
    return less_log_count(p, as_const(lse), static_cast<double>(n - 1));
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign s) const {
    detail::add_below(p, of, c.of, c.x.shape, sign::any, [&](tensor_view<T> dx) {
      const tensor_view<T> d = p.ctx.take(c.rows.shape);
      p.ctx(op::fill, T(0), d);
      const index_t m = c.rows.rows();
      const auto rows = detail::no_positives(p, m), columns = detail::no_positives(p, c.columns.rows());
      detail::for_each_sign(p, c.lse, dy, s, [&](tensor_view<const T> folded, T weight) {
        const auto all = is_spread<E> ? detail::gathered(p.ctx, folded) : folded;
        p.ctx(op::contrastive_gradient, similarity, c.rows, c.columns, rows, columns, mask(p, m), c.factor, folded, all, weight, d,
              tensor_view<T>{});
      });
      similarity.template map_backward<similarity::side::anchor>(p.ctx, parameter_view<T>{}, c.x, c.map, as_const(d), dx, no_gradient{});
    });
  }
  /// lse - log(count), in memory of its own where the sum is kept.
  template <class P, class T>
  static constexpr tensor_view<const T> less_log_count(const P& p, tensor_view<const T> lse, double count) {
    const tensor_view<T> y = p.ctx.take(lse.shape);
    p.ctx(op::copy, lse, y);
    p.ctx(op::shift, static_cast<T>(-log_count(count)), y);
    return y;
  }

 private:
  // std::log is no constant expression, and a plan needs no number.
  static constexpr double log_count(double n) { return std::is_constant_evaluated() ? 0.0 : std::log(n); }
  template <class P>
  static constexpr index_t ranks(const P& p) {
    return is_spread<E> ? p.ctx.comm->size() : 1;
  }
  template <class P>
  static constexpr op::pair_mask mask(const P& p, index_t m) {
    return {is_spread<E> ? p.ctx.comm->rank() * m : 0, false, Similarity::symmetric && ranks(p) == 1};
  }
};

/// Rows of one block against all rows of another.
template <class L, class R, class Similarity, bool Mean>
struct cross_log_sum_exp : node<1, L::along, L, R> {
  L left;
  R right;
  Similarity similarity;
  double factor;
  constexpr cross_log_sum_exp(const L& l, const R& r, const Similarity& s, double f) : left(l), right(r), similarity(s), factor(f) {}
  static constexpr bool gathers = is_spread<R> && R::along != over::negatives;
  template <class T>
  struct cache {
    typename L::template cache<T> left;
    typename R::template cache<T> right;
    typename Similarity::template cache<T> left_map, right_map;
    tensor_view<const T> x, y, rows, own, columns, factor, lse;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    c.x = left.forward(p, c.left);
    c.y = right.forward(p, c.right);
    c.rows = similarity.template map<similarity::side::anchor>(p.ctx, parameter_view<T>{}, c.x, c.left_map);
    c.own = similarity.template map<similarity::side::candidate>(p.ctx, parameter_view<T>{}, c.y, c.right_map);
    c.columns = gathers ? detail::gathered(p.ctx, c.own) : c.own;
    c.factor = detail::constant(p, factor);
    const index_t m = c.rows.rows();
    const tensor_view<T> lse = p.ctx.take({m});
    {
      const auto scope = p.ctx.scope();
      const tensor_view<T> unused = p.ctx.take({m});
      p.ctx(op::contrastive_forward, similarity, c.rows, c.columns, detail::no_positives(p, m), op::pair_mask{}, c.factor, lse, unused);
    }
    c.lse = lse;
    if constexpr (!Mean) return lse;
    return self_log_sum_exp<L, Similarity, Mean>::less_log_count(p, as_const(lse), static_cast<double>(c.columns.rows()));
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign s) const {
    const tensor_view<const T> none{};
    detail::add_below(p, left, c.left, c.x.shape, sign::any, [&](tensor_view<T> dx) {
      const tensor_view<T> d = p.ctx.take(c.rows.shape);
      p.ctx(op::fill, T(0), d);
      const auto rows = detail::no_positives(p, c.rows.rows());
      detail::for_each_sign(p, c.lse, dy, s, [&](tensor_view<const T> folded, T weight) {
        p.ctx(op::contrastive_gradient, similarity, c.rows, c.columns, rows, tensor_view<const std::int32_t>{}, op::pair_mask{}, c.factor, folded,
              none, weight, d, tensor_view<T>{});
      });
      similarity.template map_backward<similarity::side::anchor>(p.ctx, parameter_view<T>{}, c.x, c.left_map, as_const(d), dx, no_gradient{});
    });
    // The same pairs seen from the other block: its rows against those of the first, of all ranks.
    detail::add_below(p, right, c.right, c.y.shape, sign::any, [&](tensor_view<T> dx) {
      const tensor_view<T> d = p.ctx.take(c.own.shape);
      p.ctx(op::fill, T(0), d);
      const auto others = gathers ? detail::gathered(p.ctx, c.rows) : c.rows;
      const auto rows = detail::no_positives(p, c.own.rows()), columns = detail::no_positives(p, others.rows());
      detail::for_each_sign(p, c.lse, dy, s, [&](tensor_view<const T> folded, T weight) {
        const auto all = gathers ? detail::gathered(p.ctx, folded) : folded;
        p.ctx(op::contrastive_gradient, similarity, c.own, others, rows, columns, op::pair_mask{}, c.factor, none, all, weight, d,
              tensor_view<T>{});
      });
      similarity.template map_backward<similarity::side::candidate>(p.ctx, parameter_view<T>{}, c.y, c.right_map, as_const(d), dx, no_gradient{});
    });
  }
};

/// log sum (or mean) of exp over numbers: the same streaming ops, on one column and a single row that is 1.
template <class E, bool Mean>
struct total_log_sum_exp : node<0, over::nothing, E> {
  E of;
  constexpr explicit total_log_sum_exp(const E& e) : of(e) {}
  template <class T>
  struct cache {
    typename E::template cache<T> of;
    tensor_view<const T> x, one, lse;
  };
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C& c) const {
    using T = typename P::T;
    c.x = column(of.forward(p, c.of));
    const tensor_view<const T> all = is_spread<E> ? detail::gathered(p.ctx, c.x) : c.x;
    c.one = detail::constant(p, 1).matrix();
    const tensor_view<T> lse = p.ctx.take({index_t{1}});
    c.lse = lse;
    {
      const auto scope = p.ctx.scope();
      const tensor_view<T> unused = p.ctx.take({index_t{1}});
      p.ctx(op::contrastive_forward, similarity::dot{}, c.one, all, detail::no_positives(p, 1), op::pair_mask{}, c.one.flat(), lse, unused);
    }
    if constexpr (!Mean) return c.lse;
    return self_log_sum_exp<E, similarity::dot, Mean>::less_log_count(p, c.lse, static_cast<double>(all.rows()));
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C& c, tensor_view<const T> dy, sign s) const {
    detail::add_below(p, of, c.of, c.x.flat().shape, s, [&](tensor_view<T> dx) {
      const auto rows = detail::no_positives(p, c.x.rows()), columns = detail::no_positives(p, 1);
      detail::for_each_sign(p, c.lse, dy, s, [&](tensor_view<const T> folded, T weight) {
        p.ctx(op::contrastive_gradient, similarity::dot{}, c.x, c.one, rows, columns, op::pair_mask{}, c.one.flat(), tensor_view<const T>{}, folded,
              weight, column(dx), tensor_view<T>{});
      });
    });
  }

 private:
  template <class V>
  static constexpr V column(V v) {
    return v.reshape({v.size(), index_t{1}});
  }
};

namespace detail {
template <class S>
constexpr bool fits_pairs() {
  static_assert(S::symmetric, "pretext[objective.204] log_sum_exp over pairs takes a symmetric similarity without parameters (dot, cosine, negative_squared_euclidean, gaussian_kernel, or your own)");
  return S::symmetric;
}
template <bool Mean, class E, class S>
constexpr auto pairs(const E& e, const S& s, double factor) {
  if constexpr (is_malformed<E> || !fits_pairs<S>())
    return malformed{};
  else if constexpr (E::rank != 2)
    return of_rows<row_squares>(e);
  else
    return self_log_sum_exp<E, S, Mean>(e, s, factor);
}
template <bool Mean, class L, class R, class S>
constexpr auto pairs(const L& l, const R& r, const S& s, double factor) {
  if constexpr (is_malformed<L, R> || !fits_pairs<S>())
    return malformed{};
  else if constexpr (!all_rows<L, R>)
    return of_rows<row_product>(l, r);
  else
    return cross_log_sum_exp<L, R, S, Mean>(l, r, s, factor);
}
template <bool Mean, class E>
constexpr auto numbers(const E& e) {
  if constexpr (is_malformed<E>) {
    return malformed{};
  } else if constexpr (E::rank != 1) {
    static_assert(always_false<E>, "pretext[objective.208] log_sum_exp(n) and log_mean_exp(n) are of one number a row; for pairs of rows name a similarity: log_mean_exp(x, similarity::dot{}, factor)");
    return malformed{};
  } else {
    return total_log_sum_exp<E, Mean>(e);
  }
}
}  // namespace detail

template <Expression E, class S>
  requires(!Expression<S>)
constexpr auto log_sum_exp(const E& e, const S& similarity, double factor = 1) {
  return detail::pairs<false>(e, similarity, factor);
}
template <Expression L, Expression R, class S>
constexpr auto log_sum_exp(const L& l, const R& r, const S& similarity, double factor = 1) {
  return detail::pairs<false>(l, r, similarity, factor);
}
template <Expression E>
constexpr auto log_sum_exp(const E& numbers) {
  return detail::numbers<false>(numbers);
}
template <Expression E, class S>
  requires(!Expression<S>)
constexpr auto log_mean_exp(const E& e, const S& similarity, double factor = 1) {
  return detail::pairs<true>(e, similarity, factor);
}
template <Expression L, Expression R, class S>
constexpr auto log_mean_exp(const L& l, const R& r, const S& similarity, double factor = 1) {
  return detail::pairs<true>(l, r, similarity, factor);
}
template <Expression E>
constexpr auto log_mean_exp(const E& numbers) {
  return detail::numbers<true>(numbers);
}

}  // namespace pretext::objective::row
