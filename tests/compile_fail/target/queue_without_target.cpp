// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[target\.104\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using negatives = px::target::queue;
};
#else
struct mine : small_recipe {
  using target = px::target::ema;
};
#endif
int main() { build<mine>(); }
