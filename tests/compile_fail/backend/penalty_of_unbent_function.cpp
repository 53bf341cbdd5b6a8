// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[backend\.104\]
#include <pretext/backend/reference/reference.hpp>
#include <pretext/backend/tangent.hpp>
#include <pretext/nn/activation.hpp>

namespace px = pretext;
/// x^2: differentiated once, or twice.
struct square {
  template <class M, class V>
  static V value(const V& x) {
    return x * x;
  }
  template <class M, class V>
  static V derivative(const V& x) {
    return V(2) * x;
  }
#ifndef PRETEXT_KO
  template <class M, class V>
  static V second_derivative(const V&) {
    return V(2);
  }
#endif
};
int main() {
  px::backend::reference be;
  px::workspace memory;
  px::comm::null alone;
  const px::context<px::backend::reference, double> ctx{&be, &memory, &alone};
  const auto layer = px::nn::bind(px::nn::elementwise<square>{}, px::features<3>{});
  px::backend::on_pairs(ctx, [&](const auto& pairs) {
    const px::activations<double> x(pairs.take({2, 3})), dx(pairs.take({2, 3}));
    layer.backward(pairs, px::parameter_view<double>{}, px::activations<const double>(x), {}, px::activations<const double>(x), dx, px::no_gradient{});
  });
}
