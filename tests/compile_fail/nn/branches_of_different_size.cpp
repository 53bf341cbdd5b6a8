// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.118\]
// Same rank, another height and width: nothing to join along channels.
#include <pretext/nn/conv2d.hpp>
#include <pretext/nn/parallel.hpp>
#include <pretext/nn/pool2d.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::parallel<nn::conv2d<4, 3>, nn::max_pool2d<2>>;
#else
using net = nn::parallel<nn::conv2d<4, 3, nn::stride<2>>, nn::max_pool2d<2>>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::image<3, 8, 8>{}).output();
}
