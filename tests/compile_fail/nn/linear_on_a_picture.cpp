// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.101\]
#include <pretext/nn/linear.hpp>

#ifdef PRETEXT_KO
using input = pretext::image<1, 8, 8>;
#else
using input = pretext::features<64>;
#endif
int main() {
  [[maybe_unused]] const auto layer = pretext::nn::bind(pretext::nn::linear<10>{}, input{});
}
