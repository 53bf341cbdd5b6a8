// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[layer\.100\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using encoder = px::optimizer::adamw;
};
#else
struct mine : small_recipe {
  using encoder = px::nn::flatten;
};
#endif
int main() { build<mine>(); }
