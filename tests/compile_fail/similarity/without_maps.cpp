// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[similarity\.108\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
#ifdef PRETEXT_KO
struct scaled_dot {
#else
struct scaled_dot : px::similarity::plain_rows {
#endif
  static constexpr const char* name = "scaled_dot";
  static constexpr bool symmetric = true;
  static constexpr bool bounded = false;
  static constexpr bool uses_norms = false;
  template <class M, class V>
  static constexpr V score(const V& product, const V&, const V&) {
    return V(0.5f) * product;
  }
  template <class M, class V>
  static constexpr px::similarity::partials<V> derivative(const V&, const V&, const V&) {
    return {V(0.5f), V(0)};
  }
};
struct mine : small_recipe {
  using objective = px::objective::nt_xent<scaled_dot>;
};
int main() { build<mine>(); }
