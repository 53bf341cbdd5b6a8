// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.104\]
#include <pretext/nn/linear.hpp>
#include <pretext/nn/sequential.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::sequential<>;
#else
using net = nn::sequential<nn::linear<3>>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::features<4>{}).output();
}
