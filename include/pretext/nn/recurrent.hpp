// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <string>

#include "layer.hpp"

namespace pretext::nn {

/// Options of lstm and gru.
template <index_t N>
struct layers {  // one above the other
  static constexpr index_t recurrent_layers = N;
};
struct bidirectional {};  // a second network from the end to the beginning; outputs of both side by side

namespace detail {
template <class... Options>
constexpr index_t recurrent_layers_of() {
  index_t n = 1;
  ([&] { if constexpr (requires { Options::recurrent_layers; }) n = Options::recurrent_layers; }(), ...);
  return n;
}
}  // namespace detail

/// A recurrent network over positions; `lstm<Width, Options...>` and `gru<Width, Options...>` name its cell. What the inputs bring to the
/// gates of all steps is one product; step after step, the outputs of the step before bring the rest.
/// Lengths and packed sequences come with the structure of x: states begin at 0 in each sequence, outputs are 0 where nothing is, and no work is
/// done on padding but that of the batched product.
/// Options: layers<N>, bidirectional. Dropout is between layers, as in PyTorch.
/// shapes  x (B, T, K), y (B, T, Width) or (B, T, 2 Width); names and layouts of PyTorch's nn.LSTM and nn.GRU (weight_ih_l0 (G Width, K), ...)
/// errors  pretext[shape.130] the input is no sequence
/// cost    2 B T G Width (K + Width) multiplications forward, twice that backward; two synchronisations of the threads a step
/// source  starts as PyTorch: U(-1/sqrt(Width), 1/sqrt(Width))
template <class Cell, index_t Width, class... Options>
struct recurrent {
  static constexpr index_t depth = detail::recurrent_layers_of<Options...>();
  static constexpr index_t directions = (std::is_same_v<bidirectional, Options> || ...) ? 2 : 1;
  static_assert(depth >= 1 && depth <= 9, "pretext[shape.131] a recurrent network has one to nine layers");
  setting<double> dropout = default_value(0.0);  // of what a layer hands to the one above

  static std::string label() { return joined({Cell::name, " ", Width, " layers ", depth, directions == 2 ? " bidirectional" : ""}); }
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("dropout", self.dropout);
  }

  template <class In>
  struct bound : bound_base<recurrent, In> {
    static_assert(In::rank == 2, "pretext[shape.130] a recurrent network expects sequence<D>: positions of D numbers");
    using base = bound_base<recurrent, In>;
    using base::base;
    static constexpr index_t G = Cell::gates, networks = depth * directions;
    static constexpr bool keeps_output = true;
    template <class T>
    struct cache {
      std::array<activations<T>, static_cast<std::size_t>(depth)> outputs{}, handed_on{};  // the second behind a dropout
      std::array<tensor_view<T>, static_cast<std::size_t>(networks)> saved{}, cells{};
    };

    constexpr auto output() const {
      if constexpr (In::rank == 2)
        return shape<static_extent<In, 0>, Width * directions>(extents(this->input[0], Width * directions));
      else
        return invalid_shape{};
    }
    template <class V>
    constexpr void parameters(V& v) const {
      for (index_t n = 0; n < networks; ++n) {
        const index_t k = inputs_of(n / directions);
        const auto declare = [&](std::string_view what, const extents& e, role r) {
          std::array<char, 24> name{};
          std::size_t size = 0;
          const auto add = [&](std::string_view part) {
            for (const char c : part) name[size++] = c;
          };
          add(what);
          name[size++] = static_cast<char>('0' + n / directions);
          if (n % directions == 1) add("_reverse");
          v.parameter({.name = {name.data(), size}, .file_shape = e, .what = r, .start = initialiser::uniform(Width)});
        };
        declare("weight_ih_l", {G * Width, k}, role::weight);
        declare("weight_hh_l", {G * Width, Width}, role::weight);
        declare("bias_ih_l", {G * Width}, role::bias);
        declare("bias_hh_l", {G * Width}, role::bias);
      }
    }

    template <class Ctx, class T>
    PRETEXT_APART constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y, cache<T>& kept) const {
      const std::size_t mark = ctx.memory->used();
      const extent structure = structure_of(x);
      parameter_reader own(params);
      activations<const T> in = x;
      for (index_t l = 0; l < depth; ++l) {
        const auto at = static_cast<std::size_t>(l);
        kept.outputs[at] = l + 1 < depth ? activations<T>(ctx.take(y.shape), x.structure) : y;
        for (index_t d = 0; d < directions; ++d) {
          const auto network = static_cast<std::size_t>(l * directions + d);
          const weights<parameter_reader<T>> w(own, inputs_of(l));
          kept.saved[network] = ctx.take(with_width(x.shape, 4 * Width));
          if constexpr (Cell::has_cells) kept.cells[network] = ctx.take(with_width(x.shape, Width));
          const auto scope = ctx.scope();
          const tensor_view<T> gates = ctx.take(with_width(x.shape, G * Width));
          ctx(op::linear, in, w.in, w.in_bias, gates);
          ctx(op::recurrent, Cell{}, as_const(gates), w.recurrent, w.recurrent_bias, structure, way(d), kept.outputs[at], kept.saved[network],
              kept.cells[network]);
        }
        in = kept.outputs[at];
        if (l + 1 < depth && drops(ctx)) {
          kept.handed_on[at] = activations<T>(ctx.take(in.shape), x.structure);
          drop(ctx, at, in, kept.handed_on[at]);
          in = kept.handed_on[at];
        }
      }
      if (!ctx.keep) ctx.memory->release(mark);
    }

    template <class Ctx, class T, class Dx, class Dp>
    PRETEXT_APART constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                                          activations<const T> dy, Dx dx, Dp d_params) const {
      const auto scope = ctx.scope();
      const extent structure = structure_of(x);
      // Gradients between layers take turns between two pieces of memory.
      std::array<tensor_view<T>, 2> turn{};
      for (index_t l = 1; l < depth && l < 3; ++l) turn[static_cast<std::size_t>(l % 2)] = ctx.take(dy.shape);
      activations<const T> down = dy;
      for (index_t l = depth - 1; l >= 0; --l) {
        const auto at = static_cast<std::size_t>(l);
        activations<const T> in = x;
        if (l > 0) in = drops(ctx) ? kept.handed_on[at - 1] : kept.outputs[at - 1];
        const activations<T> up(turn[static_cast<std::size_t>(l % 2)], x.structure);
        for (index_t d = 0; d < directions; ++d) {
          const auto inner = ctx.scope();
          const auto network = static_cast<std::size_t>(l * directions + d);
          parameter_reader own(params);
          gradient_reader gradients(d_params);
          skip(own, l * directions + d);
          const weights<parameter_reader<T>> w(own, inputs_of(l));
          const tensor_view<T> d_in = ctx.take(with_width(x.shape, G * Width));
          tensor_view<T> d_recurrent{};
          if constexpr (!Cell::same_gradient) d_recurrent = ctx.take(with_width(x.shape, G * Width));
          ctx(op::recurrent_gradient, Cell{}, w.recurrent, structure, way(d), tensor_view<const T>(as_const(tensor_view<T>(kept.outputs[at]))),
              as_const(kept.saved[network]), as_const(kept.cells[network]), down, d_in, d_recurrent);
          if constexpr (is_wanted<Dp>) {
            skip(gradients, l * directions + d);
            const weights<gradient_reader<Dp>> g(gradients, inputs_of(l));
            const tensor_view<const T> of_recurrent = as_const(Cell::same_gradient ? d_in : d_recurrent);
            const tensor_view<T> before = ctx.take(with_width(x.shape, Width));
            ctx(op::previous_outputs, as_const(tensor_view<T>(kept.outputs[at])), structure, way(d), before);
            ctx(op::matmul, as_const(d_in), in, g.in, op::matmul_options{.transpose_a = true, .accumulate = true});
            ctx(op::matmul, of_recurrent, as_const(before), g.recurrent, op::matmul_options{.transpose_a = true, .accumulate = true});
            if constexpr (Cell::same_gradient) {  // one pass over the gates for both
              const auto sums = ctx.take_master({G * Width});
              ctx(op::fill, master_t<T>(0), sums);
              ctx(op::column_sums, as_const(d_in), sums);
              ctx(op::add, as_const(sums), g.in_bias);
              ctx(op::add, as_const(sums), g.recurrent_bias);
            } else {
              ctx(op::column_sums, as_const(d_in), g.in_bias);
              ctx(op::column_sums, of_recurrent, g.recurrent_bias);
            }
          }
          const op::matmul_options add{.accumulate = d > 0};
          if (l > 0)
            ctx(op::matmul, as_const(d_in), w.in, up, add);
          else if constexpr (is_wanted<Dx>)
            ctx(op::matmul, as_const(d_in), w.in, dx, add);
        }
        if (l > 0 && drops(ctx)) drop(ctx, at - 1, activations<const T>(up), up);
        down = up;
      }
    }

   private:
    template <class Reader>
    struct weights {
      using view = decltype(std::declval<Reader&>().parameter(extents{}));
      view in, recurrent, in_bias, recurrent_bias;
      constexpr weights(Reader& own, index_t k)
          : in(own.parameter({G * Width, k})), recurrent(own.parameter({G * Width, Width})), in_bias(own.parameter({G * Width})),
            recurrent_bias(own.parameter({G * Width})) {}
    };
    constexpr index_t inputs_of(index_t l) const { return l == 0 ? this->input[1] : Width * directions; }
    /// Past the parameters of the first n networks.
    template <class Reader>
    constexpr void skip(Reader& own, index_t n) const {
      for (index_t i = 0; i < n; ++i) static_cast<void>(weights<Reader>(own, inputs_of(i / directions)));
    }
    static constexpr op::recurrent_way way(index_t d) { return {.reverse = d == 1, .column = d * Width}; }
    static constexpr extents with_width(extents e, index_t width) {
      e[e.rank - 1] = width;
      return e;
    }
    template <class A>
    static constexpr extent structure_of(const A& x) {
      return x.structure != nullptr ? *x.structure : extent{};
    }
    template <class Ctx>
    constexpr bool drops(const Ctx& ctx) const {
      return ctx.training() && this->spec.dropout.value() > 0;
    }
    template <class Ctx, class T>
    constexpr void drop(const Ctx& ctx, std::size_t which, const activations<const T>& x, const activations<T>& y) const {
      const index_t first = x.extent(0) == 0 ? 0 : ctx.first_row * (x.size() / x.extent(0));
      ctx(op::dropout, child_key(ctx.key, which), this->spec.dropout.value(), first, x, y);
    }
  };
};

template <index_t Width, class... Options>
using lstm = recurrent<cell::lstm, Width, Options...>;
template <index_t Width, class... Options>
using gru = recurrent<cell::gru, Width, Options...>;

}  // namespace pretext::nn
