// SPDX-License-Identifier: BSD-3-Clause
// The examples of docs/policies/backend.md.
#include "pretext/backend/audit.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/nn/activation.hpp"
#include "support/catch.hpp"

namespace {

void my_library_add(const float* x, float* y, pretext::index_t n) {
  for (pretext::index_t i = 0; i < n; ++i) y[i] += x[i];
}

// [doc:my_backend]
struct my_backend : pretext::backend::reference {
  static constexpr const char* name = "mine";

  template <class Op, class... A>
  void run(Op op, pretext::workspace& memory, A&&... a) {
    if constexpr (std::is_same_v<Op, pretext::op::add_op>)
      add(a...);
    else
      pretext::backend::reference::run(op, memory, a...);
  }

 private:
  static void add(const pretext::tensor_view<const float>& x, const pretext::tensor_view<float>& y) {
    my_library_add(x.data, y.data, x.size());
  }
};
// [/doc:my_backend]

// [doc:softplus]
struct softplus {
  template <class M, class V> static V value(const V& x) { return M::max(x, V(0)) + M::log(V(1) + M::exp(M::min(x, V(0) - x))); }
  template <class M, class V> static V derivative(const V& x) { return V(1) / (V(1) + M::exp(V(0) - x)); }
};
using layer = pretext::nn::elementwise<softplus>;
// [/doc:softplus]

template <class B>
void run_both(B& be) {
  using four = pretext::features<4>;
  static_assert(std::is_same_v<pretext::nn::output_t<pretext::nn::bound_t<layer, four>>, four>);
  pretext::workspace memory;
  std::vector<float> x(19), y(19);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) - 9;
  const pretext::tensor_view<float> xs{x.data(), 19}, ys{y.data(), 19};
  be.run(pretext::op::map, memory, softplus{}, xs, ys);
  CHECK(y[9] == Approx(0.693147));
  CHECK(y[18] == Approx(9.000123));
  be.run(pretext::op::map_backward, memory, softplus{}, xs, ys, ys);
  be.run(pretext::op::add, memory, as_const(xs), ys);
}

}  // namespace

TEST_CASE("backend: one that does an op itself and inherits the rest passes the audit", "[backend][docs]") {
  pretext::backend::audit<my_backend> mine;
  run_both(mine);
  CHECK(mine.failures() == 0);
  CHECK(mine.checked() == 3);
}

TEST_CASE("backend: a functor over a math policy runs on scalars and vectors", "[backend][docs]") {
  pretext::backend::audit<pretext::backend::simd<>> vectors(1);
  run_both(vectors);
  CHECK(vectors.failures() == 0);
}
