// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.107\]
#include <pretext/nn/pool2d.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::max_pool2d<2>;
#else
using net = nn::flatten;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::features<64>{}).output();
}
