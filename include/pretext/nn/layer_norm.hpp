// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "layer.hpp"

namespace pretext::nn {

/// Normalises each row over its last extent (biased variance), then scales and shifts it.
/// shapes  x, y (B, ..., C); weight, bias (C)
/// source  Ba et al. 2016, arXiv:1607.06450; conventions of PyTorch's LayerNorm
struct layer_norm {
  setting<double> eps = default_value(1e-5);
  static constexpr const char* name = "layer_norm";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
  }

  template <class In>
  struct bound : bound_base<layer_norm, In> {
    static_assert(In::rank >= 1, "pretext[shape.114] layer_norm expects at least one extent, the normalised one last");
    using base = bound_base<layer_norm, In>;
    using base::base;
    template <class T>
    struct cache {
      tensor_view<master_t<T>> mean, rstd;
    };
    constexpr In output() const { return this->input; }
    constexpr index_t width() const { return this->input[In::rank - 1]; }
    template <class V>
    constexpr void parameters(V& v) const {
      v.parameter({.name = "weight", .file_shape = {width()}, .what = role::scale, .start = initialiser::constant(1)});
      v.parameter({.name = "bias", .file_shape = {width()}, .what = role::bias});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                           cache<T>& kept) const {
      parameter_reader own(params);
      const auto gamma = own.parameter({width()}), beta = own.parameter({width()});
      kept.mean = ctx.take_master({x.rows()});
      kept.rstd = ctx.take_master({x.rows()});
      ctx(op::layer_norm, x, gamma, beta, this->spec.eps.value(), y, kept.mean, kept.rstd);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                            activations<const T> dy, Dx dx, Dp d_params) const {
      if constexpr (is_wanted<Dp>) {
        gradient_reader own(d_params);
        const auto d_gamma = own.parameter({width()}), d_beta = own.parameter({width()});
        ctx(op::layer_norm_parameter_gradient, x, dy, as_const(kept.mean), as_const(kept.rstd), d_gamma, d_beta);
      }
      if constexpr (is_wanted<Dx>)
        ctx(op::layer_norm_input_gradient, x, parameter_reader(params).parameter({width()}), as_const(kept.mean),
            as_const(kept.rstd), dy, dx);
    }
  };
};

}  // namespace pretext::nn
