// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../backend/ops/update.hpp"
#include "../core/settings.hpp"

namespace pretext::optimizer {

/// Stochastic gradient descent with momentum, as PyTorch: d = g + decay p, b = momentum b + d,
/// p -= rate b (Nesterov: p -= rate (d + momentum b)). The first b is d: the buffer starts at zero.
/// source  Sutskever et al. 2013
struct sgd {
  setting<double> rate = default_value(0.1);
  setting<double> momentum = default_value(0.9);
  setting<double> decay = default_value(0.0);
  setting<bool> nesterov = default_value(false);

  static constexpr const char* name = "sgd";
  static constexpr int states = 1;
  static constexpr bool needs_norms = false;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("rate", self.rate);
    visit("momentum", self.momentum);
    visit("decay", self.decay);
    visit("nesterov", self.nesterov);
  }
  PRETEXT_HOST_DEVICE static constexpr void write_inputs(player_inputs&, std::uint64_t) {}

  template <class T>
  struct coefficients {
    T rate, momentum, decay, ahead, direct;  // p -= rate (direct b + ahead (d + momentum b))
  };
  template <class T>
  PRETEXT_HOST_DEVICE constexpr coefficients<T> prepare(const update_range& r, const player_inputs& in, double, double) const {
    return {static_cast<T>(in.rate * r.rate_multiplier), static_cast<T>(momentum.value()),
            static_cast<T>(decay * r.decay_multiplier), static_cast<T>(nesterov ? 1 : 0),
            static_cast<T>(nesterov ? 0 : 1)};
  }
  template <class M, class C, class V>
  PRETEXT_HOST_DEVICE static constexpr void apply(const C& c, const V& g, V& p, V& b, V&) {
    const V d = g + V(c.decay) * p;
    b = V(c.momentum) * b + d;
    p = p - V(c.rate) * (V(c.direct) * b + V(c.ahead) * (d + V(c.momentum) * b));
  }
};

/// Layer-wise adaptive rates: SGD with momentum whose rate on each weight is scaled by
///   trust |p| / (|g| + decay |p| + eps)
/// biases and scales (ranges with adapt = false) take the plain rate and, with the trainer's default, no decay.
/// source  You et al. 2017, arXiv:1708.03888, as used by SimCLR
struct lars {
  setting<double> rate = default_value(0.3);
  setting<double> momentum = default_value(0.9);
  setting<double> decay = default_value(1e-6);
  setting<double> trust = default_value(1e-3);
  setting<double> eps = default_value(1e-8);

  static constexpr const char* name = "lars";
  static constexpr int states = 1;
  static constexpr bool needs_norms = true;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("rate", self.rate);
    visit("momentum", self.momentum);
    visit("decay", self.decay);
    visit("trust", self.trust);
    visit("eps", self.eps);
  }
  PRETEXT_HOST_DEVICE static constexpr void write_inputs(player_inputs&, std::uint64_t) {}

  template <class T>
  struct coefficients {
    T rate, momentum, decay, adapt;
  };
  template <class T>
  PRETEXT_HOST_DEVICE constexpr coefficients<T> prepare(const update_range& r, const player_inputs& in, double weight_norm,
                                    double gradient_norm) const {
    const double d = decay * r.decay_multiplier;
    const double g = gradient_norm * in.clip_scale;
    double adapt = 1;
    if (r.adapt && weight_norm > 0 && g > 0) adapt = trust * weight_norm / (g + d * weight_norm + eps);
    return {static_cast<T>(in.rate * r.rate_multiplier), static_cast<T>(momentum.value()), static_cast<T>(d),
            static_cast<T>(adapt)};
  }
  template <class M, class C, class V>
  PRETEXT_HOST_DEVICE static constexpr void apply(const C& c, const V& g, V& p, V& b, V&) {
    b = V(c.momentum) * b + V(c.adapt) * (g + V(c.decay) * p);
    p = p - V(c.rate) * b;
  }
};

}  // namespace pretext::optimizer
