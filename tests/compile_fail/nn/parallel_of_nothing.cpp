// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.119\]
#include <pretext/nn/linear.hpp>
#include <pretext/nn/parallel.hpp>

namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::parallel<>;
#else
using net = nn::parallel<nn::linear<3>>;
#endif
int main() {
  [[maybe_unused]] const auto shape = nn::bind(net{}, pretext::features<4>{}).output();
}
