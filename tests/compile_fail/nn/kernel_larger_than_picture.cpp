// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.106\]
#include <pretext/nn/conv2d.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::conv2d<4, 9, nn::padding<0>>;
#else
using net = nn::conv2d<4, 7, nn::padding<0>>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::image<3, 8, 8>{}).output();
}
