// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[layer\.102\]
#include <pretext/concepts/layer.hpp>
#include <pretext/nn/linear.hpp>
#include <pretext/nn/sequential.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
struct same {
  template <class In>
  struct bound : nn::bound_base<same, In> {
    constexpr In output() const { return this->input; }
    template <class T>
    struct cache {};
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, px::parameter_view<T>, px::activations<const T> x, px::activations<T> y, cache<T>&) const {
      ctx(px::op::copy, x, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, px::parameter_view<T>, px::activations<const T>, const cache<T>&, px::activations<const T> dy, Dx dx, Dp) const {
      if constexpr (px::is_wanted<Dx>) ctx(px::op::copy, dy, dx);
    }
#ifdef PRETEXT_KO
    // nothing
#else
    using nn::bound_base<same, In>::bound_base;
#endif
  };
};
static_assert(px::concepts::explain_layer<same, px::features<4>>());
int main() {}
