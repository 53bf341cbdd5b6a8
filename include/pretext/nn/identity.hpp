// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "layer.hpp"

namespace pretext::nn {

/// y = x. In the place of a stage that a method does not have; stages skip it without a copy.
struct identity {
  static constexpr const char* name = "identity";
  template <class In>
  struct bound : bound_base<identity, In> {
    using base = bound_base<identity, In>;
    using base::base;
    template <class T>
    struct cache {};
    constexpr In output() const { return this->input; }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T>, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      ctx(op::copy, x, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T>, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp) const {
      if constexpr (is_wanted<Dx>) ctx(op::copy, dy, dx);
    }
  };
};

}  // namespace pretext::nn
