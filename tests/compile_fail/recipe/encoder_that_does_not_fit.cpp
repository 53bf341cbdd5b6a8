// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[shape\.103\]
// The head on an encoder without a shape says nothing more.
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using encoder = px::nn::sequential<px::nn::flatten, px::nn::conv2d<4, 3>>;
};
#else
struct mine : small_recipe {
  using encoder = px::nn::sequential<px::nn::conv2d<4, 3>, px::nn::flatten>;
};
#endif
int main() { build<mine>(); }
