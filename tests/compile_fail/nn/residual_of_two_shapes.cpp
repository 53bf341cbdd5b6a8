// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.115\]
#include <pretext/nn/conv2d.hpp>
#include <pretext/nn/residual.hpp>
#include <pretext/nn/sequential.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::residual<nn::conv2d<8, 3>>;
#else
using net = nn::residual<nn::conv2d<8, 3>, nn::conv2d<8, 1>>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::image<3, 8, 8>{}).output();
}
