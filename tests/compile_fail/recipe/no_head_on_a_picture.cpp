// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[recipe\.115\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using encoder = px::nn::conv2d<4, 3>;
  using head = px::nn::identity;
};
#else
struct mine : small_recipe {
  using encoder = px::nn::sequential<px::nn::conv2d<4, 3>, px::nn::flatten>;
  using head = px::nn::identity;
};
#endif
int main() { build<mine>(); }
