// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[recipe\.100\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
using mine = int;
#else
using mine = small_recipe;
#endif
int main() { build<mine>(); }
