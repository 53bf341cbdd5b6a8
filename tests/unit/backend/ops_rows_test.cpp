// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"

using namespace ops_test;

TEST_CASE("gather_rows: rows of a table, zero below 0, an id outside is refused", "[backend][ops][rows]") {
  for (const index_t m : {0, 1, 13, 700})
    for (const index_t n : {1, 7, 33})
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        const auto table = values<T>(31 * n, 1);
        std::vector<std::int32_t> ids(static_cast<std::size_t>(m));
        for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i * 7 % 32) - 1;
        auto y = stale<T>(m * n);
        run(op::gather_rows, in(table, {31, n}), in(ids, {m}), out(y, {m, n}));
        return outputs<T>{y};
      });
  runner<simd> run(1);
  std::vector<float> table(6), y(2);
  const std::vector<std::int32_t> outside{3};
#if defined(PRETEXT_OPS_ON_BLOCKS)  // a kernel cannot throw
  run(op::gather_rows, in(table, {3, 2}), in(outside, {1}), out(y, {1, 2}));
  CHECK((std::isnan(y[0]) && std::isnan(y[1])));
#else
  CHECK_THROWS_WITH(run(op::gather_rows, in(table, {3, 2}), in(outside, {1}), out(y, {1, 2})), Catch::Contains("value.120"));
#endif
}

TEST_CASE("softmax_cross_entropy: losses and gradient agree with the reference", "[backend][ops][softmax]") {
  for (const index_t m : {0, 1, 7, 257})
    for (const index_t n : {1, 2, 13, 31, 257})
      for (const double scale : {1.0, 300.0}) {
        if (m == 1 && scale > 1) continue;  // a lone gradient of 1e-80 is nothing in float
        INFO(m << " " << n << " scale " << scale);
        agree([&](auto& run, auto zero) {
          using T = decltype(zero);
          const auto x = values<T>(m * n, 1, -scale, scale);
          std::vector<std::int32_t> labels(static_cast<std::size_t>(m));
          for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i % 5 == 4 ? -1 : static_cast<std::int32_t>(i * 3 % static_cast<std::size_t>(n));
          auto losses = stale<T>(m), alone = losses, d = stale<T>(m * n);
          run(op::softmax_cross_entropy, in(x, {m, n}), in(labels, {m}), out(losses, {m}), out(d, {m, n}));
          run(op::softmax_cross_entropy, in(x, {m, n}), in(labels, {m}), out(alone, {m}), tensor_view<T>{});
          CHECK(alone == losses);
          return outputs<T>{n == 1 ? std::vector<T>{} : losses, n == 1 ? std::vector<T>{} : d};
        });
      }
  runner<simd> run(1);
  std::vector<float> x(2), losses(1);
  const std::vector<std::int32_t> outside{2};
  const tensor_view<float> no_gradient;
#if defined(PRETEXT_OPS_ON_BLOCKS)
  run(op::softmax_cross_entropy, in(x, {1, 2}), in(outside, {1}), out(losses, {1}), no_gradient);
  CHECK(std::isnan(losses[0]));
#else
  CHECK_THROWS_WITH(run(op::softmax_cross_entropy, in(x, {1, 2}), in(outside, {1}), out(losses, {1}), no_gradient), Catch::Contains("value.121"));
#endif
}

TEST_CASE("row_dot, add_scaled_rows: agree with the reference", "[backend][ops][rows]") {
  for (const index_t m : {0, 1, 13, 257})
    for (const index_t n : {1, 7, 31, 257}) {
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        const auto a = values<T>(m * n, 1), b = values<T>(m * n, 2), w = values<T>(m, 3);
        auto dots = stale<T>(m), y = values<T>(m * n, 4);
        run(op::row_dot, in(a, {m, n}), in(b, {m, n}), out(dots, {m}));
        run(op::add_scaled_rows, in(w, {m}), in(a, {m, n}), out(y, {m, n}));
        return outputs<T>{dots, y};
      });
    }
}

TEST_CASE("sum: of any number of elements agrees with the reference", "[backend][ops][rows]") {
  for (const index_t n : {0, 1, 7, 13, 31, 257, 16384, 16385, 200003}) {
    INFO(n);
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      const auto x = values<T>(n, 1, 0, 1);
      auto y = stale<T>(1);
      run(op::sum, in(x, {n}), out(y, {1}));
      return outputs<T>{y};
    });
  }
}

TEST_CASE("embedding_std: agrees with the reference, zero rows included", "[backend][ops][rows]") {
  for (const index_t m : {1, 7, 31, 257})
    for (const index_t n : {1, 7, 13, 33}) {
      INFO(m << " " << n);
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        auto z = values<T>(m * n, 1, -1, 2);
        if (m > 7)
          for (index_t j = 0; j < n; ++j) z[static_cast<std::size_t>(3 * n + j)] = 0;
        auto y = stale<T>(1);
        run(op::embedding_std, in(z, {m, n}), out(y, {1}));
        return outputs<T>{m == 1 ? std::vector<T>{} : y};
      });
    }
}
