// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "pretext/backend/simd/gemm.hpp"
#include "simd_test_support.hpp"
#include "support/catch.hpp"

namespace simd_test {

/// A product of random numbers, by the kernel with some Terms and by its definition.
template <class T>
struct product {
  index_t m, n, k;
  bool trans_a = false, trans_b = false, accumulate = false, bias = false;
  index_t gap = 0;  // added to every leading dimension

  index_t lda() const { return (trans_a ? m : k) + gap; }
  index_t ldb() const { return (trans_b ? k : n) + gap; }
  index_t ldc() const { return n + gap; }
  index_t size() const { return m * ldc(); }
  std::vector<T> a() const { return random_values<T>((trans_a ? k : m) * lda() + 1, 1); }
  std::vector<T> b() const { return random_values<T>((trans_b ? n : k) * ldb() + 1, 2); }
  std::vector<T> c() const { return random_values<T>(m * ldc() + 1, 3); }
  std::vector<T> biases() const { return random_values<T>(n + 1, 4); }

  template <class Terms = pretext::simd::exact_terms>
  std::vector<T> run(int threads) const {
    pretext::thread_pool pool(threads);
    auto result = c();
    const auto left = a(), right = b(), offset = biases();
    // Exactly the promised scratch, with a guard behind it.
    const index_t promised = Terms::template scratch<T, native>(threads, m, n, k);
    auto scratch = empty<T>(promised + 8, T(77));
    pretext::simd::gemm<T, native, Terms>(pool, m, n, k, left.data(), lda(), trans_a, right.data(), ldb(), trans_b, result.data(), ldc(),
                                          accumulate, scratch.data(), bias ? offset.data() : nullptr);
    for (index_t i = promised; i < promised + 8; ++i) REQUIRE(scratch[static_cast<std::size_t>(i)] == T(77));
    return result;
  }
  /// In double, of operands as `seen` makes them.
  template <class Seen>
  std::vector<double> naive(Seen&& seen) const {
    const auto left = a(), right = b(), start = c(), offset = biases();
    std::vector<double> r(start.begin(), start.end());
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) {
        double sum = accumulate ? static_cast<double>(start[static_cast<std::size_t>(i * ldc() + j)]) : 0.0;
        for (index_t p = 0; p < k; ++p) {
          const T x = left[static_cast<std::size_t>(trans_a ? p * lda() + i : i * lda() + p)];
          const T y = right[static_cast<std::size_t>(trans_b ? j * ldb() + p : p * ldb() + j)];
          sum += static_cast<double>(seen(x)) * static_cast<double>(seen(y));
        }
        if (bias) sum += static_cast<double>(offset[static_cast<std::size_t>(j)]);
        r[static_cast<std::size_t>(i * ldc() + j)] = sum;
      }
    return r;
  }
  std::vector<double> naive() const {
    return naive([](T x) { return x; });
  }
};

/// check(product) at sizes that fill no tile, in every variant; gaps between rows have to stay, so whole rows are compared.
template <class T, class Check>
void each_awkward_product(Check&& check) {
  for (index_t m : {1, 2, 7, 13, 31, 100})
    for (index_t n : {1, 7, 13, 31, 65})
      for (index_t k : {1, 2, 7, 13, 31, 257})
        for (int variant = 0; variant < 4; ++variant) {
          INFO("m " << m << " n " << n << " k " << k << " variant " << variant);
          check(product<T>{m, n, k, (variant & 1) != 0, (variant & 2) != 0, (m + n + k + variant) % 2 == 0,
                           (m + variant) % 3 == 0, (n + k) % 2 == 0 ? index_t{0} : index_t{3}});
        }
}

/// Same bits for any number of threads, and for rows alone and among others. Sums of one block and of several.
template <class T, class Terms>
void check_bits() {
  for (const product<T>& p : {product<T>{300, 270, 2301}, product<T>{257, 31, 1100, true, true, true},
                              product<T>{13, 1100, 31, false, true, false, true}, product<T>{200, 1100, 1100}}) {
    const auto one = p.template run<Terms>(1);
    for (int threads : {2, 3, 5}) CHECK(same_bits(one, p.template run<Terms>(threads)));
  }
  pretext::thread_pool pool(2);
  for (index_t n : {1, 10, 64, 300})
    for (index_t k : {31, 576, 2301}) {
      const index_t m = 131, first = 5;
      const auto a = random_values<T>(m * k, 5), b = random_values<T>(k * n, 6);
      auto all = empty<T>(m * n), some = empty<T>(m * n);
      const index_t promised = Terms::template scratch<T, native>(2, m, n, k);
      auto scratch = empty<T>(promised + 8, T(77));
      pretext::simd::gemm<T, native, Terms>(pool, m, n, k, a.data(), k, false, b.data(), n, false, all.data(), n, false, scratch.data());
      for (index_t rows : {1, 2, 3, 7, 12, 13, 33, 64, 96}) {
        pretext::simd::gemm<T, native, Terms>(pool, rows, n, k, a.data() + first * k, k, false, b.data(), n, false, some.data(), n, false,
                                              scratch.data());
        INFO("n " << n << " k " << k << " rows " << rows);
        CHECK(std::memcmp(some.data(), all.data() + first * n, static_cast<std::size_t>(rows * n) * sizeof(T)) == 0);
        for (index_t i = promised; i < promised + 8; ++i) REQUIRE(scratch[static_cast<std::size_t>(i)] == T(77));
      }
    }
}

/// No product of at most some sizes asks for more than the bound of those sizes.
template <class Element>
void check_scratch_bound() {
  using plan = pretext::simd::gemm_plan<Element, native>;
  index_t wrong = 0;
  for (index_t m : {1, 20, 33, 64, 97, 131, 500})
    for (index_t n : {1, 40, 257, 600, 1100, 2100})
      for (index_t k : {1, 200, 256, 257, 512, 513, 1025, 2048, 2049, 5000, 8192, 8193, 30000})
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

/// Where infinities and NaN of a left operand go: rows 3 and 13.
template <class T, class Terms>
void check_rows_not_finite() {
  pretext::thread_pool pool(1);
  const index_t m = 14, n = 35, k = 21;
  auto a = random_values<T>(m * k, 7);
  const auto b = random_values<T>(k * n, 8, 0.5, 1);
  a[3 * k + 20] = std::numeric_limits<T>::infinity();
  a[13 * k + 1] = std::numeric_limits<T>::quiet_NaN();
  auto c = empty<T>(m * n), scratch = empty<T>(Terms::template scratch<T, native>(1, m, n, k));
  pretext::simd::gemm<T, native, Terms>(pool, m, n, k, a.data(), k, false, b.data(), n, false, c.data(), n, false, scratch.data());
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < n; ++j) {
      const T x = c[static_cast<std::size_t>(i * n + j)];
      CHECK((i == 3 ? std::isinf(x) : i == 13 ? std::isnan(x) : std::isfinite(x)));
    }
}

}  // namespace simd_test
