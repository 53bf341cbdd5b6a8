// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../core/scalar_math.hpp"
#include "layer.hpp"

namespace pretext::nn {

/// Scalar functions with their derivatives over a math policy M (core/scalar_math.hpp); where the derivative times dy is
/// cheaper said at once, also `gradient`. `gradient_from_value` says that both are the same at f(x) as at x, so that a layer
/// may forget x. `least` says that the value is max(least, x), which products have at hand.
namespace functor {

struct relu {
  static constexpr const char* name = "relu";
  static constexpr bool gradient_from_value = true;
  static constexpr double least = 0;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V value(const V& x) {
    return M::max(V(0), x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V derivative(const V& x) {
    return M::select(x > V(0), V(1), V(0));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V gradient(const V& x, const V& dy) {
    return M::select(x > V(0), dy, V(0));
  }
};

/// x Phi(x), by erf. source Hendrycks & Gimpel 2016, arXiv:1606.08415
struct gelu {
  static constexpr const char* name = "gelu";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return V(0.5) * x * (V(1) + M::erf(x * V(0.70710678118654752440)));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return V(0.5) * (V(1) + M::erf(x * V(0.70710678118654752440))) +
           x * (V(0.39894228040143267794) * M::exp(V(-0.5) * x * x));
  }
};

/// The form by tanh of the same paper, within 5e-4 of it: GPT-2's gelu_new, PyTorch's approximate="tanh".
struct gelu_tanh {
  static constexpr const char* name = "gelu_tanh";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return V(0.5) * x * (V(1) + M::tanh(inner(x)));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    const V t = M::tanh(inner(x));
    return V(0.5) * (V(1) + t) + V(0.5) * x * (V(1) - t * t) * (V(0.79788456080286535588) * (V(1) + V(0.134145) * x * x));
  }

 private:
  template <class V>
  PRETEXT_HOST_DEVICE static V inner(const V& x) {
    return V(0.79788456080286535588) * (x + V(0.044715) * x * x * x);
  }
};

struct tanh {
  static constexpr const char* name = "tanh";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::tanh(x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    const V t = M::tanh(x);
    return V(1) - t * t;
  }
};

}  // namespace functor

/// y = F(x), element by element. A user's own functor makes a layer: `elementwise<my_functor>`.
template <class F>
struct elementwise {
  static constexpr const char* name = [] {
    if constexpr (requires { F::name; })
      return F::name;
    else
      return "elementwise";
  }();
  template <class In>
  struct bound : bound_base<elementwise, In> {
    using base = bound_base<elementwise, In>;
    using base::base;
    using functor = F;  // the layer before may take it into its own passes
    template <class T>
    struct cache {};

    constexpr In output() const { return this->input; }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T>, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      ctx(op::map, F{}, x, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T> x, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp) const {
      if constexpr (is_wanted<Dx>) ctx(op::map_backward, F{}, x, dy, dx);
    }
  };
};

using relu = elementwise<functor::relu>;
using gelu = elementwise<functor::gelu>;
using gelu_tanh = elementwise<functor::gelu_tanh>;
using tanh = elementwise<functor::tanh>;

}  // namespace pretext::nn
