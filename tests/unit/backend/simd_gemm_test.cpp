// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/gemm.hpp"

#include <cstring>
#include <vector>

#include "pretext/core/tensor.hpp"
#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::thread_pool;

namespace {

template <class T>
struct product {
  index_t m, n, k;
  bool trans_a = false, trans_b = false, accumulate = false, bias = false;
  index_t gap = 0;  // added to every leading dimension

  index_t lda() const { return (trans_a ? m : k) + gap; }
  index_t ldb() const { return (trans_b ? k : n) + gap; }
  index_t ldc() const { return n + gap; }
  std::vector<T> a() const { return random_values<T>((trans_a ? k : m) * lda() + 1, 1); }
  std::vector<T> b() const { return random_values<T>((trans_b ? n : k) * ldb() + 1, 2); }
  std::vector<T> c() const { return random_values<T>(m * ldc() + 1, 3); }
  std::vector<T> biases() const { return random_values<T>(n + 1, 4); }

  std::vector<T> run(int threads) const {
    thread_pool pool(threads);
    auto result = c();
    const auto left = a(), right = b(), offset = biases();
    // Exactly the promised scratch, with a guard behind it.
    const index_t size = simd::gemm_scratch<T, native>(threads, m, n, k);
    auto scratch = empty<T>(size + 8, T(77));
    simd::gemm<T, native>(pool, m, n, k, left.data(), lda(), trans_a, right.data(), ldb(), trans_b, result.data(), ldc(),
                          accumulate, scratch.data(), bias ? offset.data() : nullptr);
    for (index_t i = size; i < size + 8; ++i) REQUIRE(scratch[static_cast<std::size_t>(i)] == T(77));
    return result;
  }
  std::vector<double> naive() const {
    const auto left = a(), right = b(), start = c(), offset = biases();
    std::vector<double> r(start.begin(), start.end());
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) {
        double sum = accumulate ? static_cast<double>(start[static_cast<std::size_t>(i * ldc() + j)]) : 0.0;
        for (index_t p = 0; p < k; ++p)
          sum += static_cast<double>(left[static_cast<std::size_t>(trans_a ? p * lda() + i : i * lda() + p)]) *
                 static_cast<double>(right[static_cast<std::size_t>(trans_b ? j * ldb() + p : p * ldb() + j)]);
        if (bias) sum += static_cast<double>(offset[static_cast<std::size_t>(j)]);
        r[static_cast<std::size_t>(i * ldc() + j)] = sum;
      }
    return r;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("simd gemm: agrees with the naive product at awkward sizes", "[backend][simd][gemm]", float, double) {
  using T = TestType;
  for (index_t m : {1, 2, 7, 13, 31, 100})
    for (index_t n : {1, 7, 13, 31, 65})
      for (index_t k : {1, 7, 13, 31, 257})
        for (int variant = 0; variant < 4; ++variant) {
          const product<T> p{m, n, k, (variant & 1) != 0, (variant & 2) != 0, (m + n + k + variant) % 2 == 0,
                             (m + variant) % 3 == 0, (n + k) % 2 == 0 ? index_t{0} : index_t{3}};
          INFO("m " << m << " n " << n << " k " << k << " variant " << variant);
          // The gaps between rows are compared too: nothing may be written there.
          REQUIRE(relative_error(p.run(1), p.naive(), m * p.ldc()) < tolerance<T>());
        }
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

TEMPLATE_TEST_CASE("simd gemm: same bits for any number of threads", "[backend][simd][gemm]", float, double) {
  using T = TestType;
  for (const product<T>& p : {product<T>{300, 270, 1300}, product<T>{257, 31, 1100, true, true, true},
                              product<T>{13, 1000, 31, false, true, false, true}}) {
    const auto one = p.run(1);
    for (int threads : {2, 3, 5}) CHECK(same_bits(one, p.run(threads)));
  }
}

TEMPLATE_TEST_CASE("simd gemm: a row has the same bits alone and among others", "[backend][simd][gemm]", float, double) {
  using T = TestType;
  thread_pool pool(2);
  for (index_t n : {1, 10, 64, 300})
    for (index_t k : {31, 576, 1300}) {
      const index_t m = 131;
      const auto a = random_values<T>(m * k, 5), b = random_values<T>(k * n, 6);
      auto all = empty<T>(m * n), some = empty<T>(m * n);
      const index_t size = simd::gemm_scratch<T, native>(2, m, n, k);
      auto scratch = empty<T>(size + 8, T(77));
      simd::gemm<T, native>(pool, m, n, k, a.data(), k, false, b.data(), n, false, all.data(), n, false, scratch.data());
      for (index_t rows : {1, 2, 3, 7, 12, 13, 33, 64, 96}) {
        const index_t first = 5;
        simd::gemm<T, native>(pool, rows, n, k, a.data() + first * k, k, false, b.data(), n, false, some.data(), n, false,
                              scratch.data());
        INFO("n " << n << " k " << k << " rows " << rows);
        CHECK(std::memcmp(some.data(), all.data() + first * n, static_cast<std::size_t>(rows * n) * sizeof(T)) == 0);
        for (index_t i = size; i < size + 8; ++i) REQUIRE(scratch[static_cast<std::size_t>(i)] == T(77));
      }
    }
}

TEST_CASE("simd gemm: an inner extent of zero gives zero, the bias, or leaves the sum alone", "[backend][simd][gemm]") {
  thread_pool pool(2);
  std::vector<float> c(12, 3.0f), bias{1, 2, 3, 4};
  auto scratch = empty<float>(simd::gemm_scratch<float, native>(2, 3, 4, 0));
  simd::gemm<float, native>(pool, 3, 4, 0, nullptr, 0, false, nullptr, 4, false, c.data(), 4, true, scratch.data());
  CHECK(c == std::vector<float>(12, 3.0f));
  simd::gemm<float, native>(pool, 3, 4, 0, nullptr, 0, false, nullptr, 4, false, c.data(), 4, false, scratch.data(),
                            bias.data());
  CHECK(c == std::vector<float>{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4});
  simd::gemm<float, native>(pool, 0, 4, 5, nullptr, 5, false, nullptr, 4, false, nullptr, 4, false, scratch.data());
  CHECK(simd::gemm_scratch<float, native>(2, 0, 4, 5) == 0);
}

TEST_CASE("simd gemm: infinities and NaN stay in their rows", "[backend][simd][gemm]") {
  thread_pool pool(1);
  const index_t m = 14, n = 35, k = 20;
  auto a = random_values<float>(m * k, 7);
  const auto b = random_values<float>(k * n, 8, 0.5, 1);
  a[3 * k + 2] = HUGE_VALF;
  a[13 * k + 1] = NAN;
  auto c = empty<float>(m * n), scratch = empty<float>(simd::gemm_scratch<float, native>(1, m, n, k));
  simd::gemm<float, native>(pool, m, n, k, a.data(), k, false, b.data(), n, false, c.data(), n, false, scratch.data());
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < n; ++j) {
      const float x = c[static_cast<std::size_t>(i * n + j)];
      CHECK((i == 3 ? std::isinf(x) : i == 13 ? std::isnan(x) : std::isfinite(x)));
    }
}

TEST_CASE("simd gemm: scratch of a large product is enough for every smaller one", "[backend][simd][gemm]") {
  using plan = simd::gemm_plan<float, native>;
  index_t wrong = 0;
  for (index_t m : {1, 20, 33, 64, 97, 131, 500})
    for (index_t n : {1, 40, 257, 600})
      for (index_t k : {1, 200, 512, 513, 600, 1025, 5000, 30000})
        for (index_t part = 1; part <= 8; ++part) {
          const index_t bound = plan::size_bound(3, m, n, k);
          const auto cut = [&](index_t x) { return pretext::ceil_div(x * part, 8); };
          wrong += plan(cut(m), n, k).size(3) > bound;
          wrong += plan(m, n, cut(k)).size(3) > bound;
          wrong += plan(cut(m), cut(n), cut(k)).size(3) > bound;
          wrong += plan::size_bound(3, cut(m), cut(n), cut(k)) > bound;
        }
  CHECK(wrong == 0);
}
