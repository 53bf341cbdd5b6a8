// SPDX-License-Identifier: BSD-3-Clause
// opt-in: what programs without a discriminator need not read
#pragma once

#include "../backend/tangent.hpp"
#include "../objective/rows.hpp"
#include "../train/step.hpp"

namespace pretext::method {

namespace detail {
/// f'(q) and f(q) of a regularizer as functions that ops take.
template <class R>
struct slope_cost {
  static constexpr const char* name = R::name;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& q) {
    return R::template value<M>(q);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& q) {
    return R::template derivative<M>(q);
  }
};
}  // namespace detail

/// P = weight mean_i f(|g_i|^2), g = grad_x sum_i D(x_i), of a part D with one score a sample: leaves P in `value` and adds its
/// gradient to D's parameters, exactly:
///   grad_theta P = d/de grad_theta sum_i D(x_i + e v_i) at e = 0,   v_i = weight 2 f'(|g_i|^2) / B  g_i
/// `r` is what s.forward(d, x) returned. The pass on pairs sees the same dropout masks and changes no state.
/// shapes  x (B, ...), value (1)
/// cost    D's input gradient, then forward and backward on pairs (backend/tangent.hpp): about six forward passes
/// source  double backpropagation: Drucker & Le Cun 1992
template <class R, class Ctx, class Specs, class Bound, class T = typename Ctx::value_type>
constexpr void add_gradient_penalty(const R& regularizer, const train::step_scope<Ctx, Specs>& s, const train::part<Bound>& d,
                                    const train::record<Bound, T>& r, tensor_view<T> value) {
  const auto scope = s.ctx.scope();
  const index_t samples = r.x.extent(0);
  expects(r.y.size() == samples, "shape.158", "a gradient penalty needs a discriminator with one score a sample; end it in linear<1>");
  const T weight = static_cast<T>(regularizer.weight.value()), share = T(1) / static_cast<T>(samples * s.ctx.comm->size());
  const activations<T> one(s.ctx.take(r.y.shape));
  s.ctx(op::fill, T(1), one);
  const activations<T> g = s.backward_input(d, r, one);
  const extents flat(samples, r.x.size() / (samples > 0 ? samples : 1));
  const tensor_view<T> slopes = tensor_view<T>(g).reshape(flat), v = s.ctx.take(flat);
  const tensor_view<T> q = s.ctx.take({samples}), cost = s.ctx.take({samples});
  s.ctx(op::row_dot, as_const(slopes), as_const(slopes), q);
  s.ctx(op::map, detail::slope_cost<R>{}, as_const(q), cost);
  objective::detail::reduce_loss(s.ctx, as_const(cost), weight * share, value);
  s.ctx(op::fill, T(2) * weight * share, cost);
  s.ctx(op::map_backward, detail::slope_cost<R>{}, as_const(q), as_const(cost), cost);
  s.ctx(op::fill, T(0), v);
  s.ctx(op::add_scaled_rows, as_const(cost), as_const(slopes), v);
  backend::on_pairs(s.ctx, [&](const auto& pairs) {
    train::step_scope<std::remove_cvref_t<decltype(pairs)>, Specs> inner;
    inner.ctx = pairs;
    inner.players = s.players;
    const auto x = backend::pair(pairs, r.x, as_const(v.reshape(r.x.shape)));
    const auto scored = inner.forward(d, x);
    const activations<T> ones(pairs.take(scored.y.shape));
    pairs(op::fill, T(1), ones);
    inner.backward(d, scored, ones, no_gradient{});
  });
}

}  // namespace pretext::method
