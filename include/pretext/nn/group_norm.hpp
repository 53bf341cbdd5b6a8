// SPDX-License-Identifier: BSD-3-Clause
// opt-in: what few networks are made of
#pragma once

#include <string>

#include "../core/text.hpp"
#include "layer.hpp"

namespace pretext::nn {

namespace detail {
template <class T>
struct group_statistics {
  tensor_view<T> turned;               // (B, C, pixels): x with a group's values side by side
  tensor_view<T> xhat;                 // like x
  tensor_view<master_t<T>> mean, rstd; // (B groups)
};
/// A vector of one number.
template <class Ctx>
constexpr auto all_of(const Ctx& ctx, index_t n, double value) {
  const auto v = ctx.take_master({n});
  ctx(op::fill, static_cast<typename Ctx::master_type>(value), v);
  return as_const(v);
}

/// What group_norm and instance_norm share; they differ in the number of groups. A group of one sample is a row of layer_norm once
/// channels come first, so all of it is ops there are, and their tangents.
template <class Spec, class In>
struct group_norm_base : bound_base<Spec, In> {
  using base = bound_base<Spec, In>;
  using base::base;
  template <class T>
  using cache = group_statistics<T>;

  constexpr In output() const { return this->input; }
  constexpr index_t channels() const { return this->input[In::rank - 1]; }
  template <class V>
  constexpr void parameters(V& v) const {
    v.parameter({.name = "weight", .file_shape = {channels()}, .what = role::scale, .start = initialiser::constant(1)});
    v.parameter({.name = "bias", .file_shape = {channels()}, .what = role::bias});
  }
  template <class Ctx, class T>
  constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y, cache<T>& kept) const {
    const sizes n(*this, x);
    parameter_reader own(params);
    const auto gamma = own.parameter({n.c}), beta = own.parameter({n.c});
    kept.turned = ctx.take({n.b, n.c, n.s});
    kept.xhat = ctx.take(x.shape);
    kept.mean = ctx.take_master({n.rows()});
    kept.rstd = ctx.take_master({n.rows()});
    const auto scope = ctx.scope();
    const tensor_view<T> z = ctx.take({n.b, n.c, n.s});
    ctx(op::transpose_inner, x.reshape(n.pixels_first()), kept.turned);
    ctx(op::layer_norm, as_const(kept.turned.reshape(n.groups_as_rows())), all_of(ctx, n.width(), 1), all_of(ctx, n.width(), 0),
        this->spec.eps.value(), z.reshape(n.groups_as_rows()), kept.mean, kept.rstd);
    ctx(op::transpose_inner, as_const(z), kept.xhat.reshape(n.pixels_first()));
    ctx(op::normalize_columns, as_const(kept.xhat), all_of(ctx, n.c, 0), all_of(ctx, n.c, 1), gamma, beta, y);
  }
  template <class Ctx, class T, class Dx, class Dp>
  constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept, activations<const T> dy, Dx dx,
                          Dp d_params) const {
    const sizes n(*this, x);
    const auto scope = ctx.scope();
    if constexpr (is_wanted<Dp>) {
      gradient_reader own(d_params);
      const auto d_gamma = own.parameter({n.c}), d_beta = own.parameter({n.c});
      ctx(op::layer_norm_parameter_gradient, as_const(kept.xhat), dy, all_of(ctx, n.b * n.s, 0), all_of(ctx, n.b * n.s, 1), d_gamma, d_beta);
    }
    if constexpr (is_wanted<Dx>) {
      const tensor_view<T> scaled = ctx.take(x.shape), turned = ctx.take({n.b, n.c, n.s});
      ctx(op::scale_columns, dy, all_of(ctx, n.c, 1), parameter_reader(params).parameter({n.c}), scaled);
      ctx(op::transpose_inner, as_const(scaled.reshape(n.pixels_first())), turned);
      ctx(op::layer_norm_input_gradient, as_const(kept.turned.reshape(n.groups_as_rows())), all_of(ctx, n.width(), 1), as_const(kept.mean),
          as_const(kept.rstd), as_const(turned.reshape(n.groups_as_rows())), scaled.reshape(n.groups_as_rows()));
      ctx(op::transpose_inner, as_const(scaled.reshape({n.b, n.c, n.s})), dx.reshape(n.pixels_first()));
    }
  }

 private:
  struct sizes {
    index_t b, s, c, groups;
    template <class X>
    constexpr sizes(const group_norm_base& l, const X& x)
        : b(x.extent(0)), s(1), c(l.channels()), groups(Spec::group_count == 0 ? c : Spec::group_count) {
      for (int i = 1; i + 1 < x.rank(); ++i) s *= x.extent(i);
    }
    constexpr index_t rows() const { return b * groups; }
    constexpr index_t width() const { return c / groups * s; }
    constexpr extents pixels_first() const { return {b, s, c}; }
    constexpr extents groups_as_rows() const { return {rows(), width()}; }
  };
};
}  // namespace detail

/// Normalises each group of neighbouring channels of a sample over the group and all pixels, then scales and shifts channels.
/// shapes  x, y (B, ..., C); weight, bias (C)
/// errors  pretext[shape.156] channels not divisible by the groups
/// cost    three transpositions forward and three back around layer_norm
/// source  Wu & He 2018, arXiv:1803.08494; conventions of PyTorch's GroupNorm
template <index_t Groups>
struct group_norm {
  static_assert(Groups >= 1, "pretext[shape.156] group_norm: the number of channels must be a multiple of the number of groups");
  setting<double> eps = default_value(1e-5);
  static constexpr index_t group_count = Groups;
  static std::string label() { return joined({"group_norm groups ", Groups}); }
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
  }
  template <class In>
  struct bound : detail::group_norm_base<group_norm, In> {
    static_assert(In::rank >= 1 && (static_extent<In, -1> == dynamic || static_extent<In, -1> % Groups == 0),
                  "pretext[shape.156] group_norm: the number of channels must be a multiple of the number of groups");
    using detail::group_norm_base<group_norm, In>::group_norm_base;
  };
};

/// group_norm with a group for each channel: a sample's pixels of one channel have mean 0 and variance 1 before scale and shift.
/// shapes  x, y (B, ..., C); weight, bias (C)
/// source  Ulyanov et al. 2016, arXiv:1607.08022; PyTorch's InstanceNorm with affine = true and without running statistics
struct instance_norm {
  setting<double> eps = default_value(1e-5);
  static constexpr index_t group_count = 0;
  static constexpr const char* name = "instance_norm";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
  }
  template <class In>
  struct bound : detail::group_norm_base<instance_norm, In> {
    using detail::group_norm_base<instance_norm, In>::group_norm_base;
  };
};

}  // namespace pretext::nn
