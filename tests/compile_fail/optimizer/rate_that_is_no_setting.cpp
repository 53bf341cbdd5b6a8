// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[optimizer\.103\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;
struct plain {
  static constexpr const char* name = "plain";
  static constexpr int states = 0;
  static constexpr bool needs_norms = false;
  static constexpr void write_inputs(px::player_inputs&, std::uint64_t) {}
  template <class T>
  constexpr T prepare(const px::update_range& r, const px::player_inputs& in, double, double) const {
    return static_cast<T>(in.rate * r.rate_multiplier);
  }
  template <class M, class C, class V>
  static constexpr void apply(const C& c, const V& g, V& p, V&, V&) {
    p = p - V(c) * g;
  }
#ifdef PRETEXT_KO
  double rate = 0.1;  // a bare number cannot be inherited from a recipe
#else
  px::setting<double> rate = px::default_value(0.1);
#endif
};
struct mine : small_recipe {
  using optimizer = plain;
};
int main() { build<mine>(); }
