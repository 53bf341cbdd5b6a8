// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.101\]
#include <pretext/nn/conv2d.hpp>
#include <pretext/nn/linear.hpp>
#include <pretext/nn/pool2d.hpp>
#include <pretext/nn/sequential.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::sequential<nn::conv2d<4, 3>, nn::linear<10>>;
#else
using net = nn::sequential<nn::conv2d<4, 3>, nn::flatten, nn::linear<10>>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::image<3, 8, 8>{}).output();
}
