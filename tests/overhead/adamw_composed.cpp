// SPDX-License-Identifier: BSD-3-Clause
// The update of a player as the trainer's step runs it: norm of the gradient, clipping, AdamW on two ranges (weights with
// decay, biases without), gradients zeroed.
#include "composed.hpp"
#include "pretext/optimizer/adamw.hpp"
#include "pretext/train/step.hpp"

namespace px = pretext;
constexpr px::index_t weights = 3300000, biases = 4001, N = weights + biases;
using spec_type = px::train::player_spec<px::optimizer::adamw, int>;

struct program {
  composed::rig rig;
  std::tuple<spec_type> specs{};
  px::update_range ranges[2] = {{0, weights, 1, 1, true}, {weights, biases, 1, 0, false}};
  float *p, *g, *m, *v;

  void step(const composed::context_type& ctx) {
    px::train::step_scope<composed::context_type, std::tuple<spec_type>> s;
    s.ctx = ctx;
    s.specs = &specs;
    s.inputs = &rig.inputs;
    const px::extents n(N);
    s.players[0] = {{p, n}, {g, n}, {}, {m, n}, {v, n}, {ranges, {px::index_t{2}}}, &rig.inputs.players[0]};
    s.update(px::train::player_id<0>{});
  }
};

void measured(void* p) {
  auto& self = *static_cast<program*>(p);
  self.step(self.rig.context());
}

int main() {
  static program p;
  std::get<0>(p.specs).clip_norm = 100.0;
  p.rig.inputs.players[0].rate = 1e-3;
  p.p = numbers::uniform(N, 1, 0.1f);
  p.g = numbers::uniform(N, 2, 1.0f);
  p.m = numbers::uniform(N, 3, 0.1f);
  p.v = numbers::uniform(N, 4, 1.0f);
  for (px::index_t i = 0; i < N; ++i) p.v[i] *= p.v[i];
  p.rig.plan([&](const auto& ctx) { p.step(ctx); });
  measured(&p);
  numbers::print("p", p.p, N);
  numbers::print("m", p.m, N);
  numbers::print("v", p.v, N);
  numbers::print("g", p.g, N);
}
