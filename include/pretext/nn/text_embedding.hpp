// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include "layer.hpp"
#include "text_names.hpp"

namespace pretext::nn {

/// Options of text_embedding.
template <index_t Most>
struct learned_positions {  // a trained table of positions below Most
  static constexpr index_t most_positions = Most;
};
struct sinusoidal_positions {};
template <index_t Kinds>
struct token_types {  // a trained row for each kind of position (extent::types)
  static constexpr index_t kinds = Kinds;
};

namespace detail {
template <class... Options>
constexpr index_t most_positions_of() {
  index_t most = 0;
  ([&] { if constexpr (requires { Options::most_positions; }) most = Options::most_positions; }(), ...);
  return most;
}
template <class... Options>
constexpr index_t kinds_of() {
  index_t kinds = 0;
  ([&] { if constexpr (requires { Options::kinds; }) kinds = Options::kinds; }(), ...);
  return kinds;
}
/// The number of words: a constant, or set by name where the type says `dynamic`.
template <index_t Words>
struct vocabulary {
  static constexpr index_t words = Words;
};
template <>
struct vocabulary<dynamic> {
  setting<index_t> words = default_value(1);
};
}  // namespace detail

/// Numbers of words -> rows of a learned table, with what says where they stand:
///   y(b, t) = word[x(b, t)] (+ position[t]) (+ type[types(b, t)])
/// A number below 0 is padding: its word is zero and nothing is learned from it. Positions begin anew in each packed sequence.
/// Options: learned_positions<Most>, sinusoidal_positions, token_types<Kinds>, names. `text_embedding<dynamic, Width>` takes the number of words
/// at run time: `{.words = 30522}`.
/// The table is what a tied output multiplies by: `table(params)`, `table_gradient(d_params)` (op::vocabulary_loss).
/// shapes  x (B, length) of any integer type, bound to shape<length>; y (B, length, Width); weight (Words, Width)
/// errors  pretext[shape.128] the input is not one row of numbers a sample; refused by the ops: pretext[value.120] a number above Words - 1,
///         pretext[value.122] a sequence longer than the positions
/// cost    the gradient touches the rows of the words that are there, each added up in their order, whatever Words is
/// source  starts as N(0, deviation)
template <index_t Words, index_t Width, class... Options>
struct text_embedding : detail::vocabulary<Words> {
  using names_type = typename detail::names_of<Options...>::type;
  setting<double> deviation = default_value(names_type::small_start ? 0.02 : 1.0);
  static constexpr index_t most_positions = detail::most_positions_of<Options...>(), kinds = detail::kinds_of<Options...>();
  static constexpr bool is_sinusoidal = detail::has_option<sinusoidal_positions, Options...>;
  static_assert(!(is_sinusoidal && most_positions > 0), "pretext[shape.129] text_embedding: positions are either learned or sinusoidal");

  static std::string label() { return joined({"text_embedding", is_sinusoidal ? " sinusoidal" : ""}); }
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    if constexpr (Words == dynamic) visit("words", self.words);
    visit("deviation", self.deviation);
  }

  template <class In>
  struct bound : bound_base<text_embedding, In> {
    static_assert(In::rank == 1, "pretext[shape.128] text_embedding expects shape<length>: the numbers of a sample's words");
    using base = bound_base<text_embedding, In>;
    using base::base;
    template <class T>
    struct cache {};

    constexpr index_t words() const { return this->spec.words; }
    constexpr auto output() const {
      if constexpr (In::rank == 1)
        return shape<static_extent<In, 0>, Width>(extents(this->input[0], Width));
      else
        return invalid_shape{};
    }
    template <class V>
    constexpr void parameters(V& v) const {
      const auto declare = [&](std::string_view name, index_t rows) {
        v.parameter({.name = name, .file_shape = {rows, Width}, .what = role::embedding, .start = initialiser::normal(this->spec.deviation)});
      };
      declare(names_type::words, words());
      if constexpr (most_positions > 0) declare(names_type::positions, most_positions);
      if constexpr (kinds > 0) declare(names_type::types, kinds);
    }
    /// (Words, Width): the rows of the words, and where their gradient is added to.
    template <class T>
    constexpr tensor_view<const master_t<T>> table(parameter_view<T> params) const {
      return parameter_reader(params).parameter({words(), Width});
    }
    template <class T>
    constexpr tensor_view<master_t<T>> table_gradient(gradient_view<T> d_params) const {
      return gradient_reader(d_params).parameter({words(), Width});
    }

    template <class Ctx, class T, std::integral Id>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const Id> x, activations<T> y, cache<T>&) const {
      parameter_reader own(params);
      const extent structure = structure_of(x);
      ctx(op::gather_rows, own.parameter({words(), Width}), x.flat(), y);
      if constexpr (most_positions > 0) ctx(op::add_positions, own.parameter({most_positions, Width}), structure, y);
      if constexpr (kinds > 0) ctx(op::add_gathered_rows, own.parameter({kinds, Width}), types_of(x), y);
      if constexpr (is_sinusoidal) {
        const auto scope = ctx.scope();
        const auto table = ctx.take_master({x.extent(1), Width});
        ctx(op::sinusoidal_positions, table);
        ctx(op::add_positions, as_const(table), structure, y);
      }
    }
    template <class Ctx, class T, std::integral Id, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const Id> x, const cache<T>&, activations<const T> dy, no_gradient,
                            Dp d_params) const {
      if constexpr (is_wanted<Dp>) {
        gradient_reader own(d_params);
        ctx(op::scatter_add_rows, dy, x.flat(), own.parameter({words(), Width}));
        if constexpr (most_positions > 0) ctx(op::add_positions_gradient, dy, structure_of(x), own.parameter({most_positions, Width}));
        if constexpr (kinds > 0) {
          const auto d_types = own.parameter({kinds, Width});
          if (x.structure != nullptr && x.structure->types != nullptr)
            ctx(op::scatter_add_rows, dy, types_of(x), d_types);
          else
            ctx(op::column_sums, dy, d_types.slice(0, 1));
        }
      }
    }

   private:
    template <class A>
    static constexpr extent structure_of(const A& x) {
      return x.structure != nullptr ? *x.structure : extent{};
    }
    template <class A>
    static constexpr tensor_view<const std::int32_t> types_of(const A& x) {
      return {x.structure != nullptr ? x.structure->types : nullptr, extents(x.size())};
    }
  };
};

}  // namespace pretext::nn
