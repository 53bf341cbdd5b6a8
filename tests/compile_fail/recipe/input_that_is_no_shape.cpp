// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[recipe\.102\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using input = int;
};
#else
struct mine : small_recipe {
  using input = px::image<1, 8, 8>;
};
#endif
int main() { build<mine>(); }
