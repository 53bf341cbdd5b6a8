// SPDX-License-Identifier: BSD-3-Clause
// adamw_composed.cpp by hand.
#include <immintrin.h>

#include <cstring>

#include "numbers.hpp"

constexpr long weights = 3300000, biases = 4001, N = weights + biases;

struct program {
  float *p, *g, *m, *v;
  double rate = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, decay = 1e-2, clip = 100.0;
  long updates = 0;
};

/// In double, in chunks that are added in order.
static double sum_of_squares(long n, const float* x) {
  double total = 0;
  for (long begin = 0; begin < n; begin += 16384) {
    const long end = begin + 16384 < n ? begin + 16384 : n;
    __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
    long i = begin;
    for (; i + 8 <= end; i += 8) {
      const __m256d a = _mm256_cvtps_pd(_mm_loadu_ps(x + i)), b = _mm256_cvtps_pd(_mm_loadu_ps(x + i + 4));
      low = _mm256_fmadd_pd(a, a, low);
      high = _mm256_fmadd_pd(b, b, high);
    }
    double lanes[4];
    _mm256_storeu_pd(lanes, _mm256_add_pd(low, high));
    double sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    for (; i < end; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    total += sum;
  }
  return total;
}

static void adamw(long n, const program& s, double decay, double scale, double correction1, double correction2,
                  float* g, float* p, float* m, float* v) {
  const float keep = static_cast<float>(1 - s.rate * decay), step = static_cast<float>(s.rate / correction1);
  const float b1 = static_cast<float>(s.beta1), c1 = static_cast<float>(1 - s.beta1);
  const float b2 = static_cast<float>(s.beta2), c2 = static_cast<float>(1 - s.beta2);
  const float root = static_cast<float>(1 / std::sqrt(correction2)), eps = static_cast<float>(s.eps);
  const float clip = static_cast<float>(scale);
  long i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 d = _mm256_mul_ps(_mm256_set1_ps(clip), _mm256_loadu_ps(g + i));
    const __m256 first = _mm256_fmadd_ps(_mm256_set1_ps(b1), _mm256_loadu_ps(m + i), _mm256_mul_ps(_mm256_set1_ps(c1), d));
    const __m256 second = _mm256_fmadd_ps(_mm256_set1_ps(b2), _mm256_loadu_ps(v + i),
                                          _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(c2), d), d));
    const __m256 below = _mm256_fmadd_ps(_mm256_sqrt_ps(second), _mm256_set1_ps(root), _mm256_set1_ps(eps));
    const __m256 move = _mm256_div_ps(_mm256_mul_ps(_mm256_set1_ps(step), first), below);
    _mm256_storeu_ps(g + i, _mm256_setzero_ps());
    _mm256_storeu_ps(m + i, first);
    _mm256_storeu_ps(v + i, second);
    _mm256_storeu_ps(p + i, _mm256_fmsub_ps(_mm256_set1_ps(keep), _mm256_loadu_ps(p + i), move));
  }
  for (; i < n; ++i) {
    const float d = clip * g[i];
    m[i] = b1 * m[i] + c1 * d;
    v[i] = b2 * v[i] + c2 * d * d;
    p[i] = keep * p[i] - step * m[i] / (std::sqrt(v[i]) * root + eps);
    g[i] = 0.0f;
  }
}

void measured(void* program_) {
  program& s = *static_cast<program*>(program_);
  const double norm = std::sqrt(sum_of_squares(N, s.g));
  if (!std::isfinite(norm)) {
    std::memset(s.g, 0, N * sizeof(float));
    return;
  }
  const double scale = norm > s.clip ? s.clip / norm : 1.0;
  ++s.updates;
  const double correction1 = 1 - std::pow(s.beta1, static_cast<double>(s.updates));
  const double correction2 = 1 - std::pow(s.beta2, static_cast<double>(s.updates));
  adamw(weights, s, s.decay, scale, correction1, correction2, s.g, s.p, s.m, s.v);
  adamw(biases, s, 0, scale, correction1, correction2, s.g + weights, s.p + weights, s.m + weights, s.v + weights);
}

int main() {
  program p;
  p.p = numbers::uniform(N, 1, 0.1f);
  p.g = numbers::uniform(N, 2, 1.0f);
  p.m = numbers::uniform(N, 3, 0.1f);
  p.v = numbers::uniform(N, 4, 1.0f);
  for (long i = 0; i < N; ++i) p.v[i] *= p.v[i];
  measured(&p);
  numbers::print("p", p.p, N);
  numbers::print("m", p.m, N);
  numbers::print("v", p.v, N);
  numbers::print("g", p.g, N);
}
