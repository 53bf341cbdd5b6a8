// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[recipe\.110\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
struct mine {
  template <class R>
  using family = px::method::joint_embedding<R>;
  using input = px::image<1, 8, 8>;
  using encoder = px::nn::global_avg_pool;
  using views = px::augment::chain<px::augment::horizontal_flip>;
  using optimizer = px::optimizer::adamw;
  using schedule = px::schedule::constant;
  using head = px::nn::linear<4>;
  using predictor = px::nn::identity;
  using objective = px::objective::nt_xent<>;
  using target = px::target::none;
#ifdef PRETEXT_KO
  // nothing
#else
  using negatives = px::target::no_queue;
#endif
};
int main() { build<mine>(); }
