// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.109\]
#include <pretext/nn/pool2d.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::max_pool2d<3, nn::padding<2>>;
#else
using net = nn::max_pool2d<3, nn::padding<1>>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::image<3, 8, 8>{}).output();
}
