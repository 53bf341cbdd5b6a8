// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.120\]
#include <pretext/nn/linear.hpp>
#include <pretext/nn/sequential.hpp>
#include <pretext/nn/tap.hpp>

namespace nn = pretext::nn;
using net = nn::sequential<nn::tap<"hidden", nn::linear<8>>, nn::linear<2>>;
#ifdef PRETEXT_KO
constexpr nn::name wanted("hiden");
#else
constexpr nn::name wanted("hidden");
#endif
int main() {
  nn::bound_t<net, pretext::features<4>>::cache<float> cache{};
  static_cast<void>(nn::find_tap<wanted>(cache).value);
}
