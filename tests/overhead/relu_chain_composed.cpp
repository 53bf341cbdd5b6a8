// SPDX-License-Identifier: BSD-3-Clause
// Eight relus in a chain, forward with every result kept, and backward: nothing but what composition could add to.
#include "composed.hpp"
#include "pretext/nn/activation.hpp"
#include "pretext/nn/sequential.hpp"

namespace px = pretext;
using px::nn::relu;
constexpr px::index_t B = 401, D = 4097;  // no multiple of a vector
using layer_type = px::nn::bound_t<px::nn::sequential<relu, relu, relu, relu, relu, relu, relu, relu>, px::features<D>>;

struct program {
  composed::rig rig;
  layer_type layer;
  float *x, *dy, *y, *dx;

  void step(const composed::context_type& ctx) {
    const auto scope = ctx.scope();
    layer_type::cache<float> cache;
    const px::activations<const float> in(px::tensor_view<const float>{x, {B, D}}), up(px::tensor_view<const float>{dy, {B, D}});
    layer.forward(ctx, px::parameter_view<float>{}, in, px::activations<float>(px::tensor_view<float>{y, {B, D}}), cache);
    layer.backward(ctx, px::parameter_view<float>{}, in, cache, up,
                   px::activations<float>(px::tensor_view<float>{dx, {B, D}}), px::no_gradient{});
  }
};

void measured(void* p) {
  auto& self = *static_cast<program*>(p);
  self.step(self.rig.context());
}

int main() {
  static program p;
  p.x = numbers::uniform(B * D, 1, 1.0f);
  p.dy = numbers::uniform(B * D, 2, 1.0f);
  p.y = numbers::make<float>(B * D);
  p.dx = numbers::make<float>(B * D);
  p.rig.plan([&](const auto& ctx) { p.step(ctx); });
  measured(&p);
  numbers::print("y", p.y, B * D);
  numbers::print("dx", p.dx, B * D);
}
