// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[schedule\.103\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using schedule = px::optimizer::sgd;
};
#else
struct mine : small_recipe {
  using schedule = px::schedule::step;
};
#endif
int main() { build<mine>(); }
