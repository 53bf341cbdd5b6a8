// SPDX-License-Identifier: BSD-3-Clause
// relu_chain_composed.cpp by hand: a loop forward and a loop backward for each layer.
#include <immintrin.h>

#include "numbers.hpp"

constexpr long B = 401, D = 4097, layers = 8;

struct program {
  float *x, *dy, *y, *dx, *kept[layers - 1], *turn[2];
};

static void forward(long n, const float* x, float* y) {
  long i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_max_ps(_mm256_setzero_ps(), _mm256_loadu_ps(x + i)));
  for (; i < n; ++i) y[i] = 0.0f > x[i] ? 0.0f : x[i];
}

static void backward(long n, const float* x, const float* dy, float* dx) {
  long i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 positive = _mm256_cmp_ps(_mm256_loadu_ps(x + i), _mm256_setzero_ps(), _CMP_GT_OQ);
    _mm256_storeu_ps(dx + i, _mm256_and_ps(positive, _mm256_loadu_ps(dy + i)));
  }
  for (; i < n; ++i) dx[i] = x[i] > 0.0f ? dy[i] : 0.0f;
}

void measured(void* p) {
  program& s = *static_cast<program*>(p);
  const long n = B * D;
  forward(n, s.x, s.kept[0]);
  for (long l = 1; l + 1 < layers; ++l) forward(n, s.kept[l - 1], s.kept[l]);
  forward(n, s.kept[layers - 2], s.y);
  const float* down = s.dy;
  for (long l = layers - 1; l > 0; --l) {
    backward(n, s.kept[l - 1], down, s.turn[l % 2]);
    down = s.turn[l % 2];
  }
  backward(n, s.x, down, s.dx);
}

int main() {
  program p;
  p.x = numbers::uniform(B * D, 1, 1.0f);
  p.dy = numbers::uniform(B * D, 2, 1.0f);
  p.y = numbers::make<float>(B * D);
  p.dx = numbers::make<float>(B * D);
  for (float*& k : p.kept) k = numbers::make<float>(B * D);
  for (float*& t : p.turn) t = numbers::make<float>(B * D);
  measured(&p);
  numbers::print("y", p.y, B * D);
  numbers::print("dx", p.dx, B * D);
}
