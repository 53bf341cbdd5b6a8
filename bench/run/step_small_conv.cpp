// SPDX-License-Identifier: BSD-3-Clause
// A SimCLR step of a small network: four 3x3 convolutions by 2 on 1 x 28 x 28, 512 views.
#include <pretext/nn/batch_norm.hpp>
#include <pretext/nn/conv2d.hpp>
#include <pretext/nn/pool2d.hpp>
#include <pretext/nn/sequential.hpp>

#include "convolution_work.hpp"
#include "simclr_step.hpp"

namespace {

using namespace bench;
namespace nn = px::nn;

template <index_t Width>
using halving = nn::conv2d<Width, 3, nn::stride<2>, nn::no_bias>;

struct small_conv {
  template <class R>
  using family = ready_views<R>;
  using input = px::image<1, 28, 28>;
  using encoder = nn::sequential<halving<32>, nn::batch_norm, nn::relu, halving<64>, nn::batch_norm, nn::relu, halving<128>,
                                 nn::batch_norm, nn::relu, halving<256>, nn::batch_norm, nn::relu, nn::global_avg_pool>;
  static constexpr index_t width = 64;
  using head = nn::mlp<128, width>;
};

/// Forward and both gradients; nothing asks for that of the pixels.
double gflop_a_row() {
  const double first = convolution_gflop(1, 32, 3, 2, 28);
  const double others = convolution_gflop(32, 64, 3, 2, 14) + convolution_gflop(64, 128, 3, 2, 7) + convolution_gflop(128, 256, 3, 2, 4);
  return 2 * first + 3 * (others + 2e-9 * (256 * 128 + 128 * 64));
}

void measure(const options& o) { simclr_step<small_conv>(o, "step_small_conv", "512 views", 512, 64, gflop_a_row()); }

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
