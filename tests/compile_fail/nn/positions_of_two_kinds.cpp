// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.129\]
#include <pretext/nn/text_embedding.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using layer = nn::text_embedding<10, 4, nn::learned_positions<5>, nn::sinusoidal_positions>;
#else
using layer = nn::text_embedding<10, 4, nn::sinusoidal_positions>;
#endif
int main() { static_cast<void>(nn::bind(layer{}, px::shape<px::dynamic>{})); }
