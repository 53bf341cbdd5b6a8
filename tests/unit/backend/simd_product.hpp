// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "pretext/backend/simd/gemm.hpp"
#include "simd_test_support.hpp"

namespace simd_test {

/// A product of random floats, by the kernel with some Terms and by its definition.
struct product {
  index_t m, n, k;
  bool trans_a = false, trans_b = false, accumulate = false, bias = false;
  index_t gap = 0;  // added to every leading dimension

  index_t lda() const { return (trans_a ? m : k) + gap; }
  index_t ldb() const { return (trans_b ? k : n) + gap; }
  index_t ldc() const { return n + gap; }
  std::vector<float> a() const { return random_values<float>((trans_a ? k : m) * lda() + 1, 1); }
  std::vector<float> b() const { return random_values<float>((trans_b ? n : k) * ldb() + 1, 2); }
  std::vector<float> c() const { return random_values<float>(m * ldc() + 1, 3); }
  std::vector<float> biases() const { return random_values<float>(n + 1, 4); }

  template <class Terms>
  std::vector<float> run(int threads) const {
    pretext::thread_pool pool(threads);
    auto result = c();
    const auto left = a(), right = b(), offset = biases();
    const index_t size = Terms::template scratch<float, native>(threads, m, n, k);
    auto scratch = empty<float>(size + 8, 77.0f);
    pretext::simd::gemm<float, native, Terms>(pool, m, n, k, left.data(), lda(), trans_a, right.data(), ldb(), trans_b, result.data(),
                                     ldc(), accumulate, scratch.data(), bias ? offset.data() : nullptr);
    for (index_t i = size; i < size + 8; ++i)
      if (scratch[static_cast<std::size_t>(i)] != 77.0f) return {};  // written beyond what was promised
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
          const float x = left[static_cast<std::size_t>(trans_a ? p * lda() + i : i * lda() + p)];
          const float y = right[static_cast<std::size_t>(trans_b ? j * ldb() + p : p * ldb() + j)];
          sum += static_cast<double>(seen(x)) * static_cast<double>(seen(y));
        }
        if (bias) sum += static_cast<double>(offset[static_cast<std::size_t>(j)]);
        r[static_cast<std::size_t>(i * ldc() + j)] = sum;
      }
    return r;
  }
  std::vector<double> naive() const {
    return naive([](float x) { return x; });
  }
};

}  // namespace simd_test
