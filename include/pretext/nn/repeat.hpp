// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>

#include "layer.hpp"

namespace pretext::nn {

/// The same block N times, each with parameters of its own: one instantiation and a loop, so compile time does not grow
/// with depth. `repeat<dynamic, Block>` takes the number at run time: `{.count = 12}`. Children are named First, First + 1,
/// ...; First above 0 is for what follows a block of another kind (resnet). A dynamic count is at most `Most`.
/// errors  pretext[shape.116] the block changes the shape; pretext[value.302] a dynamic count below 1 or above Most
template <index_t N, class Block, index_t First = 0, index_t Most = (N == dynamic ? 256 : N)>
struct repeat {
  setting<index_t> count = default_value(N == dynamic ? 1 : N);
  Block block{};
  static constexpr index_t most = Most;
  static constexpr const char* name = "repeat";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("count", self.count);
    visit("block", self.block);
  }

  template <class In>
  struct bound {
    static_assert(N == dynamic || N >= 1, "pretext[shape.117] repeat: the count must be at least 1, or dynamic");
    using spec_type = repeat;
    using input_shape = In;
    using block_type = bound_t<Block, In>;
    static constexpr bool keeps_output = KeepsOutput<block_type>;
    static_assert(std::is_same_v<output_t<block_type>, In> || std::is_same_v<output_t<block_type>, invalid_shape>,
                  "pretext[shape.116] repeat: the block must keep its input shape");

    repeat spec{};
    [[no_unique_address]] In input{};
    [[no_unique_address]] block_type block{};

    constexpr bound() = default;
    constexpr bound(const repeat& s, const In& in) : spec(s), input(in), block(bind(s.block, in)) {
      expects(count() >= 1 && count() <= most, "value.302", "repeat: the count must lie between 1 and the largest its type has room for");
    }
    constexpr index_t count() const { return N == dynamic ? spec.count.value() : N; }
    constexpr In output() const { return input; }

    template <class T>
    struct cache {
      // Dynamic counts keep their caches in an array of the largest count: it lives with the record, not in the plan.
      std::array<typename block_type::template cache<T>, static_cast<std::size_t>(most)> blocks{};
      std::array<activations<T>, static_cast<std::size_t>(most)> outputs{};
    };
    template <class V>
    constexpr void parameters(V& v) const {
      for (index_t i = First; i < First + count(); ++i) {
        const std::array<char, 3> digits{static_cast<char>('0' + (i < 10 ? i : i < 100 ? i / 10 : i / 100)),
                                         static_cast<char>('0' + (i < 100 ? i % 10 : i / 10 % 10)),
                                         static_cast<char>('0' + i % 10)};
        v.child(std::string_view(digits.data(), i < 10 ? 1 : i < 100 ? 2 : 3), block);
      }
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                           cache<T>& kept) const {
      parameter_reader own(params);
      activations<const T> in = x;
      const auto run = [&](index_t i, activations<T> out, typename block_type::template cache<T>& c) {
        block.forward(child_context(ctx, static_cast<std::size_t>(i)), own.child(block), in, out, c);
        in = out;
      };
      if (ctx.keep) {
        for (index_t i = 0; i < count(); ++i) {
          const auto k = static_cast<std::size_t>(i);
          kept.outputs[k] = i + 1 < count() ? activations<T>(ctx.take(x.shape), x.structure) : y;
          run(i, kept.outputs[k], kept.blocks[k]);
        }
      } else {
        const auto scope = ctx.scope();
        const std::array<tensor_view<T>, 2> turn{ctx.take(x.shape), ctx.take(x.shape)};
        for (index_t i = 0; i < count(); ++i) {
          const auto inner = ctx.scope();
          run(i, i + 1 < count() ? activations<T>(turn[static_cast<std::size_t>(i % 2)], x.structure) : y, kept.blocks[0]);
        }
      }
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                            activations<const T> dy, Dx dx, Dp d_params) const {
      const auto scope = ctx.scope();
      const segment_size s = segment_of(block);
      // Gradients take turns between dx, which is written last, and memory of its own.
      std::array<tensor_view<T>, 2> turn{};
      if (count() > 1) turn[1] = ctx.take(x.shape);
      if constexpr (is_wanted<Dx>) turn[0] = dx;
      else if (count() > 2) turn[0] = ctx.take(x.shape);
      activations<const T> down = dy;
      for (index_t i = count() - 1; i >= 0; --i) {
        const auto k = static_cast<std::size_t>(i);
        const parameter_view<T> p{pretext::advance(params.weights, i * s.parameters), pretext::advance(params.buffers, i * s.buffers)};
        Dp d = d_params;
        if constexpr (is_wanted<Dp>) d.weights = pretext::advance(d.weights, i * s.parameters);
        const Ctx inner = child_context(ctx, k);
        if (i == 0) {
          block.backward(inner, p, x, kept.blocks[0], down, dx, d);
        } else {
          const activations<T> up(turn[k % 2], x.structure);
          block.backward(inner, p, activations<const T>(kept.outputs[k - 1]), kept.blocks[k], down, up, d);
          down = up;
        }
      }
    }
  };
};

}  // namespace pretext::nn
