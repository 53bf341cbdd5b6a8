// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"
#include "pretext/nn/activation.hpp"

using namespace ops_test;

namespace {

template <class Body>
void for_sizes(const Body& body) {
  for (const index_t m : {1, 7, 13, 31, 257, 3000})
    for (const index_t n : {1, 7, 31, 65}) {
      INFO("rows " << m << " columns " << n);
      body(m, n);
    }
}

}  // namespace

TEST_CASE("column_moments: mean and squares agree with the reference, far from zero too", "[backend][ops][norm]") {
  for (const double offset : {0.0, 100.0})
    for_sizes([&](index_t m, index_t n) {
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        const auto x = values<T>(m * n, 1, offset, offset + 1);
        auto mean = stale<T>(n), m2 = stale<T>(n);
        run(op::column_moments, in(x, {m, n}), out(mean, {n}), out(m2, {n}));
        return outputs<T>{mean, m2};
      });
    });
}

TEST_CASE("column_moments: no rows have mean and squares 0", "[backend][ops][norm]") {
  agree([](auto& run, auto zero) {
    using T = decltype(zero);
    const std::vector<T> x;
    auto mean = stale<T>(5), m2 = stale<T>(5);
    run(op::column_moments, in(x, {0, 5}), out(mean, {5}), out(m2, {5}));
    return outputs<T>{mean, m2};
  });
}

TEST_CASE("rstd_of_moments, update_running_moments: agree with the reference", "[backend][ops][norm]") {
  for (const index_t n : {1, 7, 31, 257})
    for (const double count : {1.0, 2.0, 300.0})
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        const auto mean = values<T>(n, 1), m2 = values<T>(n, 2, 0, 5);
        auto rstd = stale<T>(n), running_mean = values<T>(n, 3), running_var = values<T>(n, 4, 0.5, 1);
        run(op::rstd_of_moments, in(m2, {n}), count, 1e-5, out(rstd, {n}));
        run(op::update_running_moments, in(mean, {n}), in(m2, {n}), count, 0.1, out(running_mean, {n}), out(running_var, {n}));
        return outputs<T>{rstd, running_mean, running_var};
      });
}

TEST_CASE("normalize_columns, scale_columns: agree with the reference", "[backend][ops][norm]") {
  for_sizes([](index_t m, index_t n) {
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      const auto x = values<T>(m * n, 1), mean = values<T>(n, 2), rstd = values<T>(n, 3, 0.5, 2), gamma = values<T>(n, 4),
                 beta = values<T>(n, 5);
      auto y = stale<T>(m * n), dx = y;
      run(op::normalize_columns, in(x, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}), in(beta, {n}), out(y, {m, n}));
      run(op::scale_columns, in(x, {m, n}), in(rstd, {n}), in(gamma, {n}), out(dx, {m, n}));
      return outputs<T>{y, dx};
    });
  });
}

TEMPLATE_TEST_CASE("normalize_columns_map, batch_norm_map_*: agree with the reference", "[backend][ops][norm]", pretext::nn::functor::gelu,
                   pretext::nn::functor::tanh) {
  const TestType f{};
  for_sizes([&](index_t m, index_t n) {
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      const auto x = values<T>(m * n, 1, -0.5, 1), dy = values<T>(m * n, 2, -0.5, 1), mean = values<T>(n, 3, -0.1, 0.1),
                 rstd = values<T>(n, 4, 0.5, 2), gamma = values<T>(n, 5), beta = values<T>(n, 6), a = values<T>(n, 7), b = values<T>(n, 8);
      auto y = stale<T>(m * n), sum_dz = stale<T>(n), sum_dz_xhat = stale<T>(n), dx = stale<T>(m * n), fixed = stale<T>(m * n);
      run(op::normalize_columns_map, f, in(x, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}), in(beta, {n}), out(y, {m, n}));
      run(op::batch_norm_map_sums, f, in(x, {m, n}), in(dy, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}), in(beta, {n}),
          out(sum_dz, {n}), out(sum_dz_xhat, {n}));
      for (const double count : {2.0 * static_cast<double>(m), 0.0})
        run(op::batch_norm_map_input_gradient, f, in(x, {m, n}), in(dy, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}),
            in(beta, {n}), in(a, {n}), in(b, {n}), count, out(count > 0 ? dx : fixed, {m, n}));
      return outputs<T>{y, sum_dz, sum_dz_xhat, dx, fixed};
    });
  });
}

TEST_CASE("batch_norm_map_*: with relu the same bits as the ops one by one", "[backend][ops][norm]") {
  using T = float;
  const pretext::nn::functor::relu f{};
  runner<simd> run;
  for_sizes([&](index_t m, index_t n) {
    const auto x = values<T>(m * n, 1, -0.5, 1), dy = values<T>(m * n, 2, -0.5, 1), mean = values<T>(n, 3, -0.1, 0.1),
               rstd = values<T>(n, 4, 0.5, 2), gamma = values<T>(n, 5), beta = values<T>(n, 6);
    const auto count = static_cast<double>(m);
    auto y = stale<T>(m * n), sum_dz = stale<T>(n), sum_dz_xhat = stale<T>(n), dx = stale<T>(m * n);
    auto z = y, y2 = y, dz = y, sum_dz2 = sum_dz, sum_dz_xhat2 = sum_dz, dx2 = y;
    run(op::normalize_columns_map, f, in(x, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}), in(beta, {n}), out(y, {m, n}));
    run(op::batch_norm_map_sums, f, in(x, {m, n}), in(dy, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}), in(beta, {n}),
        out(sum_dz, {n}), out(sum_dz_xhat, {n}));
    run(op::batch_norm_map_input_gradient, f, in(x, {m, n}), in(dy, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}),
        in(beta, {n}), in(sum_dz, {n}), in(sum_dz_xhat, {n}), count, out(dx, {m, n}));

    run(op::normalize_columns, in(x, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}), in(beta, {n}), out(z, {m, n}));
    run(op::map, f, in(z, {m, n}), out(y2, {m, n}));
    run(op::map_backward, f, in(z, {m, n}), in(dy, {m, n}), out(dz, {m, n}));
    run(op::batch_norm_sums, in(x, {m, n}), in(dz, {m, n}), in(mean, {n}), in(rstd, {n}), out(sum_dz2, {n}), out(sum_dz_xhat2, {n}));
    run(op::batch_norm_input_gradient, in(x, {m, n}), in(dz, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}), in(sum_dz2, {n}),
        in(sum_dz_xhat2, {n}), count, out(dx2, {m, n}));
    CHECK(y == y2);
    CHECK(sum_dz == sum_dz2);
    CHECK(sum_dz_xhat == sum_dz_xhat2);
    CHECK(dx == dx2);
  });
}

TEST_CASE("batch_norm_sums, batch_norm_input_gradient: agree with the reference", "[backend][ops][norm]") {
  for_sizes([](index_t m, index_t n) {
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      const auto x = values<T>(m * n, 1, -0.5, 1), dy = values<T>(m * n, 2, -0.5, 1), mean = values<T>(n, 3, -0.1, 0.1),
                 rstd = values<T>(n, 4, 0.5, 2), gamma = values<T>(n, 5), a = values<T>(n, 6), b = values<T>(n, 7);
      auto sum_dy = stale<T>(n), sum_dy_xhat = stale<T>(n), dx = stale<T>(m * n);
      run(op::batch_norm_sums, in(x, {m, n}), in(dy, {m, n}), in(mean, {n}), in(rstd, {n}), out(sum_dy, {n}), out(sum_dy_xhat, {n}));
      run(op::batch_norm_input_gradient, in(x, {m, n}), in(dy, {m, n}), in(mean, {n}), in(rstd, {n}), in(gamma, {n}), in(a, {n}),
          in(b, {n}), 2.0 * static_cast<double>(m), out(dx, {m, n}));
      return outputs<T>{sum_dy, sum_dy_xhat, dx};
    });
  });
}
