// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[objective\.104\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
struct mine : small_recipe {
  struct objective {
    static constexpr const char* name = "mine";
    template <class T>
    struct cache {};
    template <class Ctx, class T, class C>
    constexpr void loss(const Ctx& ctx, const px::objective::self_pairs<T>& in, px::parameter_view<T>, C&, px::tensor_view<T> result) const {
      ctx(px::op::sum, in.rows, result);
    }
#ifdef PRETEXT_KO
    // nothing
#else
    template <class Ctx, class T, class C, class Dp>
    constexpr void gradient(const Ctx& ctx, T weight, const px::objective::self_pairs<T>&, px::parameter_view<T>, const C&, px::tensor_view<T> d_in, Dp) const {
      ctx(px::op::shift, weight, d_in);
    }
#endif
  };
};
int main() { build<mine>(); }
