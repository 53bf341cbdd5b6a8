// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "layer.hpp"

namespace pretext::nn {

/// What a pass keeps for the gradient.
template <class T>
struct batch_statistics {
  tensor_view<master_t<T>> mean, rstd;
  double count = 0;  // rows over all ranks; 0 in evaluation
};

/// Table and passes know the number of channels and no more of the shape, so that a network compiles them once.
namespace detail {

template <class V>
PRETEXT_APART constexpr void batch_norm_parameters(V& v, index_t c) {
  v.parameter({.name = "weight", .file_shape = {c}, .what = role::scale, .start = initialiser::constant(1)});
  v.parameter({.name = "bias", .file_shape = {c}, .what = role::bias});
  v.buffer({.name = "running_mean", .file_shape = {c}, .what = role::statistic});
  v.buffer({.name = "running_var", .file_shape = {c}, .what = role::statistic, .start = initialiser::constant(1)});
  v.buffer({.name = "num_batches_tracked", .file_shape = {}, .what = role::counter});
}

/// Chan et al. 1979 over ranks that hold equally many rows: first the joint mean, then squares moved to it.
template <class Ctx, class M>
constexpr double join_moments(const Ctx& ctx, tensor_view<M> mean, tensor_view<M> m2, double count) {
  const tensor_view<M> moved = ctx.take_master(mean.shape);
  ctx(op::copy, mean, moved);
  ctx.comm->all_reduce_sum(mean);
  ctx(op::scale, static_cast<M>(1.0 / ctx.comm->size()), mean);
  ctx(op::add_scaled, mean, M(-1), moved);
  ctx(op::add_scaled_squares, moved, static_cast<M>(count), m2);
  ctx.comm->all_reduce_sum(m2);
  return count * static_cast<double>(ctx.comm->size());
}

/// y = F(z) of the normalised z; F void: z itself.
template <class F, class Ctx, class T>
constexpr void batch_norm_apply(const Ctx& ctx, activations<const T> x, const batch_statistics<T>& kept,
                                tensor_view<const master_t<T>> gamma, tensor_view<const master_t<T>> beta, activations<T> y) {
  if constexpr (std::is_void_v<F>)
    ctx(op::normalize_columns, x, as_const(kept.mean), as_const(kept.rstd), gamma, beta, y);
  else
    ctx(op::normalize_columns_map, F{}, x, as_const(kept.mean), as_const(kept.rstd), gamma, beta, y);
}
/// The same from the statistics that the first pass kept.
template <class F, class Ctx, class T>
constexpr void batch_norm_again(index_t c, const Ctx& ctx, parameter_view<T> params, activations<const T> x,
                                const batch_statistics<T>& kept, activations<T> y) {
  parameter_reader own(params);
  const auto gamma = own.parameter({c}), beta = own.parameter({c});
  batch_norm_apply<F>(ctx, x, kept, gamma, beta, y);
}
template <class F, class Spec, class Ctx, class T>
PRETEXT_APART constexpr void batch_norm_forward(const Spec& spec, index_t c, const Ctx& ctx, parameter_view<T> params,
                                                const activations<const T>& x, const activations<T>& y, batch_statistics<T>& kept,
                                                const tensor_view<master_t<T>>& moments) {
  parameter_reader own(params);
  const auto gamma = own.parameter({c}), beta = own.parameter({c});
  const auto running_mean = own.buffer({c}), running_var = own.buffer({c}), batches = own.buffer({});
  const bool known = moments.rank() > 0;  // from the layer before
  kept.mean = known ? moments.slice(0, 1).flat() : ctx.take_master({c});
  kept.rstd = ctx.take_master({c});
  if (ctx.training()) {
    const auto scope = ctx.scope();
    const tensor_view<master_t<T>> m2 = known ? moments.slice(1, 2).flat() : ctx.take_master({c});
    if (!known) ctx(op::column_moments, x, kept.mean, m2);
    kept.count = static_cast<double>(x.rows());
    if constexpr (!Ctx::comm_type::is_single)
      if (spec.synchronised) kept.count = join_moments(ctx, kept.mean, m2, kept.count);
    ctx(op::rstd_of_moments, m2, kept.count, spec.eps.value(), kept.rstd);
    ctx(op::update_running_moments, as_const(kept.mean), as_const(m2), kept.count, spec.momentum.value(), running_mean, running_var);
    ctx(op::shift, master_t<T>(1), batches);
  } else {
    kept.count = 0;
    ctx(op::copy, running_mean, kept.mean);
    ctx(op::rstd_of_moments, running_var, 1.0, spec.eps.value(), kept.rstd);
  }
  batch_norm_apply<F>(ctx, x, kept, gamma, beta, y);
}
template <class F, class Spec, class Ctx, class T, class Dx, class Dp>
PRETEXT_APART constexpr void batch_norm_backward(const Spec& spec, index_t c, const Ctx& ctx, parameter_view<T> params,
                                                 const activations<const T>& x, const batch_statistics<T>& kept,
                                                 const activations<const T>& dy, const Dx& dx, Dp d_params) {
  const auto scope = ctx.scope();
  parameter_reader values(params);
  const auto gamma = values.parameter({c}), beta = values.parameter({c});
  const tensor_view<master_t<T>> sums = ctx.take_master({2, c});
  const tensor_view<master_t<T>> sum_dy = sums.slice(0, 1).reshape({c}), sum_dy_xhat = sums.slice(1, 2).reshape({c});
  if constexpr (std::is_void_v<F>)
    ctx(op::batch_norm_sums, x, dy, as_const(kept.mean), as_const(kept.rstd), sum_dy, sum_dy_xhat);
  else
    ctx(op::batch_norm_map_sums, F{}, x, dy, as_const(kept.mean), as_const(kept.rstd), gamma, beta, sum_dy, sum_dy_xhat);
  if constexpr (is_wanted<Dp>) {  // this rank's share: gradients are summed over ranks by the update
    gradient_reader own(d_params);
    ctx(op::add, as_const(sum_dy_xhat), own.parameter({c}));
    ctx(op::add, as_const(sum_dy), own.parameter({c}));
  }
  if constexpr (is_wanted<Dx>) {
    if (kept.count != 0 && spec.synchronised) ctx.comm->all_reduce_sum(sums);
    if constexpr (!std::is_void_v<F>)
      ctx(op::batch_norm_map_input_gradient, F{}, x, dy, as_const(kept.mean), as_const(kept.rstd), gamma, beta, as_const(sum_dy),
          as_const(sum_dy_xhat), kept.count, dx);
    else if (kept.count == 0)
      ctx(op::scale_columns, dy, as_const(kept.rstd), gamma, dx);
    else
      ctx(op::batch_norm_input_gradient, x, dy, as_const(kept.mean), as_const(kept.rstd), gamma, as_const(sum_dy),
          as_const(sum_dy_xhat), kept.count, dx);
  }
}

}  // namespace detail

/// Normalises each channel over the batch (and all pixels), then scales and shifts it. In evaluation the running
/// statistics are used, so a sample's result does not depend on its batch. Over several ranks the statistics are those
/// of the joined batch, unless `synchronised` is false.
///   y = gamma (x - mean) / sqrt(var + eps) + beta
/// shapes  x, y (B, ..., C); weight, bias, running_mean, running_var (C)
/// units   momentum: weight of the new batch in the running statistics, whose variance is the unbiased one
/// source  Ioffe & Szegedy 2015, arXiv:1502.03167; conventions of PyTorch's BatchNorm
struct batch_norm {
  setting<double> eps = default_value(1e-5);
  setting<double> momentum = default_value(0.1);
  setting<bool> synchronised = default_value(true);
  static constexpr const char* name = "batch_norm";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
    visit("momentum", self.momentum);
    visit("synchronised", self.synchronised);
  }

  template <class In>
  struct bound : bound_base<batch_norm, In> {
    static_assert(In::rank >= 1, "pretext[shape.113] batch_norm expects at least one extent, the channels last");
    using base = bound_base<batch_norm, In>;
    using base::base;
    template <class T>
    using cache = batch_statistics<T>;

    constexpr In output() const { return this->input; }
    constexpr index_t channels() const { return this->input[In::rank - 1]; }
    template <class V>
    constexpr void parameters(V& v) const {
      detail::batch_norm_parameters(v, channels());
    }
    /// An elementwise layer behind this one runs in the passes of this one: its input is never written, and is computed
    /// again for its gradient.
    template <class Next>
    static constexpr bool absorbs = requires { typename Next::functor; };

    /// `moments`: those of x, (2, C), where the layer before took them in a training pass (conv2d::forward_with_moments).
    static constexpr bool takes_moments = true;
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                           cache<T>& kept, const tensor_view<master_t<T>>& moments = {}) const {
      detail::batch_norm_forward<void>(this->spec, channels(), ctx, params, x, y, kept, moments);
    }
    template <class Next, class Ctx, class T>
    constexpr void forward_with(const Next&, const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                                cache<T>& kept, const tensor_view<master_t<T>>& moments = {}) const {
      detail::batch_norm_forward<typename Next::functor>(this->spec, channels(), ctx, params, x, y, kept, moments);
    }
    /// One pass over x, where keeping the output would cost memory as large.
    static constexpr bool computed_again = true;
    template <class Ctx, class T>
    constexpr void again(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept, activations<T> y) const {
      detail::batch_norm_again<void>(channels(), ctx, params, x, kept, y);
    }
    template <class Next, class Ctx, class T>
    constexpr void again_with(const Next&, const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                              activations<T> y) const {
      detail::batch_norm_again<typename Next::functor>(channels(), ctx, params, x, kept, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                            activations<const T> dy, Dx dx, Dp d_params) const {
      detail::batch_norm_backward<void>(this->spec, channels(), ctx, params, x, kept, dy, dx, d_params);
    }
    template <class Next, class Ctx, class T, class Dx, class Dp>
    constexpr void backward_with(const Next&, const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                                 activations<const T> dy, Dx dx, Dp d_params) const {
      detail::batch_norm_backward<typename Next::functor>(this->spec, channels(), ctx, params, x, kept, dy, dx, d_params);
    }
  };
};

}  // namespace pretext::nn
