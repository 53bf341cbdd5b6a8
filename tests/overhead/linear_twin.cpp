// SPDX-License-Identifier: BSD-3-Clause
// linear_composed.cpp by hand.
#include "numbers.hpp"
#include "twin_product.hpp"

constexpr long B = 512, K = 512, N = 256;

struct program {
  float *x, *dy, *weights, *gradients, *y, *dx, *scratch;
};

/// sums (n) += the columns of x (m, n): 64 rows one after another, blocks of them in 32 parts, parts along a tree.
static void column_sums(long m, long n, const float* x, float* sums, float* scratch) {
  const long by_size = twin::cut(8192, n), by_count = twin::cut(m, 32), chunk = by_size > by_count ? by_size : by_count;
  const long chunks = twin::cut(m, chunk);
  for (long c = 0; c < chunks; ++c) {
    float* part = scratch + c * n;
    const long end = twin::least(m, (c + 1) * chunk);
    for (long b = c * chunk; b < end; b += 64) {
      const long stop = twin::least(end, b + 64);
      for (long j = 0; j < n; j += 8) {
        __m256 sum = _mm256_setzero_ps();
        for (long r = b; r < stop; ++r) sum = _mm256_add_ps(sum, twin::load(x + r * n + j));
        twin::store(part + j, b == c * chunk ? sum : _mm256_add_ps(twin::load(part + j), sum));
      }
    }
  }
  for (long stride = 1; stride < chunks; stride *= 2)
    for (long c = 0; c + stride < chunks; c += 2 * stride)
      for (long j = 0; j < n; j += 8)
        twin::store(scratch + c * n + j, _mm256_add_ps(twin::load(scratch + c * n + j), twin::load(scratch + (c + stride) * n + j)));
  for (long j = 0; j < n; j += 8) twin::store(sums + j, _mm256_add_ps(twin::load(sums + j), twin::load(scratch + j)));
}

void measured(void* p) {
  const program& s = *static_cast<program*>(p);
  twin::product(B, N, K, s.x, K, false, s.weights, K, true, s.y, N, false, s.weights + N * K, s.scratch);
  twin::product(N, K, B, s.dy, N, true, s.x, K, false, s.gradients, K, true, nullptr, s.scratch);
  column_sums(B, N, s.dy, s.gradients + N * K, s.scratch);
  twin::product(B, K, N, s.dy, N, false, s.weights, K, false, s.dx, K, false, nullptr, s.scratch);
}

int main() {
  program p;
  p.x = numbers::uniform(B * K, 1, 1.0f);
  p.dy = numbers::uniform(B * N, 2, 1.0f);
  p.weights = numbers::uniform(N * K + N, 3, 0.05f);
  p.gradients = numbers::uniform(N * K + N, 4, 1.0f);
  p.y = numbers::make<float>(B * N);
  p.dx = numbers::make<float>(B * K);
  p.scratch = numbers::make<float>(1 << 20);
  measured(&p);
  numbers::print("y", p.y, B * N);
  numbers::print("dx", p.dx, B * K);
  numbers::print("dW", p.gradients, N * K);
  numbers::print("db", p.gradients + N * K, N);
}
