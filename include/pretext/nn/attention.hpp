// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "layer.hpp"
#include "text_names.hpp"

namespace pretext::nn {

/// Self-attention of several heads: q, k, v by one product, softmax over the positions that each sees, an output product.
/// Options: `causal`, `rotary`, names and layout of a checkpoint (`names::pytorch`, the default, `names::bert`, `names::gpt2`).
/// Lengths and packed sequences come with the structure of x; what is padding gets no attention and gives none.
/// shapes  x, y (B, T, D), D a multiple of Heads; weights (3 D, D) and (D, D), as Names has them
/// errors  pretext[shape.124] the input is no sequence; pretext[shape.125] the width is no multiple of the heads;
///         pretext[shape.126] q, k, v in three matrices of a width that is no multiple of 16
/// cost    O(B T D^2 + B T^2 D) time; memory linear in T; dropout is a draw for each weight
/// source  Vaswani et al. 2017, arXiv:1706.03762
template <index_t Heads, class... Options>
struct attention {
  setting<double> dropout = default_value(0.0);            // of the weights
  setting<double> output_deviation = default_value(0.02);  // at the start, where Names starts small
  static constexpr index_t heads = Heads;
  static constexpr bool is_causal = detail::has_option<causal, Options...>, is_rotary = detail::has_option<rotary, Options...>;
  using names_type = typename detail::names_of<Options...>::type;
  static constexpr index_t matrices = static_cast<index_t>(sizeof(names_type::qkv) / sizeof(names::product));

  static std::string label() {
    return joined({"attention ", Heads, is_causal ? " causal" : "", is_rotary ? " rotary" : "", " ", names_type::name});
  }
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("dropout", self.dropout);
    visit("output_deviation", self.output_deviation);
  }

  template <class In>
  struct bound : bound_base<attention, In> {
    static_assert(In::rank == 2, "pretext[shape.124] attention expects sequence<D>: positions of D numbers");
    static_assert(Heads > 0 && (In::rank != 2 || static_extent<In, -1> == dynamic || static_extent<In, -1> % Heads == 0),
                  "pretext[shape.125] attention: the width must be a multiple of the heads");
    static_assert(matrices == 1 || In::rank != 2 || static_extent<In, -1> == dynamic || static_extent<In, -1> % parameter_alignment == 0,
                  "pretext[shape.126] attention: q, k and v in matrices of their own need a width that is a multiple of 16");
    using base = bound_base<attention, In>;
    using base::base;
    template <class T>
    struct cache {
      activations<T> qkv{}, heads{};
      tensor_view<master_t<T>> lse;
    };

    constexpr index_t width() const { return this->input[In::rank - 1]; }
    constexpr auto output() const {
      if constexpr (In::rank == 2)
        return this->input;
      else
        return invalid_shape{};
    }
    template <class V>
    constexpr void parameters(V& v) const {
      const index_t d = width();
      expects(d % Heads == 0, "shape.125", "attention: the width must be a multiple of the heads");
      expects(matrices == 1 || d % parameter_alignment == 0, "shape.126",
              "attention: q, k and v in matrices of their own need a width that is a multiple of 16");
      // The matrices of q, k and v follow each other without a gap, so they are one product whatever a file calls them.
      for (const auto& n : names_type::qkv)  // PyTorch's start is xavier_uniform: sqrt(6 / (D + 3 D))
        detail::declare_weight<names_type>(v, n.weight, d, 3 * d / matrices,
                                           names_type::small_start ? initialiser::normal(0.02) : initialiser::uniform(4 * d, 2.449489742783178));
      for (const auto& n : names_type::qkv) detail::declare_bias(v, n.bias, 3 * d / matrices);
      detail::declare_weight<names_type>(
          v, names_type::out.weight, d, d, names_type::small_start ? initialiser::normal(this->spec.output_deviation) : initialiser::uniform(d));
      detail::declare_bias(v, names_type::out.bias, d);
    }

    template <class Ctx, class T>
    PRETEXT_APART constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y, cache<T>& kept) const {
      const weights<parameter_reader<T>> w(parameter_reader<T>(params), width());
      const std::size_t mark = ctx.memory->used();
      kept.qkv = activations<T>(ctx.take(wide(x.shape)), x.structure);
      kept.heads = activations<T>(ctx.take(x.shape), x.structure);
      kept.lse = ctx.take_master({x.extent(0), Heads, x.extent(1)});
      const extent structure = structure_of(x);
      ctx(op::linear, x, w.in, w.in_bias, kept.qkv);
      if constexpr (is_rotary) ctx(op::rotate_positions, structure, Heads, 10000.0, false, kept.qkv);
      ctx(op::attention, as_const(tensor_view<T>(kept.qkv)), structure, options(ctx), kept.heads, kept.lse);
      ctx(op::linear, as_const(tensor_view<T>(kept.heads)), w.out, w.out_bias, y);
      if (!ctx.keep) ctx.memory->release(mark);
    }
    template <class Ctx, class T, class Dx, class Dp>
    PRETEXT_APART constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                                          activations<const T> dy, Dx dx, Dp d_params) const {
      const auto scope = ctx.scope();
      const weights<parameter_reader<T>> w(parameter_reader<T>(params), width());
      const activations<T> d_heads(ctx.take(x.shape)), d_qkv(ctx.take(wide(x.shape)));
      const activations<const T> d_in(d_qkv), heads_out(kept.heads);
      const extent structure = structure_of(x);
      ctx(op::matmul, dy, w.out, d_heads, op::matmul_options{});
      ctx(op::attention_gradient, as_const(tensor_view<T>(kept.qkv)), structure, options(ctx), heads_out, as_const(kept.lse),
          as_const(tensor_view<T>(d_heads)), d_qkv);
      if constexpr (is_rotary) ctx(op::rotate_positions, structure, Heads, 10000.0, true, d_qkv);
      if constexpr (is_wanted<Dp>) {
        const weights<gradient_reader<Dp>> d(gradient_reader<Dp>(d_params), width());
        detail::product_gradient(ctx, heads_out, dy, d.out, d.out_bias);
        detail::product_gradient(ctx, x, d_in, d.in, d.in_bias);
      }
      if constexpr (is_wanted<Dx>) ctx(op::matmul, d_in, w.in, dx, op::matmul_options{});
    }

   private:
    /// The four tensors of a segment; q, k and v as one.
    template <class Reader>
    struct weights {
      using view = decltype(std::declval<Reader&>().parameter(extents{}));
      view in, in_bias, out, out_bias;
      constexpr weights(Reader own, index_t d)
          : in(own.parameter({3 * d, d})), in_bias(own.parameter({3 * d})), out(own.parameter({d, d})), out_bias(own.parameter({d})) {}
    };
    static constexpr extents wide(extents e) {
      e[e.rank - 1] *= 3;
      return e;
    }
    template <class A>
    static constexpr extent structure_of(const A& x) {
      return x.structure != nullptr ? *x.structure : extent{};
    }
    template <class Ctx>
    constexpr op::attention_options options(const Ctx& ctx) const {
      return {.heads = Heads,
              .causal = is_causal,
              .dropout = ctx.training() ? this->spec.dropout.value() : 0.0,
              .key = ctx.key,
              .first_sample = ctx.first_row};
    }
  };
};

}  // namespace pretext::nn
