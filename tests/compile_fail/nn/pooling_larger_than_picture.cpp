// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.108\]
#include <pretext/nn/pool2d.hpp>
#include <pretext/nn/sequential.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::sequential<nn::max_pool2d<4>, nn::max_pool2d<4>>;
#else
using net = nn::sequential<nn::max_pool2d<4>, nn::max_pool2d<2>>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::image<3, 8, 8>{}).output();
}
