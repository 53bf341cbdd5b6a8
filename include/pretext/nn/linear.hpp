// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "layer.hpp"

namespace pretext::nn {

/// Leaves out the additive bias of a linear or convolution layer.
struct no_bias {};

/// y = x W^T + b over the last extent.
/// shapes  x (B, ..., K), y (B, ..., Out); weight (Out, K), bias (Out)
/// errors  pretext[shape.101] the input is a picture that was not flattened or pooled
/// source  initialised as PyTorch: U(-1/sqrt(K), 1/sqrt(K))
template <index_t Out, class... Options>
struct linear {
  static constexpr bool has_bias = !(std::is_same_v<Options, no_bias> || ...);
  static constexpr const char* name = "linear";

  template <class In>
  struct bound : bound_base<linear, In> {
    static_assert(In::rank == 1 || In::rank == 2,
                  "pretext[shape.101] linear expects features<D> or sequence<D>; put flatten or global_avg_pool before it");
    using base = bound_base<linear, In>;
    using base::base;
    template <class T>
    struct cache {};

    constexpr index_t width() const { return this->input[In::rank - 1]; }
    constexpr auto output() const {
      if constexpr (In::rank == 1)
        return shape<Out>{};
      else if constexpr (In::rank == 2)
        return shape<static_extent<In, 0>, Out>(extents(this->input[0], Out));
      else
        return invalid_shape{};
    }
    template <class V>
    constexpr void parameters(V& v) const {
      const index_t k = width();
      v.parameter({.name = "weight", .file_shape = {Out, k}, .what = role::weight, .start = initialiser::uniform(k)});
      if constexpr (has_bias)
        v.parameter({.name = "bias", .file_shape = {Out}, .what = role::bias, .start = initialiser::uniform(k)});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      parameter_reader own(params);
      const auto weight = own.parameter({Out, width()});
      tensor_view<const T> bias;
      if constexpr (has_bias) bias = own.parameter({Out});
      ctx(op::linear, x, weight, bias, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp d_params) const {
      if constexpr (is_wanted<Dp>) {
        gradient_reader own(d_params);
        ctx(op::matmul, dy, x, own.parameter({Out, width()}), op::matmul_options{.transpose_a = true, .accumulate = true});
        if constexpr (has_bias) ctx(op::column_sums, dy, own.parameter({Out}));
      }
      if constexpr (is_wanted<Dx>)
        ctx(op::matmul, dy, parameter_reader(params).parameter({Out, width()}), dx, op::matmul_options{});
    }
  };
};

}  // namespace pretext::nn
