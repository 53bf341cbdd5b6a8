// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "layer.hpp"

namespace pretext::nn {

/// Numbers of words -> rows of a learned table. A number below 0 is padding: its row is zero and nothing is learned from it.
/// shapes  x (B, length) of int32, bound to shape<length>; y (B, length, Width); weight (Words, Width)
/// errors  pretext[shape.122] the input is not one row of numbers a sample; a number above Words - 1 is refused by the op
/// source  initialised as PyTorch: N(0, 1)
template <index_t Words, index_t Width>
struct embedding {
  static constexpr const char* name = "embedding";

  template <class In>
  struct bound : bound_base<embedding, In> {
    static_assert(In::rank == 1, "pretext[shape.122] embedding expects shape<length>: the numbers of a sample's words");
    using base = bound_base<embedding, In>;
    using base::base;
    template <class T>
    struct cache {};

    constexpr auto output() const {
      if constexpr (In::rank == 1)
        return shape<static_extent<In, 0>, Width>(extents(this->input[0], Width));
      else
        return invalid_shape{};
    }
    template <class V>
    constexpr void parameters(V& v) const {
      v.parameter({.name = "weight", .file_shape = {Words, Width}, .what = role::embedding, .start = initialiser::normal(1)});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const std::int32_t> x, activations<T> y,
                           cache<T>&) const {
      ctx(op::gather_rows, parameter_reader(params).parameter({Words, Width}), x.flat(), y);
    }
    template <class Ctx, class T, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const std::int32_t> x, const cache<T>&,
                            activations<const T> dy, no_gradient, Dp d_params) const {
      if constexpr (is_wanted<Dp>)
        ctx(op::scatter_add_rows, dy, x.flat(), gradient_reader(d_params).parameter({Words, Width}));
    }
  };
};

}  // namespace pretext::nn
