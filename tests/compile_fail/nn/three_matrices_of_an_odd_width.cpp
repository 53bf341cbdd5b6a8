// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.126\]
#include <pretext/nn/attention.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using input = px::sequence<8>;
#else
using input = px::sequence<16>;
#endif
int main() { static_cast<void>(nn::bind(nn::attention<2, nn::names::bert>{}, input{})); }
