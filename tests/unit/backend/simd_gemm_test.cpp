// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/gemm.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "pretext/core/tensor.hpp"
#include "simd_product.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::thread_pool;

TEMPLATE_TEST_CASE("simd gemm: agrees with the naive product at awkward sizes", "[backend][simd][gemm]", float, double) {
  using T = TestType;
  each_awkward_product<T>([](const product<T>& p) { REQUIRE(relative_error(p.run(1), p.naive(), p.size()) < tolerance<T>()); });
}

TEMPLATE_TEST_CASE("simd gemm: agrees with the naive product above every block", "[backend][simd][gemm]", float, double) {
  using T = TestType;
  for (int variant = 0; variant < 4; ++variant) {
    const product<T> p{257, 1100, 1300, (variant & 1) != 0, (variant & 2) != 0, variant == 1, variant == 2, 0};
    REQUIRE(relative_error(p.run(2), p.naive(), p.m * p.ldc()) < tolerance<T>());
  }
  // Rows a power of two apart, few columns, and the in-place left operand.
  const product<T> aligned{50, 20, 1024, false, false, false, true, 0};
  REQUIRE(relative_error(aligned.run(1), aligned.naive(), aligned.m * aligned.ldc()) < tolerance<T>());
}

TEMPLATE_TEST_CASE("simd gemm: a long sum, whose blocks of rows use panels that the first one copied", "[backend][simd][gemm]", float,
                   double) {
  using T = TestType;
  for (const index_t n : {33, 64, 100}) {
    const product<T> p{200, n, 8301};  // above 8 blocks of steps, so nothing is shared, and an odd number in a block
    const auto c = p.run(1);
    REQUIRE(relative_error(c, p.naive(), p.size()) < tolerance<T>());
    CHECK(same_bits(c, p.run(3)));
  }
}

TEST_CASE("simd gemm: a result that goes past the caches has the bits of one that does not", "[backend][simd][gemm]") {
  const index_t m = 2051, n = 2048, k = 13;  // above 16 MiB, and aligned; rows that are no whole tile
  const auto a = random_values<float>(m * k, 1), b = random_values<float>(k * n, 2);
  for (const float* bias : {static_cast<const float*>(nullptr), b.data()}) {
    pretext::buffer<float> large(m * n);
    auto small = empty<float>(m * n);  // part by part, none of them large
    auto scratch = empty<float>(simd::gemm_scratch<float, native>(2, m, n, k));
    thread_pool pool(2);
    REQUIRE(simd::vector_ops<float, native>::streams(large.data(), m * n, n));
    simd::gemm<float, native>(pool, m, n, k, a.data(), k, false, b.data(), n, false, large.data(), n, false, scratch.data(), bias);
    for (index_t i = 0; i < m; i += 700) {
      const index_t rows = m - i < 700 ? m - i : 700;
      simd::gemm<float, native>(pool, rows, n, k, a.data() + i * k, k, false, b.data(), n, false, small.data() + i * n, n, false,
                                scratch.data(), bias);
    }
    CHECK(std::memcmp(large.data(), small.data(), static_cast<std::size_t>(m * n) * sizeof(float)) == 0);
  }
}

TEMPLATE_TEST_CASE("simd gemm: same bits for any number of threads, and for a row alone and among others", "[backend][simd][gemm]", float,
                   double) {
  check_bits<TestType, simd::exact_terms>();
}

TEST_CASE("simd gemm: an inner extent of zero gives zero, the bias, or leaves the sum alone", "[backend][simd][gemm]") {
  thread_pool pool(2);
  std::vector<float> c(12, 3.0f), bias{1, 2, 3, 4};
  float* const none = nullptr;
  auto scratch = empty<float>(simd::gemm_scratch<float, native>(2, 3, 4, 0));
  simd::gemm<float, native>(pool, 3, 4, 0, none, 0, false, none, 4, false, c.data(), 4, true, scratch.data());
  CHECK(c == std::vector<float>(12, 3.0f));
  simd::gemm<float, native>(pool, 3, 4, 0, none, 0, false, none, 4, false, c.data(), 4, false, scratch.data(),
                            bias.data());
  CHECK(c == std::vector<float>{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4});
  simd::gemm<float, native>(pool, 0, 4, 5, none, 5, false, none, 4, false, none, 4, false, scratch.data());
  CHECK(simd::gemm_scratch<float, native>(2, 0, 4, 5) == 0);
}

TEST_CASE("simd gemm: a clamp takes the whole sum, of one block of steps or of several, and lets NaN pass", "[backend][simd][gemm]") {
  thread_pool pool(2);
  for (const index_t k : {0, 7, 1500, 9000})
    for (const index_t n : {5, 70}) {
      const index_t m = 29;
      const auto a = random_values<float>(m * k + 1, 1), b = random_values<float>(k * n + 1, 2), bias = random_values<float>(n, 3);
      auto y = empty<float>(m * n), clamped = y, s = empty<float>(simd::gemm_scratch<float, native>(2, m, n, k));
      auto left = a;
      if (k > 0) left[0] = std::numeric_limits<float>::quiet_NaN();
      simd::gemm<float, native>(pool, m, n, k, left.data(), k, false, b.data(), n, false, y.data(), n, false, s.data(), bias.data());
      simd::gemm<float, native>(pool, m, n, k, left.data(), k, false, b.data(), n, false, clamped.data(), n, false, s.data(),
                                {bias.data(), 0.125f});
      for (index_t i = 0; i < m * n; ++i) {
        const float whole = y[static_cast<std::size_t>(i)], got = clamped[static_cast<std::size_t>(i)];
        if (k > 0 && i < n) CHECK(std::isnan(got));
        else CHECK(got == (whole > 0.125f ? whole : 0.125f));
      }
    }
}

TEST_CASE("simd gemm: infinities and NaN stay in their rows", "[backend][simd][gemm]") {
  check_rows_not_finite<float, simd::exact_terms>();
}

TEST_CASE("simd gemm: scratch of a large product is enough for every smaller one", "[backend][simd][gemm]") {
  check_scratch_bound<float>();
}
