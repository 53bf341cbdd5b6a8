// SPDX-License-Identifier: BSD-3-Clause
// opt-in: with backend/tangent.hpp
#pragma once

#include <cstdint>
#include <type_traits>

#include "../../core/scalar_math.hpp"
#include "../../core/workspace.hpp"
#include "../ops.hpp"
#include "loops.hpp"

namespace pretext::backend::detail {

/// dx = x dy, and f''(x) dy, as what op::map_backward computes.
struct times {
  static constexpr const char* name = "times";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V gradient(const V& x, const V& dy) {
    return x * dy;
  }
};
template <class F>
struct curvature {
  static constexpr const char* name = "curvature";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V gradient(const V& x, const V& dy) {
    return F::template second_derivative<M>(x) * dy;
  }
};
/// f'' = 0 wherever there is one.
template <class F>
inline constexpr bool is_piecewise_linear = requires { requires F::piecewise_linear; };

template <class T>
inline constexpr bool is_number_view = false;
template <class T>
inline constexpr bool is_number_view<tensor_view<T>> = !std::is_integral_v<std::remove_const_t<T>>;
template <class T>
inline constexpr bool is_output_view = false;
template <class T>
inline constexpr bool is_output_view<tensor_view<T>> = !std::is_const_v<T> && !std::is_integral_v<T>;

/// One op on pairs: its values by B, its tangents by the rule of the op. A view lies in the memory of pairs, and then has its
/// tangent `offset` bytes behind it, or is a constant. What lies outside and is written is not written; where the op adds to
/// it (parameter gradients), the tangent is added.
template <class B>
struct tangent_rules {
  B& of;
  workspace& memory;
  const std::byte* values;  // first byte of the memory of pairs
  std::size_t offset;

  template <class Op, class... A>
  constexpr void operator()(Op op, const A&... a) const {
    if constexpr (requires { B::interprets_plans; })
      of.run(op, memory, a...);
    else if (memory.planning())
      memory.plan_bytes(of.scratch_bytes(op, a...));
    else
      of.run(op, memory, a...);
  }
  /// On a plan nobody knows where a view lies: every one may have a tangent.
  template <class T>
  constexpr bool is_pair(const tensor_view<T>& v) const {
    if (memory.planning()) return v.rank() > 0;
    if (v.data == nullptr) return false;
    const auto at = reinterpret_cast<std::uintptr_t>(v.data), first = reinterpret_cast<std::uintptr_t>(values);
    return at >= first && at < first + offset;
  }
  /// The tangent of a pair; null of a constant.
  template <class T>
  constexpr tensor_view<T> d(const tensor_view<T>& v) const {
    if (memory.planning() || !is_pair(v)) return {nullptr, v.shape};
    using bytes = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
    return {reinterpret_cast<T*>(reinterpret_cast<bytes*>(v.data) + offset), v.shape};
  }
  template <class T>
  constexpr tensor_view<const T> dc(const tensor_view<T>& v) const {
    return d(v);
  }
  template <class T>
  constexpr void zero(const tensor_view<T>& v) const {
    (*this)(op::fill, master_t<T>(0), v);
  }

  // ---- what is linear in all that it reads ----
  template <class A>
  constexpr A tangent_or_same(const A& a) const {
    if constexpr (is_output_view<A>) return is_pair(a) && !memory.planning() ? d(a) : a;
    else if constexpr (is_number_view<A>) return d(a);
    else return a;
  }
  template <class A>
  constexpr bool is_pair_input(const A& a) const {
    if constexpr (is_number_view<A> && !is_output_view<A>) return is_pair(a);
    else return false;
  }
  template <bool Adds, class Op, class Y, class... A>
  constexpr void linear_in_all(Op op, const Y& y, const A&... a) const {
    const bool inside = is_pair(y);
    if (inside) (*this)(op, a...);
    if ((is_pair_input(a) || ...)) {
      if (inside || Adds) (*this)(op, tangent_or_same(a)...);
    } else if (!Adds && inside) {
      zero(d(y));
    }
  }
#define PRETEXT_LINEAR_RULE(OP, ADDS)                                          \
  template <class X, class Y, class... A>                                      \
  constexpr void rule(op::OP##_op op, const X& x, const Y& y, const A&... a) const { \
    linear_in_all<ADDS>(op, y, x, y, a...);                                    \
  }
  PRETEXT_LINEAR_RULE(column_sums, true)
  PRETEXT_LINEAR_RULE(transpose_inner, false)
  PRETEXT_LINEAR_RULE(avg_pool2d, false)
  PRETEXT_LINEAR_RULE(avg_pool2d_backward, false)
  PRETEXT_LINEAR_RULE(spatial_mean, false)
  PRETEXT_LINEAR_RULE(spatial_mean_backward, false)
  PRETEXT_LINEAR_RULE(add, true)
  PRETEXT_LINEAR_RULE(copy, false)
  PRETEXT_LINEAR_RULE(sum, false)
#undef PRETEXT_LINEAR_RULE
  template <class DY, class I, class DX, class G>
  constexpr void rule(op::max_pool2d_backward_op op, const DY& dy, const I& argmax, const DX& dx, const G& g) const {
    linear_in_all<false>(op, dx, dy, argmax, dx, g);
  }
  template <class K, class X, class Y>
  constexpr void rule(op::dropout_op op, const K& key, double rate, index_t first, const X& x, const Y& y) const {
    linear_in_all<false>(op, y, key, rate, first, x, y);
  }
  template <class X, class F, class Y>
  constexpr void rule(op::add_scaled_op op, const X& x, const F& factor, const Y& y) const {
    linear_in_all<true>(op, y, x, factor, y);
  }
  /// Other columns of y stay, so a constant's zeros have to be copied.
  template <class X, class Y>
  constexpr void rule(op::copy_columns_op op, const X& x, const Y& y, index_t from, index_t to, index_t n) const {
    if (!is_pair(y)) return;
    (*this)(op, x, y, from, to, n);
    const workspace::scope scope(memory);
    using T = typename X::value_type;
    tensor_view<const T> dx = d(x);
    const tensor_view<T> none = memory.planning() || !is_pair(x) ? memory.take<T>(x.shape) : tensor_view<T>{nullptr, x.shape};
    if (!is_pair(x)) {
      zero(none);
      dx = none;
    }
    (*this)(op, dx, d(y), from, to, n);
  }
  template <class V, class Y>
  constexpr void rule(op::fill_op op, const V& value, const Y& y) const {
    if (!is_pair(y)) return;
    (*this)(op, value, y);
    zero(d(y));
  }
  template <class V, class Y>
  constexpr void rule(op::scale_op op, const V& factor, const Y& y) const {
    if (!is_pair(y)) return;
    (*this)(op, factor, y);
    (*this)(op, factor, d(y));
  }
  template <class V, class Y>
  constexpr void rule(op::shift_op op, const V& value, const Y& y) const {
    if (is_pair(y)) (*this)(op, value, y);
  }

  // ---- products: linear in each of two ----
  /// to = first, second, their sum or 0
  template <class T, class First, class Second>
  constexpr void sum_of(const tensor_view<T>& to, bool has_first, const First& first, bool has_second, const Second& second) const {
    if (!has_first && !has_second) return zero(to);
    if (has_first) first(to);
    if (!has_second) return;
    if (!has_first) return second(to);
    const workspace::scope scope(memory);
    const tensor_view<T> other = memory.take<T>(to.shape);
    second(other);
    (*this)(op::add, as_const(other), to);
  }
  template <class X, class Y, class C>
  constexpr void rule(op::matmul_op op, const X& a, const Y& b, const C& c, op::matmul_options o) const {
    const bool inside = is_pair(c);
    if (!inside && !o.accumulate) return;
    if (inside) (*this)(op, a, b, c, o);
    const C to = inside ? d(c) : c;
    op::matmul_options next = o;
    if (is_pair(a)) {
      (*this)(op, d(a), b, to, next);
      next.accumulate = true;
    }
    if (is_pair(b)) {
      (*this)(op, a, d(b), to, next);
      next.accumulate = true;
    }
    if (!next.accumulate) zero(to);
  }
  template <class X, class W, class Bias, class Y>
  constexpr void linear_tangent(const X& x, const W& w, const Bias& bias, const Y& to) const {
    sum_of(
        to, true, [&](const Y& y) { (*this)(op::linear, d(x), w, d(bias), y); }, is_pair(w),
        [&](const Y& y) { (*this)(op::linear, x, d(w), Bias{}, y); });
  }
  template <class X, class W, class Bias, class Y>
  constexpr void rule(op::linear_op op, const X& x, const W& w, const Bias& bias, const Y& y) const {
    expect_pairs(x, y);
    (*this)(op, x, w, bias, y);
    linear_tangent(x, w, bias, d(y));
  }
  template <class X, class W, class Bias, class Y, class G>
  constexpr void conv2d_tangent(const X& x, const W& w, const Bias& bias, const Y& to, const G& g) const {
    sum_of(
        to, true, [&](const Y& y) { (*this)(op::conv2d, d(x), w, d(bias), y, g); }, is_pair(w),
        [&](const Y& y) { (*this)(op::conv2d, x, d(w), Bias{}, y, g); });
  }
  template <class X, class W, class Bias, class Y, class G>
  constexpr void rule(op::conv2d_op op, const X& x, const W& w, const Bias& bias, const Y& y, const G& g) const {
    expect_pairs(x, y);
    (*this)(op, x, w, bias, y, g);
    conv2d_tangent(x, w, bias, d(y), g);
  }
  template <class DY, class W, class DX, class G>
  constexpr void rule(op::conv2d_input_gradient_op op, const DY& dy, const W& w, const DX& dx, const G& g) const {
    expect_pairs(dy, dx);
    (*this)(op, dy, w, dx, g);
    sum_of(
        d(dx), true, [&](const DX& to) { (*this)(op, d(dy), w, to, g); }, is_pair(w), [&](const DX& to) { (*this)(op, dy, d(w), to, g); });
  }
  template <class X, class DY, class DW, class G>
  constexpr void rule(op::conv2d_weight_gradient_op op, const X& x, const DY& dy, const DW& dw, const G& g) const {
    const bool inside = is_pair(dw);
    if (inside) (*this)(op, x, dy, dw, g);
    const DW to = inside ? d(dw) : dw;
    if (is_pair(x)) (*this)(op, d(x), dy, to, g);
    if (is_pair(dy)) (*this)(op, x, d(dy), to, g);
  }
  template <class X, class Y>
  constexpr void rule(op::row_dot_op op, const X& a, const X& b, const Y& y) const {
    if (!is_pair(y)) return;
    (*this)(op, a, b, y);
    sum_of(
        d(y), is_pair(a), [&](const Y& to) { (*this)(op, d(a), b, to); }, is_pair(b), [&](const Y& to) { (*this)(op, a, d(b), to); });
  }
  template <class X, class Y>
  constexpr void rule(op::add_scaled_rows_op op, const X& weights, const X& x, const Y& y) const {
    const bool inside = is_pair(y);
    if (inside) (*this)(op, weights, x, y);
    const Y to = inside ? d(y) : y;
    if (is_pair(weights)) (*this)(op, d(weights), x, to);
    if (is_pair(x)) (*this)(op, weights, d(x), to);
  }

  // ---- functions of one number; tangents first, since output and input may be the same memory ----
  template <class F, class X, class Y>
  constexpr void rule(op::map_op op, const F& f, const X& x, const Y& y) const {
    if (!is_pair(y)) return;
    if (is_pair(x)) (*this)(op::map_backward, f, x, d(x), d(y));
    else zero(d(y));
    (*this)(op, f, x, y);
  }
  template <class F, class X, class DY, class DX>
  constexpr void rule(op::map_backward_op op, const F& f, const X& x, const DY& dy, const DX& dx) const {
    expect_pairs(x, dx);
    using T = typename DX::value_type;
    if constexpr (is_piecewise_linear<F>) {
      if (is_pair(dy)) (*this)(op, f, x, d(dy), d(dx));
      else zero(d(dx));
    } else {
      static_assert(requires(const T& v) { F::template second_derivative<scalar_math>(v); },
                    "pretext[backend.104] this function has no tangent: give its functor second_derivative<M>(x), or "
                    "`static constexpr bool piecewise_linear = true`; `F` in the next lines names it");
      const workspace::scope scope(memory);
      const tensor_view<T> bent = memory.take<T>(dx.shape);
      (*this)(op, curvature<F>{}, x, dy, bent);
      (*this)(op, times{}, d(x), as_const(bent), bent);
      if (is_pair(dy)) (*this)(op, f, x, d(dy), d(dx));
      else zero(d(dx));
      (*this)(op::add, as_const(bent), d(dx));
    }
    (*this)(op, f, x, dy, dx);
  }
  /// The gradient follows from the value, so what was summed need not be known.
  template <class F, class X, class W, class Bias, class Y>
  constexpr void rule(op::linear_map_op op, const F& f, const X& x, const W& w, const Bias& bias, const Y& y) const {
    static_assert(F::gradient_from_value);
    expect_pairs(x, y);
    linear_tangent(x, w, bias, d(y));
    (*this)(op, f, x, w, bias, y);
    (*this)(op::map_backward, f, as_const(y), as_const(d(y)), d(y));
  }
  template <class F, class X, class W, class Bias, class Y, class G>
  constexpr void rule(op::conv2d_map_op op, const F& f, const X& x, const W& w, const Bias& bias, const Y& y, const G& g) const {
    static_assert(F::gradient_from_value);
    expect_pairs(x, y);
    conv2d_tangent(x, w, bias, d(y), g);
    (*this)(op, f, x, w, bias, y, g);
    (*this)(op::map_backward, f, as_const(y), as_const(d(y)), d(y));
  }
  template <class F, class X, class Y>
  constexpr void rule(op::add_map_op op, const F& f, const X& x, const Y& y) const {
    static_assert(F::gradient_from_value);
    expect_pairs(x, y);
    (*this)(op::add, d(x), d(y));
    (*this)(op, f, x, y);
    (*this)(op::map_backward, f, as_const(y), as_const(d(y)), d(y));
  }

  // ---- norms and maxima ----
  template <class X, class Gamma, class Beta, class Y, class S>
  constexpr void rule(op::layer_norm_op op, const X& x, const Gamma& gamma, const Beta& beta, double eps, const Y& y, const S& mean,
                      const S& rstd) const {
    expect_pairs(x, y);
    (*this)(op, x, gamma, beta, eps, y, mean, rstd);
    using T = typename X::value_type;
    (*this)(op::for_each_sample,
            layer_norm_tangent<T>{x, d(x), gamma, d(gamma), d(beta), as_const(mean), as_const(rstd), d(y), d(mean), d(rstd)}, x.rows());
  }
  template <class X, class P, class DX>
  constexpr void rule(op::layer_norm_input_gradient_op op, const X& x, const P& gamma, const P& mean, const P& rstd, const X& dy,
                      const DX& dx) const {
    expect_pairs(x, dx);
    (*this)(op, x, gamma, mean, rstd, dy, dx);
    using T = typename X::value_type;
    (*this)(op::for_each_sample,
            layer_norm_input_gradient_tangent<T>{x, d(x), gamma, d(gamma), mean, d(mean), rstd, d(rstd), dy, d(dy), d(dx)}, x.rows());
  }
  template <class X, class P, class G>
  constexpr void rule(op::layer_norm_parameter_gradient_op op, const X& x, const X& dy, const P& mean, const P& rstd, const G& dgamma,
                      const G& dbeta) const {
    const bool inside = is_pair(dgamma);
    if (inside) (*this)(op, x, dy, mean, rstd, dgamma, dbeta);
    using T = typename X::value_type;
    (*this)(op::for_each_sample,
            layer_norm_parameter_gradient_tangent<T>{x, d(x), dy, d(dy), mean, d(mean), rstd, d(rstd), inside ? d(dgamma) : dgamma,
                                                     inside ? d(dbeta) : dbeta},
            x.columns());
  }
  template <class X, class S>
  constexpr void rule(op::column_moments_op op, const X& x, const S& mean, const S& m2) const {
    expect_pairs(x, mean);
    (*this)(op, x, mean, m2);
    (*this)(op::for_each_sample, column_moments_tangent<typename X::value_type>{x, d(x), mean, d(mean), d(m2)}, x.columns());
  }
  template <class M2, class R>
  constexpr void rule(op::rstd_of_moments_op op, const M2& m2, double count, double eps, const R& rstd) const {
    using T = typename R::value_type;
    expect_pairs(rstd, rstd);
    (*this)(op, m2, count, eps, rstd);
    if (is_pair(m2)) (*this)(op::for_each_sample, rstd_tangent<T>{rstd, dc(m2), static_cast<T>(count), d(rstd)}, rstd.size());
    else zero(d(rstd));
  }
  template <class X, class P, class Y>
  constexpr void rule(op::normalize_columns_op op, const X& x, const P& mean, const P& rstd, const P& gamma, const P& beta, const Y& y) const {
    expect_pairs(y, y);
    (*this)(op, x, mean, rstd, gamma, beta, y);
    (*this)(op::for_each_sample,
            normalize_columns_tangent<typename X::value_type>{x, d(x), mean, d(mean), rstd, d(rstd), gamma, d(gamma), d(beta), d(y)},
            x.rows());
  }
  template <class DY, class P, class DX>
  constexpr void rule(op::scale_columns_op op, const DY& dy, const P& rstd, const P& gamma, const DX& dx) const {
    expect_pairs(dx, dx);
    (*this)(op, dy, rstd, gamma, dx);
    (*this)(op::for_each_sample, scale_columns_tangent<typename DY::value_type>{dy, d(dy), rstd, d(rstd), gamma, d(gamma), d(dx)}, dy.rows());
  }
  /// The Jacobian of a normalised row is its own adjoint.
  template <class X, class Y, class N>
  constexpr void rule(op::row_normalize_op op, const X& x, double eps, const Y& y, const N& norms) const {
    if (!is_pair(y)) return;
    (*this)(op, x, eps, y, norms);
    zero(d(y));
    if (!is_pair(x)) return zero(d(norms));
    (*this)(op::row_normalize_backward, as_const(y), as_const(norms), d(x), d(y));
    (*this)(op::row_dot, as_const(y), d(x), d(norms));
  }
  template <class X, class Y, class I, class G>
  constexpr void rule(op::max_pool2d_op op, const X& x, const Y& y, const I& argmax, const G& g) const {
    expect_pairs(x, y);
    (*this)(op, x, y, argmax, g);
    (*this)(op::for_each_sample, max_pool2d_tangent<typename X::value_type>{d(x), as_const(argmax), d(y), g}, x.extent(0));
  }

  /// Loops of a layer's own, where they say that they are linear: y in x.
  template <class W>
    requires requires { requires W::is_linear; }
  constexpr void rule(op::for_each_sample_op op, const W& loop, index_t count) const {
    expect_pairs(loop.x, loop.y);
    (*this)(op, loop, count);
    W moves = loop;
    moves.x = d(loop.x);
    moves.y = d(loop.y);
    (*this)(op, moves, count);
  }

  template <class Op, class... A>
  constexpr void rule(Op, const A&...) const {
    static_assert(sizeof...(A) > 1000,
                  "pretext[backend.103] an op has no rule for its tangent, so this network has no gradient penalty: `Op` in the next "
                  "lines names it; use layers from the list in docs/policies/backend.md#tangent");
  }

 private:
  template <class X, class Y>
  constexpr void expect_pairs(const X& x, const Y& y) const {
    expects(is_pair(x) && is_pair(y), "backend.105", "a pass on pairs reads or writes numbers that are none; start it with `pair`");
  }
};

}  // namespace pretext::backend::detail
