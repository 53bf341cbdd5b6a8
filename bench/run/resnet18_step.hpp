// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <pretext/encoder/resnet.hpp>

#include "convolution_work.hpp"
#include "simclr_step.hpp"

namespace bench {

/// ResNet-18 with a CIFAR stem: 3 x 32 x 32, projector 512-128.
template <class Precision>
struct resnet18 {
  template <class R>
  using family = ready_views<R>;
  using input = px::image<3, 32, 32>;
  using encoder = px::encoder::resnet18<px::encoder::cifar_stem>;
  using precision = Precision;
  static constexpr index_t width = 128;
  using head = px::nn::mlp<512, width>;
};

/// Forward and both gradients; nothing asks for that of the pixels.
inline double resnet18_gflop_a_row() {
  double others = 4 * convolution_gflop(64, 64, 3, 1, 32);
  for (const index_t in : {64, 128, 256}) {
    const index_t side = 2048 / in;
    others += convolution_gflop(in, 2 * in, 3, 2, side) + convolution_gflop(in, 2 * in, 1, 2, side) +
              3 * convolution_gflop(2 * in, 2 * in, 3, 1, side / 2);
  }
  return 2 * convolution_gflop(3, 64, 3, 1, 32) + 3 * (others + 2e-9 * (512 * 512 + 512 * 128));
}

/// A SimCLR step of 256 views.
template <class Precision>
void resnet18_step(const options& o, const std::string& workload, const std::string& name) {
  simclr_step<resnet18<Precision>>(o, workload, name, 256, 16, resnet18_gflop_a_row());
}

}  // namespace bench
