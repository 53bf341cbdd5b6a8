// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.122\]
#include <pretext/nn/embedding.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using input = px::sequence<4>;  // rows of numbers, not the numbers of words
#else
using input = px::shape<px::dynamic>;
#endif
int main() { static_cast<void>(nn::bind(nn::embedding<10, 4>{}, input{})); }
