// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[augment\.002\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using views = px::nn::relu;
};
#else
struct mine : small_recipe {
  using views = px::augment::horizontal_flip;
};
#endif
int main() { build<mine>(); }
