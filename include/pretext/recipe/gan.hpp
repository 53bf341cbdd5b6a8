// SPDX-License-Identifier: BSD-3-Clause
// opt-in: what programs without a discriminator need not read
#pragma once

#include "../method/adversarial.hpp"
#include "../nn/activation.hpp"
#include "../nn/linear.hpp"
#include "../nn/sequential.hpp"
#include "../optimizer/adamw.hpp"
#include "../schedule/schedule.hpp"

namespace pretext::recipe {

/// A generator and a discriminator of points in the plane: three layers of 128, non-saturating, with R1.
/// source  Goodfellow et al. 2014, arXiv:1406.2661; regularised as Mescheder et al. 2018, arXiv:1801.04406; the generator that is
///         used is a moving average of the trained one
struct gan {
  template <class R>
  using family = method::adversarial<R>;
  using input = features<2>;
  using latent = features<16>;
  using generator = nn::sequential<nn::linear<128>, nn::relu, nn::linear<128>, nn::relu, nn::linear<2>>;
  using discriminator =
      nn::sequential<nn::linear<128>, nn::leaky_relu<1, 5>, nn::linear<128>, nn::leaky_relu<1, 5>, nn::linear<1>>;
  using objective = pretext::objective::non_saturating;
  using regularizer = pretext::regularizer::r1;
  using target = pretext::target::ema;
  using optimizer = pretext::optimizer::adam;
  using schedule = pretext::schedule::constant;

  template <class Settings>
  static constexpr void defaults(Settings& s) {
    s.generator_optimizer.beta1 = 0.0;
    s.discriminator_optimizer.beta1 = 0.0;
    s.generator_optimizer.beta2 = 0.99;
    s.discriminator_optimizer.beta2 = 0.99;
    if constexpr (requires { s.target.momentum; }) {
      s.target.momentum = 0.999;
      s.target.last_momentum = 0.999;
    }
    if constexpr (requires { s.regularizer.weight; }) s.regularizer.weight = 1.0;
    s.batch_size = 256;
  }
};

/// The same with the dual of the earth mover's distance and slopes of 1 between data and made samples: five updates of the
/// discriminator for one of the generator.
/// source  Gulrajani et al. 2017, arXiv:1704.00028, algorithm 1
struct wgan_gp : gan {
  using objective = pretext::objective::wasserstein;
  using regularizer = pretext::regularizer::gp;

  template <class Settings>
  static constexpr void defaults(Settings& s) {
    gan::defaults(s);
    s.generator_optimizer.beta2 = 0.9;
    s.discriminator_optimizer.beta2 = 0.9;
    if constexpr (requires { s.regularizer.weight; }) s.regularizer.weight = 10.0;
    s.discriminator_steps = 5;
  }
};

}  // namespace pretext::recipe
