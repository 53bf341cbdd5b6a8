// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[recipe\.116\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using predictor = px::nn::linear<5>;
};
#else
struct mine : small_recipe {
  using predictor = px::nn::linear<4>;
};
#endif
int main() { build<mine>(); }
