// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../backend/context.hpp"
#include "../backend/ops.hpp"
#include "../core/settings.hpp"

/// What objectives are given: blocks of embedded rows, named by what they are. Views of a sample lie B rows apart:
/// rows [v B, (v + 1) B) are view v of samples 0 .. B - 1.
namespace pretext::objective {

/// All rows are trained and each other's positives and negatives (SimCLR).
template <class T>
struct self_pairs {
  using value_type = T;
  tensor_view<const T> rows;  // (V B, D)
  index_t views = 2;
};

/// Trained rows against rows of a target that nothing flows into (BYOL, MoCo). The positive of view v of a sample is the
/// target's view (v + 1) mod V of it.
template <class T>
struct target_pairs {
  using value_type = T;
  tensor_view<const T> anchors;    // (V B, D)
  tensor_view<const T> positives;  // (V B, D)
  tensor_view<const T> negatives;  // (K, D), or null
  index_t views = 2;
};

/// Two blocks of trained rows that stand for the same things, as pictures and their captions (CLIP): rows i and i + B belong
/// together, and rows of one block are not compared with each other.
template <class T>
struct tower_pairs {
  using value_type = T;
  tensor_view<const T> rows;  // (2B, D)
};

namespace detail {
/// loss = sum(rows) factor, summed over ranks.
template <class Ctx, class T>
constexpr void reduce_loss(const Ctx& ctx, tensor_view<const T> rows, T factor, tensor_view<T> loss) {
  ctx(op::sum, rows, loss);
  ctx(op::scale, factor, loss);
  ctx.comm->all_reduce_sum(loss);
}
/// The rows of all ranks in rank order; the same memory where there is one rank.
template <class Ctx, class T>
constexpr tensor_view<const T> all_rows(const Ctx& ctx, tensor_view<const T> own) {
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
/// Rows of the target in the order of the anchors they belong to: views moved by one.
template <class Ctx, class T>
constexpr tensor_view<T> next_views(const Ctx& ctx, tensor_view<const T> rows, index_t views) {
  const index_t n = rows.extent(0), b = n / views;
  const tensor_view<T> moved = ctx.take(rows.shape);
  ctx(op::copy, rows.slice(b, n), moved.slice(0, n - b));
  ctx(op::copy, rows.slice(0, b), moved.slice(n - b, n));
  return moved;
}
}  // namespace detail

/// Loss and gradient of an objective at once: leaves the loss, returns the gradient of the rows.
template <class Ctx, class Objective, class In, class T = typename In::value_type, class Dp = no_gradient>
constexpr activations<T> loss_and_gradient(const Ctx& ctx, const Objective& objective, const In& in, tensor_view<T> loss,
                                           parameter_view<T> params = {}, Dp d_params = {}) {
  activations<T> d;
  if constexpr (requires { in.anchors; })
    d = activations<T>(ctx.take(in.anchors.shape));
  else
    d = activations<T>(ctx.take(in.rows.shape));
  ctx(op::fill, T(0), d);
  typename Objective::template cache<T> kept{};
  objective.loss(ctx, in, params, kept, loss);
  objective.gradient(ctx, T(1), in, params, kept, d, d_params);
  return d;
}

/// An objective's parameters as a part of a player: those of the policy itself on rows of width D.
template <class Objective>
struct bound_parameters {
  Objective policy{};
  index_t width = 0;
  template <class V>
  constexpr void parameters(V& v) const {
    if constexpr (requires { policy.parameters(v, width); }) policy.parameters(v, width);
  }
  template <class T>
  struct cache {};
};

}  // namespace pretext::objective
