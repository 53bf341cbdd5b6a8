// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.127\]
#include <pretext/nn/transformer_block.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using layer = nn::transformer_block<2, 0, nn::post_norm, nn::pre_norm>;
#else
using layer = nn::transformer_block<2, 0, nn::post_norm>;
#endif
int main() { static_cast<void>(nn::bind(layer{}, px::sequence<8>{})); }
