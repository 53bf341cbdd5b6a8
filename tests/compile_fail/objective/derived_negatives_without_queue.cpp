// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[objective\.103\]
#include "pretext/objective/derived.hpp"

#include "compile_fail/small_recipe.hpp"

struct formula {
  constexpr auto value(const auto& in) const {
    using namespace pretext::objective::row;
#ifdef PRETEXT_KO
    return mean(log_sum_exp(in.anchors, in.negatives, pretext::similarity::dot{}));
#else
    return mean(log_sum_exp(in.anchors, in.positives, pretext::similarity::dot{}));
#endif
  }
};
struct mine : small_recipe {
  using objective = pretext::objective::derived<formula>;
};
int main() { build<mine>(); }
