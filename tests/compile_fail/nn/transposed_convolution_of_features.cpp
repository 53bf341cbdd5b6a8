// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.150\]
#include <pretext/nn/conv_transpose2d.hpp>
#include <pretext/nn/sequential.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using net = nn::sequential<nn::linear<48>, nn::conv_transpose2d<3, 4, nn::stride<2>>>;
#else
using net = nn::sequential<nn::linear<48>, nn::unflatten<px::image<3, 4, 4>>, nn::conv_transpose2d<3, 4, nn::stride<2>>>;
#endif
int main() { return static_cast<int>(nn::bind(net{}, px::features<8>{}).output().size()); }
