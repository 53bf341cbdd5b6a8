// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[objective\.103\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using objective = px::objective::negative_cosine;
};
#else
struct mine : small_recipe {
  using objective = px::objective::negative_cosine;
  using target = px::target::stop_gradient;
};
#endif
int main() { build<mine>(); }
