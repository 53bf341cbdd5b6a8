// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.156\]
#include <pretext/nn/group_norm.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
#ifdef PRETEXT_KO
using norm = nn::group_norm<4>;
#else
using norm = nn::group_norm<3>;
#endif
int main() { return static_cast<int>(nn::bind(norm{}, px::image<6, 4, 4>{}).output().size()); }
