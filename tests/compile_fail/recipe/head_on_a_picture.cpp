// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.101\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using encoder = px::nn::conv2d<4, 3>;
};
#else
struct mine : small_recipe {
  using encoder = px::nn::sequential<px::nn::conv2d<4, 3>, px::nn::global_avg_pool>;
};
#endif
int main() { build<mine>(); }
