// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.157\]
#include <pretext/nn/conv_transpose2d.hpp>
#include <pretext/nn/spectral_norm.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using layer = nn::conv_transpose2d<3, 3>;
#else
using layer = nn::conv2d<3, 3>;
#endif
int main() { return static_cast<int>(nn::bind(nn::spectral_norm<layer>{}, px::image<2, 4, 4>{}).output().size()); }
