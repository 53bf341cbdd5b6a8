// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include "../backend/ops/update.hpp"
#include "../core/settings.hpp"

/// Update rules: elementwise over the flat buffer, one pass. A rule has settings with a `rate`, `states` (extra buffers
/// like the parameters, 0 to 2), `needs_norms`, `write_inputs`, `prepare` (once a range) and `apply` (every element, over
/// a math policy).
namespace pretext::optimizer {

/// Adam with decoupled weight decay:
///   m = b1 m + (1-b1) g,  v = b2 v + (1-b2) g^2,  p = p (1 - rate decay) - rate (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)
/// source  Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2; defaults and order as PyTorch
struct adamw {
  setting<double> rate = default_value(1e-3);
  setting<double> beta1 = default_value(0.9);
  setting<double> beta2 = default_value(0.999);
  setting<double> eps = default_value(1e-8);
  setting<double> decay = default_value(1e-2);

  static constexpr const char* name = "adamw";
  static constexpr int states = 2;
  static constexpr bool needs_norms = false;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("rate", self.rate);
    visit("beta1", self.beta1);
    visit("beta2", self.beta2);
    visit("eps", self.eps);
    visit("decay", self.decay);
  }
  PRETEXT_HOST_DEVICE void write_inputs(player_inputs& in, std::uint64_t updates) const {
    const double t = static_cast<double>(updates + 1);
    in.bias_correction1 = 1 - std::pow(beta1.value(), t);
    in.bias_correction2 = 1 - std::pow(beta2.value(), t);
  }

  template <class T>
  struct coefficients {
    T keep, step, b1, c1, b2, c2, root, eps;
  };
  template <class T>
  PRETEXT_HOST_DEVICE constexpr coefficients<T> prepare(const update_range& r, const player_inputs& in, double, double) const {
    const double rate_now = in.rate * r.rate_multiplier;
    return {static_cast<T>(1 - rate_now * decay * r.decay_multiplier), static_cast<T>(rate_now / in.bias_correction1),
            static_cast<T>(beta1.value()), static_cast<T>(1 - beta1),  static_cast<T>(beta2.value()),
            static_cast<T>(1 - beta2),     static_cast<T>(1 / std::sqrt(in.bias_correction2)), static_cast<T>(eps.value())};
  }
  template <class M, class C, class V>
  PRETEXT_HOST_DEVICE static constexpr void apply(const C& c, const V& g, V& p, V& m, V& v) {
    m = V(c.b1) * m + V(c.c1) * g;
    v = V(c.b2) * v + V(c.c2) * g * g;
    p = V(c.keep) * p - V(c.step) * m / (M::sqrt(v) * V(c.root) + V(c.eps));
  }
};

/// Adam; weight decay, where set, is added to the gradient (L2).
/// source  Kingma & Ba 2015, arXiv:1412.6980, algorithm 1
struct adam {
  setting<double> rate = default_value(1e-3);
  setting<double> beta1 = default_value(0.9);
  setting<double> beta2 = default_value(0.999);
  setting<double> eps = default_value(1e-8);
  setting<double> decay = default_value(0.0);

  static constexpr const char* name = "adam";
  static constexpr int states = 2;
  static constexpr bool needs_norms = false;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    adamw::fields(self, visit);
  }
  PRETEXT_HOST_DEVICE void write_inputs(player_inputs& in, std::uint64_t updates) const {
    adamw{.beta1 = beta1, .beta2 = beta2}.write_inputs(in, updates);
  }
  template <class T>
  struct coefficients {
    adamw::coefficients<T> base;
    T l2;
  };
  template <class T>
  PRETEXT_HOST_DEVICE constexpr coefficients<T> prepare(const update_range& r, const player_inputs& in, double, double) const {
    const adamw twin{.rate = rate, .beta1 = beta1, .beta2 = beta2, .eps = eps, .decay = 0.0};
    return {twin.prepare<T>(r, in, 0, 0), static_cast<T>(decay * r.decay_multiplier)};
  }
  template <class M, class C, class V>
  PRETEXT_HOST_DEVICE static constexpr void apply(const C& c, const V& g, V& p, V& m, V& v) {
    adamw::apply<M>(c.base, g + V(c.l2) * p, p, m, v);
  }
};

}  // namespace pretext::optimizer
