// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "pretext/nn/activation.hpp"
#include "ops_support.hpp"

using namespace ops_test;

namespace {

void check_matmul(index_t m, index_t n, index_t k, op::matmul_options o) {
  INFO("m " << m << " n " << n << " k " << k << " ta " << o.transpose_a << " tb " << o.transpose_b << " acc " << o.accumulate);
  agree([&](auto& run, auto zero) {
    using T = decltype(zero);
    const auto a = values<T>(m * k, 1), b = values<T>(k * n, 2);
    auto c = o.accumulate ? values<T>(m * n, 3) : stale<T>(m * n);
    run(op::matmul, in(a, o.transpose_a ? extents(k, m) : extents(m, k)), in(b, o.transpose_b ? extents(n, k) : extents(k, n)),
        out(c, {m, n}), o);
    return outputs<T>{c};
  });
}

}  // namespace

TEST_CASE("matmul: every size and every option agrees with the reference", "[backend][ops][matmul]") {
  const index_t sizes[][3] = {{1, 1, 1}, {7, 13, 31}, {31, 7, 257}, {13, 257, 7}, {257, 31, 13}, {99, 301, 310}, {3, 5, 0}};
  for (const auto& s : sizes)
    for (int bits = 0; bits < 8; ++bits)
      check_matmul(s[0], s[1], s[2], {.transpose_a = (bits & 1) != 0, .transpose_b = (bits & 2) != 0, .accumulate = (bits & 4) != 0});
  check_matmul(0, 3, 4, {});
}

TEST_CASE("matmul: sizes that do not fit are refused", "[backend][ops][matmul]") {
  runner<simd> run(1);
  std::vector<float> a(6), b(6), c(9);
  CHECK_THROWS_WITH(run(op::matmul, in(a, {2, 3}), in(b, {2, 3}), out(c, {3, 3})), Catch::Contains("shape.110"));
  CHECK_THROWS_WITH(run(op::linear, in(a, {2, 3}), in(b, {2, 3}), tensor_view<const float>{}, out(c, {3, 3})),
                    Catch::Contains("shape.110"));
}

TEST_CASE("linear: agrees with the reference, with and without bias", "[backend][ops][linear]") {
  for (const index_t m : {1, 7, 31, 257})
    for (const index_t n : {1, 13, 65})
      for (const bool biased : {true, false}) {
        INFO(m << " " << n << " " << biased);
        agree([&](auto& run, auto zero) {
          using T = decltype(zero);
          const index_t k = 31;
          const auto x = values<T>(m * k, 1), w = values<T>(n * k, 2), bias = values<T>(n, 3);
          auto y = stale<T>(m * n), clamped = y, mapped = y;
          const auto b = biased ? in(bias, {n}) : tensor_view<const T>{};
          run(op::linear, in(x, {m, k}), in(w, {n, k}), b, out(y, {m, n}));
          run(op::linear_map, pretext::nn::functor::relu{}, in(x, {m, k}), in(w, {n, k}), b, out(clamped, {m, n}));
          run(op::linear_map, pretext::nn::functor::tanh{}, in(x, {m, k}), in(w, {n, k}), b, out(mapped, {m, n}));
          return outputs<T>{y, clamped, mapped};
        });
      }
}

TEMPLATE_TEST_CASE("linear: a row has the same bits whatever other rows there are", "[backend][ops][linear]", float, double) {
  const index_t m = 50, k = 77, n = 45;
  const auto x = values<TestType>(m * k, 1), w = values<TestType>(n * k, 2), bias = values<TestType>(n, 3);
  auto all = stale<TestType>(m * n);
  runner<simd> run(2);
  run(op::linear, in(x, {m, k}), in(w, {n, k}), in(bias, {n}), out(all, {m, n}));
  for (const index_t i : {index_t{0}, index_t{11}, index_t{12}, index_t{49}}) {
    auto y = stale<TestType>(n);
    run(op::linear, tensor_view<const TestType>{x.data() + i * k, {index_t{1}, k}}, in(w, {n, k}), in(bias, {n}), out(y, {index_t{1}, n}));
    CHECK(std::memcmp(y.data(), all.data() + i * n, static_cast<std::size_t>(n) * sizeof(TestType)) == 0);
  }
}

TEST_CASE("column_sums: accumulates the sum of every column", "[backend][ops]") {
  for (const index_t m : {0, 1, 13, 257, 5000})
    for (const index_t n : {1, 7, 33}) {
      INFO(m << " " << n);
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        const auto x = values<T>(m * n, 1, 0, 1);
        auto sums = values<T>(n, 2);
        run(op::column_sums, in(x, {m, n}), out(sums, {n}));
        return outputs<T>{sums};
      });
    }
}

TEST_CASE("transpose_inner: exchanges the last two extents and comes back", "[backend][ops]") {
  for (const index_t s : {1, 7, 16, 31, 257})
    for (const index_t c : {1, 13, 32, 65}) {
      INFO(s << " " << c);
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        const auto x = values<T>(3 * s * c, 1);
        auto y = stale<T>(3 * s * c), back = stale<T>(3 * s * c);
        run(op::transpose_inner, in(x, {3, s, c}), out(y, {3, c, s}));
        run(op::transpose_inner, in(y, {3, c, s}), out(back, {3, s, c}));
        CHECK(back == x);
        return outputs<T>{y};
      });
    }
}

TEST_CASE("copy_columns: writes its columns and no other", "[backend][ops]") {
  for (const index_t m : {0, 1, 13, 700})
    for (const index_t n : {0, 1, 7, 31})
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        const auto x = values<T>(m * 37, 1);
        auto y = values<T>(m * 45, 2);
        run(op::copy_columns, in(x, {m, 37}), out(y, {m, 45}), index_t{5}, index_t{9}, n);
        return outputs<T>{y};
      });
}
