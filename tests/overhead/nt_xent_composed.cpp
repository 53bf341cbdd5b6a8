// SPDX-License-Identifier: BSD-3-Clause
// NT-Xent over cosines: loss, and its gradient by recomputation.
#include "composed.hpp"
#include "pretext/objective/contrastive.hpp"

namespace px = pretext;
constexpr px::index_t M = 600, D = 128;  // rows: 300 samples in two views
using objective_type = px::objective::nt_xent<>;

struct program {
  composed::rig rig;
  objective_type objective{};
  float *z, *dz, *loss;

  void step(const composed::context_type& ctx) {
    const auto scope = ctx.scope();
    objective_type::cache<float> cache;
    const px::objective::self_pairs<float> in{px::tensor_view<const float>{z, {M, D}}};
    objective.loss(ctx, in, px::parameter_view<float>{}, cache, px::tensor_view<float>{loss, {px::index_t{1}}});
    objective.gradient(ctx, 1.0f, in, px::parameter_view<float>{}, cache, px::tensor_view<float>{dz, {M, D}}, px::no_gradient{});
  }
};

void measured(void* p) {
  auto& self = *static_cast<program*>(p);
  self.step(self.rig.context());
}

int main() {
  static program p;
  p.objective.temperature = 0.2f;
  p.z = numbers::uniform(M * D, 1, 1.0f);
  p.dz = numbers::make<float>(M * D);
  p.loss = numbers::make<float>(1);
  p.rig.plan([&](const auto& ctx) { p.step(ctx); });
  measured(&p);
  numbers::print("loss", p.loss, 1);
  numbers::print("dz", p.dz, M * D);
}
