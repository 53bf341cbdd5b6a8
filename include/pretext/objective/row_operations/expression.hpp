// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

#include "../rows.hpp"

/// Expressions over embedded rows: their types say what is computed, their members hold run-time factors, and each knows
/// its adjoint. No tape and no heap: forward keeps views of the step's memory in a nested cache, backward walks the type.
/// A node has
///   rank, along                         one number, one per row or column, or rows; what its first extent runs over
///   trained<In>, needs_queue            whether a gradient flows below it, for rows of type In; whether it reads negatives
///   cache<T>
///   forward(p, cache) -> view
///   backward(p, cache, dy, s)           adds to p.d; `s` is what is known of the signs of dy
namespace pretext::objective::row {

/// What the first extent of a value runs over.
enum class over : std::uint8_t { nothing, rows, view, negatives, columns };

/// What is known about a gradient: every element at or above zero, at or below, or nothing.
enum class sign : std::uint8_t { any, positive, negative };
constexpr sign flipped(sign s) {
  return s == sign::positive ? sign::negative : s == sign::negative ? sign::positive : sign::any;
}
constexpr sign times(sign s, double factor) { return factor < 0 ? flipped(s) : s; }

struct expression_base {};
template <class E>
concept Expression = std::is_base_of_v<expression_base, E>;

template <int Rank, over Along, class... Below>
struct node : expression_base {
  static constexpr int rank = Rank;  // 0 a number, 1 numbers, 2 rows
  static constexpr over along = Along;
  static constexpr bool needs_queue = (Below::needs_queue || ...);
  template <class In>
  static constexpr bool trained = (Below::template trained<In> || ...);
};

/// What a wrong composition yields; what is built on it says nothing more.
struct malformed : node<-1, over::nothing> {
  template <class T>
  struct cache {};
};
template <class... E>
inline constexpr bool is_malformed = (std::is_same_v<E, malformed> || ...);
template <class L, class R>
inline constexpr bool is_alike = L::rank == R::rank && L::along == R::along;

/// Ranks hold different parts of values over rows; values over columns are the same on every rank.
template <class E>
inline constexpr bool is_spread = E::along == over::rows || E::along == over::view || E::along == over::negatives;

/// One pass over an expression: where to compute, on which rows, and where row gradients are added.
template <class Ctx, class In>
struct pass {
  using T = typename Ctx::value_type;
  using input = In;
  const Ctx& ctx;
  const In& in;
  tensor_view<T> d{};
};

namespace detail {
template <class>
inline constexpr bool always_false = false;

/// f(dx) adds the gradient of e's value to dx; then it goes on below e. Inputs are added to where they lie.
template <class P, class E, class C, class F>
constexpr void add_below(const P& p, const E& e, const C& kept, const extents& shape, sign s, F&& f) {
  if constexpr (E::template trained<typename P::input>) {
    if constexpr (requires { e.place(p); }) {
      f(e.place(p));
    } else {
      const auto scope = p.ctx.scope();
      const auto dx = p.ctx.take(shape);
      p.ctx(op::fill, typename P::T(0), dx);
      f(dx);
      e.backward(p, kept, as_const(dx), s);
    }
  }
}
/// The same where f(dx) writes dx instead of adding to it.
template <class P, class E, class C, class F>
constexpr void write_below(const P& p, const E& e, const C& kept, const extents& shape, sign s, F&& f) {
  if constexpr (E::template trained<typename P::input>) {
    const auto scope = p.ctx.scope();
    const auto dx = p.ctx.take(shape);
    f(dx);
    e.backward(p, kept, as_const(dx), s);
  }
}

/// The parts of all ranks in rank order; the same memory where there is one rank.
template <class Ctx, class T>
constexpr tensor_view<const T> gathered(const Ctx& ctx, tensor_view<const T> own) {
  if constexpr (Ctx::comm_type::is_single) {
    return own;
  } else {
    extents e = own.shape;
    e[0] *= ctx.comm->size();
    const tensor_view<T> all = ctx.take(e);
    ctx.comm->all_gather(own, all);
    return all;
  }
}
}  // namespace detail

}  // namespace pretext::objective::row
