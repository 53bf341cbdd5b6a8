// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.103\]
// The chain stops at the layer that does not fit: one sentence, though another layer follows.
#include <pretext/nn/conv2d.hpp>
#include <pretext/nn/linear.hpp>
#include <pretext/nn/pool2d.hpp>
#include <pretext/nn/sequential.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::sequential<nn::global_avg_pool, nn::conv2d<8, 3>, nn::linear<10>>;
#else
using net = nn::sequential<nn::conv2d<8, 3>, nn::global_avg_pool, nn::linear<10>>;
#endif
int main() {
  [[maybe_unused]] const auto bound = nn::bind(net{}, pretext::image<1, 8, 8>{});
}
