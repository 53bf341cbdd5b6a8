// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "pretext/backend/cuda/cuda_on_host.hpp"
#include "pretext/backend/cuda/device_on_host.hpp"
#include "pretext/train/trainer.hpp"
#include "support/catch.hpp"
#include "tiny.hpp"

/// Recipes and runs for the tests of trainers on a back end with memory of its own.
namespace own_memory {

namespace px = pretext;
namespace op = pretext::op;
using px::index_t;
using device = px::backend::device_on_host;
using host = px::backend::cuda_on_host;  // the same kernels in memory of the host: the same bits
template <class R, class B>
using trainer = px::train::trainer<R, B>;

/// With dropout, whose key moves, besides what tiny::byol has: a target with a momentum on a cosine, warm-up and cosine of the rate, random
/// views, statistics.
struct byol : tiny::byol {
  using encoder = px::nn::sequential<px::nn::conv2d<5, 3>, px::nn::batch_norm, px::nn::relu, px::nn::dropout, px::nn::global_avg_pool>;
};
struct simclr : tiny::simclr {
  using encoder = byol::encoder;
};

template <class R, class B>
auto settings() {
  return tiny::settings<trainer<R, B>>(6);
}
/// Steps [from, to) of twelve in three epochs.
template <class T>
void run(T& t, int from, int to) {
  const auto data = tiny::pictures(24);
  t.set_steps_total(12);
  for (int s = from; s < to; ++s) {
    t.set_epoch(static_cast<std::uint64_t>(s / 4), 3);
    t.step(tiny::batch(data, s % 4 * 6, 6).list());
  }
}
template <class R, class B>
std::string trained(bool records) {
  trainer<R, B> t(settings<R, B>());
  t.record_steps(records);
  run(t, 0, 12);
  return tiny::state(t) + std::to_string(static_cast<double>(t.report().loss));
}

}  // namespace own_memory
