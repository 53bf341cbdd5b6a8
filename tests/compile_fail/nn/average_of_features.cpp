// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.111\]
#include <pretext/nn/pool2d.hpp>
#include <pretext/nn/sequential.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::sequential<nn::flatten, nn::global_avg_pool>;
#else
using net = nn::sequential<nn::global_avg_pool, nn::flatten>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::image<3, 8, 8>{}).output();
}
