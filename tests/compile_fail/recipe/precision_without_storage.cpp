// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[recipe\.114\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using precision = float;
};
#else
struct mine : small_recipe {
  using precision = px::train::f32;
};
#endif
int main() { build<mine>(); }
