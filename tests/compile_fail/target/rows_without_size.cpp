// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[target\.106\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct mine : small_recipe {
  using target = px::target::ema;
  struct negatives {
    static constexpr const char* name = "mine";
    static constexpr bool keeps_rows = true;
  };
};
#else
struct mine : small_recipe {
  using target = px::target::ema;
  struct negatives : px::target::queue {
    static constexpr const char* name = "mine";
  };
};
#endif
int main() { build<mine>(); }
