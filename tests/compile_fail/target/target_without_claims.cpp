// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[target\.102\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  struct target {
    static constexpr const char* name = "mine";
  };
};
#else
struct mine : small_recipe {
  struct target : px::target::none {
    static constexpr const char* name = "mine";
  };
};
#endif
int main() { build<mine>(); }
