// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

#include "../comm/null.hpp"
#include "../config.hpp"
#include "../core/extent.hpp"
#include "../core/master.hpp"
#include "../core/parameters.hpp"
#include "../core/step_inputs.hpp"
#include "../core/workspace.hpp"
#include "ops/elementwise.hpp"
#include "ops/rounded.hpp"

namespace pretext {

namespace detail {
/// A view without the structure beside it, so that ops are instantiated for views alone; anything else as it is.
template <class T>
constexpr const tensor_view<T>& plain(const tensor_view<T>& v) {
  return v;
}
template <class T>
constexpr const tensor_view<T>& plain(const activations<T>& v) {
  return v;
}
template <class A>
constexpr const A& plain(const A& a) {
  return a;
}

template <class Rounding>
struct scores_of {
  using type = void;
};
template <class Rounding>
  requires requires { typename Rounding::scores; }
struct scores_of<Rounding> {
  using type = typename Rounding::scores;
};
/// What a precision lets be rounded in a loss: the products of scores, or nothing.
template <class Rounding>
using rounding_of_scores = typename scores_of<Rounding>::type;
}  // namespace detail

enum class run_mode : std::uint8_t { train, evaluate };

/// What every stage is handed: where to compute, in what memory, in which mode, with which randomness, with whom.
/// `ctx(op::x, ...)` runs an op; `ctx.take(extents)` takes memory that lives until the enclosing scope of the step ends.
/// T: how activations are stored; sums and statistics are master_t<T> (core/master.hpp).
/// Rounding: the precision that lets products round what they multiply (precision/precision.hpp), or void.
template <class Backend, class T, class Comm = comm::null, class Rounding = void>
struct context {
  using value_type = T;
  using master_type = master_t<T>;
  using backend_type = Backend;
  using comm_type = Comm;

  Backend* backend = nullptr;
  workspace* memory = nullptr;
  Comm* comm = nullptr;
  const step_inputs* inputs = nullptr;
  moving_key key = {};
  run_mode mode = run_mode::train;
  /// Whether backward will follow; without it nothing is kept between layers.
  bool keep = true;
  /// Number of the first row of this pass in the whole batch (micro-batches): draws per row do not depend on the cut.
  index_t first_row = 0;

  /// Runs an op; on a plan it only takes the op's scratch. So one instantiation of a step serves planning and running.
  template <class Op, class... A>
  constexpr void operator()(Op op, const A&... a) const {
    if constexpr (op::rounds<Rounding, Op>)
      launch(op::rounded<Op, Rounding>{}, *backend, *memory, detail::plain(a)...);
    else
      launch(op, *backend, *memory, detail::plain(a)...);
  }
  /// The same in master numbers and without rounding, for what needs all digits: losses. What the precision says of scores stays.
  constexpr context<Backend, master_t<T>, Comm, detail::rounding_of_scores<Rounding>> exact() const { return {backend, memory, comm, inputs, key, mode, keep, first_row}; }
  constexpr tensor_view<T> take(const extents& e) const { return memory->take<T>(e); }
  constexpr tensor_view<T> take(index_t n) const { return memory->take<T>(n); }
  /// Memory for statistics.
  constexpr tensor_view<master_t<T>> take_master(const extents& e) const { return memory->take<master_t<T>>(e); }
  /// Memory that is given back by `memory->release_far`, whatever was taken and kept since.
  constexpr tensor_view<T> take_far(const extents& e) const { return memory->take_far<T>(e); }
  template <class U>
  constexpr tensor_view<U> take_of(const extents& e) const {
    return memory->take<U>(e);
  }
  template <class U>
  constexpr tensor_view<U> take_of(index_t n) const {
    return memory->take<U>(n);
  }
  /// Activations as losses read them, in master numbers; the same memory where they are stored so.
  constexpr tensor_view<const master_t<T>> widened(const tensor_view<const T>& x) const {
    if constexpr (std::is_same_v<T, master_t<T>>) {
      return x;
    } else {
      const tensor_view<master_t<T>> wide = take_master(x.shape);
      (*this)(op::copy, x, wide);
      return wide;
    }
  }
  /// The other way: a gradient that a loss left, or numbers that come from outside, as activations are stored.
  constexpr activations<T> stored(const activations<master_t<T>>& d) const {
    if constexpr (std::is_same_v<T, master_t<T>>)
      return d;
    else
      return narrowed(d);
  }
  constexpr activations<const T> stored(const activations<const master_t<T>>& x) const {
    if constexpr (std::is_same_v<T, master_t<T>>)
      return x;
    else
      return narrowed(x);
  }
  constexpr workspace::scope scope() const { return workspace::scope(*memory); }
  constexpr bool training() const { return mode == run_mode::train; }
  /// The same with another key: draws of two dropout layers never meet.
  constexpr context with_key(const moving_key& k) const {
    context c = *this;
    c.key = k;
    return c;
  }

 private:
  constexpr activations<T> narrowed(const activations<const master_t<T>>& x) const {
    const activations<T> narrow(take(x.shape), x.structure);
    (*this)(op::copy, x, narrow);
    return narrow;
  }
  /// Apart from the layers and the same for all of them: a network compiles each of its ops once, not once per layer.
  template <class Op, class... A>
  PRETEXT_APART static constexpr void launch(Op op, Backend& backend, workspace& memory, const A&... a) {
    if constexpr (requires { Backend::interprets_plans; }) {
      backend.run(op, memory, a...);
    } else if (memory.planning()) {
      memory.plan_bytes(backend.scratch_bytes(op, a...));
    } else {
      backend.run(op, memory, a...);
    }
  }
};

}  // namespace pretext
