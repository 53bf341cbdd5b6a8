// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.125\]
#include <pretext/nn/attention.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using layer = nn::attention<3>;
#else
using layer = nn::attention<4>;
#endif
int main() { static_cast<void>(nn::bind(layer{}, px::sequence<8>{})); }
