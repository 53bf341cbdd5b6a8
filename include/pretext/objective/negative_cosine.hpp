// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "rows.hpp"

namespace pretext::objective {

/// BYOL's regression of a prediction on a target's projection, both normalised:
///   L = mean_i |p_i/|p_i| - t_i/|t_i||^2 = mean_i (2 - 2 cos(p_i, t_i))
/// shapes  target_pairs without negatives: anchors p (V B, D), positives t (V B, D)
/// units   in [0, 4]
/// laws    0 where predictions are positive multiples of their targets; unchanged by scaling rows
/// source  Grill et al. 2020, arXiv:2006.07733, eq. 2; SimSiam's is half of it minus 1 (arXiv:2011.10566, eq. 1)
struct negative_cosine {
  static constexpr const char* name = "negative_cosine";
  static constexpr double eps = 1e-8;

  template <class T>
  struct cache {
    tensor_view<T> unit, norms, target;
  };
  template <class Ctx, class T>
  constexpr void loss(const Ctx& ctx, const target_pairs<T>& in, parameter_view<T>, cache<T>& c,
                      tensor_view<T> result) const {
    const index_t m = in.anchors.extent(0);
    expects(m > 0 && m % in.views == 0, "shape.201", "negative_cosine needs a number of rows that is a positive multiple of the views");
    c.unit = ctx.take(in.anchors.shape);
    c.norms = ctx.take({m});
    c.target = detail::next_views(ctx, in.positives, in.views);
    ctx(op::row_normalize, in.anchors, eps, c.unit, c.norms);
    const auto scope = ctx.scope();
    const tensor_view<T> norms = ctx.take({m}), cosines = ctx.take({m});
    ctx(op::row_normalize, c.target, eps, c.target, norms);
    ctx(op::row_dot, c.unit, c.target, cosines);
    ctx(op::scale, T(-2), cosines);
    ctx(op::shift, T(2), cosines);
    detail::reduce_loss(ctx, as_const(cosines), T(1) / static_cast<T>(m * ctx.comm->size()), result);
  }
  template <class Ctx, class T, class Dp>
  constexpr void gradient(const Ctx& ctx, T weight, const target_pairs<T>& in, parameter_view<T>, const cache<T>& c,
                          tensor_view<T> d_in, Dp) const {
    const auto scope = ctx.scope();
    const tensor_view<T> d_unit = ctx.take(in.anchors.shape);
    ctx(op::copy, c.target, d_unit);
    ctx(op::scale, weight * T(-2) / static_cast<T>(in.anchors.extent(0) * ctx.comm->size()), d_unit);
    ctx(op::row_normalize_backward, c.unit, c.norms, d_unit, d_in);
  }
};

}  // namespace pretext::objective
