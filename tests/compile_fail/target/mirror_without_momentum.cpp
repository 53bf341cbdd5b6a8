// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[target\.105\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  struct target : px::target::stop_gradient {
    static constexpr const char* name = "mine";
    static constexpr bool mirrors = true;
    double momentum = 0.9, last_momentum = 1;
  };
  using objective = px::objective::negative_cosine;
};
#else
struct mine : small_recipe {
  struct target : px::target::ema {
    static constexpr const char* name = "mine";
  };
  using objective = px::objective::negative_cosine;
};
#endif
int main() { build<mine>(); }
