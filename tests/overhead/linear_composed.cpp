// SPDX-License-Identifier: BSD-3-Clause
// A linear layer, forward and backward: y = x W^T + b; dW += dy^T x, db += sum of dy, dx = dy W.
#include "composed.hpp"
#include "pretext/nn/linear.hpp"

namespace px = pretext;
constexpr px::index_t B = 512, K = 512, N = 256;
using layer_type = px::nn::bound_t<px::nn::linear<N>, px::features<K>>;

struct program {
  composed::rig rig;
  layer_type layer;
  float *x, *dy, *weights, *gradients, *y, *dx;

  void step(const composed::context_type& ctx) {
    const auto scope = ctx.scope();
    layer_type::cache<float> cache;
    const px::activations<const float> in(px::tensor_view<const float>{x, {B, K}}), up(px::tensor_view<const float>{dy, {B, N}});
    layer.forward(ctx, px::parameter_view<float>{weights}, in, px::activations<float>(px::tensor_view<float>{y, {B, N}}), cache);
    layer.backward(ctx, px::parameter_view<float>{weights}, in, cache, up,
                   px::activations<float>(px::tensor_view<float>{dx, {B, K}}), px::gradient_view<float>{gradients});
  }
};

void measured(void* p) {
  auto& self = *static_cast<program*>(p);
  self.step(self.rig.context());
}

int main() {
  static program p;
  p.x = numbers::uniform(B * K, 1, 1.0f);
  p.dy = numbers::uniform(B * N, 2, 1.0f);
  p.weights = numbers::uniform(N * K + N, 3, 0.05f);
  p.gradients = numbers::uniform(N * K + N, 4, 1.0f);
  p.y = numbers::make<float>(B * N);
  p.dx = numbers::make<float>(B * K);
  p.rig.plan([&](const auto& ctx) { p.step(ctx); });
  measured(&p);
  numbers::print("y", p.y, B * N);
  numbers::print("dx", p.dx, B * K);
  numbers::print("dW", p.gradients, N * K);
  numbers::print("db", p.gradients + N * K, N);
}
