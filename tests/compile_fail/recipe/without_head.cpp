// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[recipe\.104\]
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
  using predictor = px::nn::identity;
  using objective = px::objective::nt_xent<>;
  using target = px::target::none;
  using negatives = px::target::no_queue;
#ifdef PRETEXT_KO
  // nothing
#else
  using head = px::nn::linear<4>;
#endif
};
int main() { build<mine>(); }
