// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[recipe\.105\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using input = px::sequence<8>;
  using encoder = px::nn::sequential<px::nn::linear<4>, px::nn::flatten>;
};
#else
struct mine : small_recipe {
  using input = px::image<8, px::dynamic, px::dynamic>;
  using encoder = px::nn::sequential<px::nn::conv2d<4, 1>, px::nn::global_avg_pool>;
};
#endif
int main() { build<mine>(); }
