// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../core/scalar_math.hpp"
#include "layer.hpp"

namespace pretext::nn {

/// Scalar functions with their derivatives over a math policy M (core/scalar_math.hpp); where the derivative times dy is
/// cheaper said at once, also `gradient`. `gradient_from_value` says that both are the same at f(x) as at x, so that a layer
/// may forget x. `least` says that the value is max(least, x), which products have at hand. For gradients of gradients
/// (backend/tangent.hpp): `second_derivative`, or `piecewise_linear` where it is 0.
namespace functor {

struct relu {
  static constexpr const char* name = "relu";
  static constexpr bool gradient_from_value = true;
  static constexpr bool piecewise_linear = true;
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

/// x where positive, else x Slope; the slope is Numerator / Denominator > 0.
template <int Numerator, int Denominator>
struct leaky_relu {
  static_assert(Numerator > 0 && Denominator > 0 && Numerator < 1000 && Denominator < 1000,
                "pretext[layer.120] leaky_relu: the slope is a fraction of two numbers from 1 to 999, as leaky_relu<1, 5>");
  static constexpr auto text = [] {
    struct { char of[20]{}; int size = 0; } t;
    for (const char c : {'l', 'e', 'a', 'k', 'y', '_', 'r', 'e', 'l', 'u', ' '}) t.of[t.size++] = c;
    const auto number = [&](int v) {
      for (int unit = v >= 100 ? 100 : v >= 10 ? 10 : 1; unit > 0; unit /= 10) t.of[t.size++] = static_cast<char>('0' + v / unit % 10);
    };
    number(Numerator);
    t.of[t.size++] = '/';
    number(Denominator);
    return t;
  }();
  static constexpr const char* name = text.of;
  static constexpr bool gradient_from_value = true;
  static constexpr bool piecewise_linear = true;
  static constexpr double slope = static_cast<double>(Numerator) / Denominator;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V value(const V& x) {
    return M::select(x > V(0), x, x * V(slope));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V derivative(const V& x) {
    return M::select(x > V(0), V(1), V(slope));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V gradient(const V& x, const V& dy) {
    return M::select(x > V(0), dy, dy * V(slope));
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
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V second_derivative(const V& x) {
    return V(0.39894228040143267794) * M::exp(V(-0.5) * x * x) * (V(2) - x * x);
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
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V second_derivative(const V& x) {
    const V t = M::tanh(x);
    return V(-2) * t * (V(1) - t * t);
  }
};

/// 1 / (1 + exp(-x)), as (1 + tanh(x / 2)) / 2: nothing overflows.
struct sigmoid {
  static constexpr const char* name = "sigmoid";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return V(0.5) + V(0.5) * M::tanh(V(0.5) * x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    const V t = M::tanh(V(0.5) * x);
    return V(0.25) * (V(1) - t * t);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V second_derivative(const V& x) {
    const V t = M::tanh(V(0.5) * x);
    return V(-0.25) * t * (V(1) - t * t);
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
using sigmoid = elementwise<functor::sigmoid>;
/// The slope of the negative side as a fraction, PyTorch's 0.01 unless said otherwise: `leaky_relu<1, 5>`.
/// source  Maas et al. 2013
template <int Numerator = 1, int Denominator = 100>
using leaky_relu = elementwise<functor::leaky_relu<Numerator, Denominator>>;

}  // namespace pretext::nn
