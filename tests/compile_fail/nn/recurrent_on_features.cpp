// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.130\]
#include <pretext/nn/recurrent.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using input = px::features<8>;
#else
using input = px::sequence<8>;
#endif
int main() { static_cast<void>(nn::bind(nn::lstm<4>{}, input{})); }
