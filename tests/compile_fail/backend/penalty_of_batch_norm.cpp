// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[backend\.103\]
#include <pretext/backend/reference/reference.hpp>
#include <pretext/backend/tangent.hpp>
#include <pretext/nn/batch_norm.hpp>
#include <pretext/nn/layer_norm.hpp>

namespace px = pretext;
#ifdef PRETEXT_KO
using norm = px::nn::batch_norm;
#else
using norm = px::nn::layer_norm;
#endif
int main() {
  px::backend::reference be;
  px::workspace memory;
  px::comm::null alone;
  const px::context<px::backend::reference, double> ctx{&be, &memory, &alone};
  const auto layer = px::nn::bind(norm{}, px::features<3>{});
  px::backend::on_pairs(ctx, [&](const auto& pairs) {
    const px::activations<double> x(pairs.take({2, 3})), y(pairs.take({2, 3}));
    decltype(layer)::cache<double> kept{};
    layer.forward(pairs, px::parameter_view<double>{}, px::activations<const double>(x), y, kept);
  });
}
