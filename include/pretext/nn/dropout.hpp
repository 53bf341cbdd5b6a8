// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "layer.hpp"

namespace pretext::nn {

/// Zeroes each value with probability `rate` and scales the others by 1 / (1 - rate); the identity in evaluation.
/// The mask is a function of (seed, step, layer, element), so it is never stored and any thread draws the same.
/// source  Srivastava et al. 2014
struct dropout {
  setting<double> rate = default_value(0.5);
  static constexpr const char* name = "dropout";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("rate", self.rate);
  }

  template <class In>
  struct bound : bound_base<dropout, In> {
    using base = bound_base<dropout, In>;
    using base::base;
    template <class T>
    struct cache {};
    constexpr In output() const { return this->input; }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T>, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      if (ctx.training())
        ctx(op::dropout, ctx.key, this->spec.rate.value(), first_element(ctx, x), x, y);
      else
        ctx(op::copy, x, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T>, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp) const {
      if constexpr (is_wanted<Dx>) {
        if (ctx.training())
          ctx(op::dropout, ctx.key, this->spec.rate.value(), first_element(ctx, dy), dy, dx);
        else
          ctx(op::copy, dy, dx);
      }
    }

   private:
    template <class Ctx, class T>
    static constexpr index_t first_element(const Ctx& ctx, const tensor_view<const T>& x) {
      return x.extent(0) == 0 ? 0 : ctx.first_row * (x.size() / x.extent(0));
    }
  };
};

}  // namespace pretext::nn
