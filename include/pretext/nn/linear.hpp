// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "layer.hpp"

namespace pretext::nn {

/// Leaves out the additive bias of a linear or convolution layer.
struct no_bias {};

namespace detail {
/// The number of outputs: a constant, or set by name where the type says `dynamic`.
template <index_t Out>
struct linear_width {
  static constexpr index_t out = Out;
};
template <>
struct linear_width<dynamic> {
  setting<index_t> out = default_value(1);
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("out", self.out);
  }
};
}  // namespace detail

/// y = x W^T + b over the last extent. `linear<dynamic>` takes its width at run time: `{.out = 10}` of its settings.
/// shapes  x (B, ..., K), y (B, ..., Out); weight (Out, K), bias (Out)
/// errors  pretext[shape.101] the input is a picture that was not flattened or pooled
/// source  initialised as PyTorch: U(-1/sqrt(K), 1/sqrt(K))
template <index_t Out, class... Options>
struct linear : detail::linear_width<Out> {
  static constexpr bool has_bias = !(std::is_same_v<Options, no_bias> || ...);
  static constexpr const char* name = "linear";

  template <class In>
  struct bound : bound_base<linear, In> {
    static_assert(In::rank == 1 || In::rank == 2,
                  "pretext[shape.101] linear expects features<D> or sequence<D>; put flatten or global_avg_pool before it");
    using base = bound_base<linear, In>;
    using base::base;
    static constexpr bool reads_input_first = true;
    /// An elementwise layer behind this one whose gradient follows from its value (relu) runs in the product: the sum is neither
    /// written nor kept.
    static constexpr bool keeps_absorbed_output = true;
    template <class Next>
    static constexpr bool absorbs = requires { requires Next::functor::gradient_from_value; };
    template <class T>
    struct cache {
      activations<const T> output{};  // of the layer that was absorbed
    };

    constexpr index_t width() const { return this->input[In::rank - 1]; }
    constexpr index_t outputs() const { return this->spec.out; }
    constexpr auto output() const {
      if constexpr (In::rank == 1)
        return shape<Out>(extents(outputs()));
      else if constexpr (In::rank == 2)
        return shape<static_extent<In, 0>, Out>(extents(this->input[0], outputs()));
      else
        return invalid_shape{};
    }
    template <class V>
    constexpr void parameters(V& v) const {
      const index_t k = width();
      v.parameter({.name = "weight", .file_shape = {outputs(), k}, .what = role::weight, .start = initialiser::uniform(k)});
      if constexpr (has_bias)
        v.parameter({.name = "bias", .file_shape = {outputs()}, .what = role::bias, .start = initialiser::uniform(k)});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      parameter_reader own(params);
      const auto weight = own.parameter({outputs(), width()});
      tensor_view<const master_t<T>> bias;
      if constexpr (has_bias) bias = own.parameter({outputs()});
      ctx(op::linear, x, weight, bias, y);
    }
    template <class Next, class Ctx, class T>
    constexpr void forward_with(const Next&, const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                                cache<T>& kept) const {
      parameter_reader own(params);
      const auto weight = own.parameter({outputs(), width()});
      tensor_view<const master_t<T>> bias;
      if constexpr (has_bias) bias = own.parameter({outputs()});
      kept.output = activations<const T>(y);
      ctx(op::linear_map, typename Next::functor{}, x, weight, bias, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp d_params) const {
      if constexpr (is_wanted<Dp>) {
        gradient_reader own(d_params);
        ctx(op::matmul, dy, x, own.parameter({outputs(), width()}), op::matmul_options{.transpose_a = true, .accumulate = true});
        if constexpr (has_bias) ctx(op::column_sums, dy, own.parameter({outputs()}));
      }
      if constexpr (is_wanted<Dx>)
        ctx(op::matmul, dy, parameter_reader(params).parameter({outputs(), width()}), dx, op::matmul_options{});
    }
    template <class Next, class Ctx, class T, class Dx, class Dp>
    constexpr void backward_with(const Next&, const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                                 activations<const T> dy, Dx dx, Dp d_params) const {
      const auto scope = ctx.scope();
      backward(ctx, params, x, kept, detail::gradient_of_absorbed<Next>(ctx, kept.output, dy), dx, d_params);
    }
  };
};

}  // namespace pretext::nn
