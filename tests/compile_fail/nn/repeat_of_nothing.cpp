// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.117\]
#include <pretext/nn/linear.hpp>
#include <pretext/nn/repeat.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::repeat<0, nn::linear<64>>;
#else
using net = nn::repeat<1, nn::linear<64>>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::features<64>{}).output();
}
