// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"

using namespace ops_test;

namespace {

template <class Body>
void for_sizes(const Body& body) {
  for (const index_t m : {0, 1, 7, 31, 257})
    for (const index_t n : {1, 7, 13, 65, 257}) {
      INFO("rows " << m << " columns " << n);
      body(m, n);
    }
}

}  // namespace

TEST_CASE("layer_norm: value and gradients agree with the reference", "[backend][ops][layer_norm]") {
  for_sizes([](index_t m, index_t n) {
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      // A row of one value has a gradient of exactly 0: what is left of it is rounding, and is not compared.
      const auto x = values<T>(m * n, 1), gamma = values<T>(n, 2), beta = values<T>(n, 3), dy = values<T>(m * n, 4, -0.5, 1);
      auto y = stale<T>(m * n), dx = y, mean = stale<T>(m), rstd = mean, dgamma = values<T>(n, 5), dbeta = values<T>(n, 6);
      run(op::layer_norm, in(x, {m, n}), in(gamma, {n}), in(beta, {n}), 1e-2, out(y, {m, n}), out(mean, {m}), out(rstd, {m}));
      run(op::layer_norm_input_gradient, in(x, {m, n}), in(gamma, {n}), in(mean, {m}), in(rstd, {m}), in(dy, {m, n}), out(dx, {m, n}));
      run(op::layer_norm_parameter_gradient, in(x, {m, n}), in(dy, {m, n}), in(mean, {m}), in(rstd, {m}), out(dgamma, {n}), out(dbeta, {n}));
      return outputs<T>{y, mean, rstd, n == 1 ? std::vector<T>{} : dx, dgamma, dbeta};
    });
  });
}

TEST_CASE("row_normalize: value and gradient agree with the reference", "[backend][ops][row_normalize]") {
  for (const double scale : {1.0, 1e15, 1e-15})
    for_sizes([&](index_t m, index_t n) {
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        auto x = values<T>(m * n, 1);
        for (T& v : x) v *= static_cast<T>(static_cast<float>(scale));
        const auto dy = values<T>(m * n, 2);
        auto y = stale<T>(m * n), norms = stale<T>(m), dx = values<T>(m * n, 3), in_place = x, again = norms;
        run(op::row_normalize, in(x, {m, n}), 1e-30, out(y, {m, n}), out(norms, {m}));
        run(op::row_normalize, in(in_place, {m, n}), 1e-30, out(in_place, {m, n}), out(again, {m}));
        CHECK(in_place == y);
        const auto unit = std::vector<T>(static_cast<std::size_t>(m), T(2));
        run(op::row_normalize_backward, in(y, {m, n}), in(unit, {m}), in(dy, {m, n}), out(dx, {m, n}));
        return outputs<T>{y, norms, dx};
      });
    });
}

TEMPLATE_TEST_CASE("row_normalize: a zero row stays zero, extremes stay finite", "[backend][ops][row_normalize]", float, double) {
  using T = TestType;
  const T huge = std::numeric_limits<T>::max() / 4, tiny = std::numeric_limits<T>::min();
  const std::vector<T> x{0, 0, 0, 0, huge, -huge, huge, huge, tiny, tiny, -tiny, tiny};
  auto y = stale<T>(12), norms = stale<T>(3);
  runner<simd> run(1);
  run(op::row_normalize, in(x, {3, 4}), 0.0, out(y, {3, 4}), out(norms, {3}));
  for (int j = 4; j < 12; ++j) CHECK(std::fabs(y[static_cast<std::size_t>(j)]) == Approx(0.5));
  run(op::row_normalize, in(x, {3, 4}), 1e-8, out(y, {3, 4}), out(norms, {3}));
  for (int j = 0; j < 4; ++j) CHECK(y[static_cast<std::size_t>(j)] == T(0));
  CHECK(norms[0] == static_cast<T>(1e-8));
}
