// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[family\.105\]
#include "compile_fail/small_recipe.hpp"

namespace px = pretext;

/// Fits one linear map to the zeros of its batch: the least that a trainer trains.
template <class R>
struct small_family {
  struct settings {
    px::setting<px::index_t> batch_size = px::default_value(2);
    px::setting<std::uint64_t> seed = px::default_value(0);
  };
  constexpr explicit small_family(const settings&) {}
  static constexpr const char* name = "small";
  constexpr auto players() { return std::make_tuple(px::train::player("only", px::optimizer::sgd{}, px::schedule::constant{}, 0.0, map)); }
  template <class S>
  constexpr void step(S& s, const px::tensor_view<const float>& in) const {
    const auto y = s.forward(map, px::activations<const float>(in));
    const px::activations<float> d = s.zeros_like(px::tensor_view<float>{nullptr, px::extents(in.extent(0), 2)});
    s.backward(map, y, d, px::no_gradient{});
    s.update(px::train::player_id<0>{});
  }
#ifdef PRETEXT_KO
  using rows = px::tensor_view<const float>;
  static constexpr px::index_t batch_size_of(const rows& in) { return in.extent(0); }
  static constexpr rows plan_batch(px::index_t n) { return {nullptr, px::extents(n, 3)}; }
#else
  using batch_type = px::tensor_view<const float>;
  static constexpr px::index_t batch_size_of(const batch_type& in) { return in.extent(0); }
  static constexpr batch_type plan_batch(px::index_t n) { return {nullptr, px::extents(n, 3)}; }
#endif
  px::train::part<px::nn::bound_t<px::nn::linear<2>, px::features<3>>> map{"map", {}};
};
struct mine {
  template <class R>
  using family = small_family<R>;
};
int main() { build<mine>(); }
