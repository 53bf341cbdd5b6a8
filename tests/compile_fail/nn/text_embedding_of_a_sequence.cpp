// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.128\]
#include <pretext/nn/text_embedding.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using input = px::sequence<4>;
#else
using input = px::shape<px::dynamic>;
#endif
int main() { static_cast<void>(nn::bind(nn::text_embedding<10, 4>{}, input{})); }
