// SPDX-License-Identifier: BSD-3-Clause
// nt_xent_composed.cpp by hand: 24 rows at a time against strips of 256 columns, a running log-sum-exp forward, the scores
// computed again backward. Cosines over 0.2 lie in [-5, 5], so exp(s - lse_i) + exp(s - lse_j) is exp(s) (a_i + a_j) with
// a = exp(-lse).
#include <limits>

#include "numbers.hpp"
#include "twin_product.hpp"

using namespace twin;

constexpr long M = 600, D = 128, task = 4 * R, strip = 256;
constexpr float temperature = 0.2f;

struct program {
  float *z, *dz, *loss, *unit, *norms, *lse, *positive, *panels, *direct, *rows, *dots, *sums, *by_column;
};

/// Cody and Waite's reduction and the polynomial of Cephes; 2^n in two factors, so that denormal results are right.
static inline __m256 exp_of(__m256 given) {
  const __m256 x = _mm256_min_ps(_mm256_set1_ps(89.0f), _mm256_max_ps(_mm256_set1_ps(-104.0f), given));
  const __m256 magic = _mm256_set1_ps(12582912.0f);
  const __m256 t = _mm256_fmadd_ps(x, _mm256_set1_ps(1.4426950408889634074f), magic), n = _mm256_sub_ps(t, magic);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
  __m256 y = _mm256_set1_ps(1.9875691500e-4f);
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(1.3981999507e-3f));
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(8.3334519073e-3f));
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(4.1665795894e-2f));
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(1.6666665459e-1f));
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(5.0000001201e-1f));
  y = _mm256_add_ps(_mm256_fmadd_ps(y, _mm256_mul_ps(r, r), r), _mm256_set1_ps(1.0f));
  const __m256i k = _mm256_sub_epi32(_mm256_castps_si256(t), _mm256_castps_si256(magic));
  const __m256i half = _mm256_srai_epi32(k, 1), bias = _mm256_set1_epi32(127);
  const __m256 a = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const __m256 b = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(k, half), bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(y, a), b);
}

static __m256 abs_of(__m256 v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }

static void normalise(const program& s) {
  for (long i = 0; i < M; ++i) {
    const float* row = s.z + i * D;
    __m256 greatest = _mm256_setzero_ps(), squares = _mm256_setzero_ps();
    for (long d = 0; d < D; d += W) greatest = _mm256_max_ps(abs_of(load(row + d)), greatest);
    const float largest = largest_of(greatest);
    float norm = 0;
    if (largest > 0) {
      const __m256 scale = _mm256_set1_ps(largest);
      for (long d = 0; d < D; d += W) {
        const __m256 v = _mm256_div_ps(load(row + d), scale);
        squares = _mm256_fmadd_ps(v, v, squares);
      }
      norm = largest * std::sqrt(sum_of(squares));
    }
    norm = norm < 1e-8f ? 1e-8f : norm;
    s.norms[i] = norm;
    for (long d = 0; d < D; d += W) store(s.unit + i * D + d, _mm256_div_ps(load(row + d), _mm256_set1_ps(norm)));
  }
}

static void dot_strip(const float* rows, long count, long columns, const float* panels, float* to) {
  for (long j = 0; j < columns; j += C)
    any_tile(D, rows, D + 16, 1, panels + j * D, to + j, strip, count, C, false, nullptr);
}

static void loss(const program& s) {
  constexpr float infinity = std::numeric_limits<float>::infinity(), it = 1 / temperature;
  normalise(s);
  pack_right_transposed(s.unit, D, D, M, s.panels);
  float total = 0;
  for (long i0 = 0; i0 < M; i0 += task) {
    const long count = least(M - i0, task);
    pack_left(s.unit + i0 * D, D, count, D, s.rows);
    __m256 highest[task], sum[task];
    for (long r = 0; r < count; ++r) {
      highest[r] = _mm256_set1_ps(std::numeric_limits<float>::lowest());
      sum[r] = _mm256_setzero_ps();
    }
    for (long j0 = 0; j0 < M; j0 += strip) {
      const long columns = least(M - j0, strip);
      for (long t = 0; t < count; t += R) {
        const long tile_rows = least(count - t, R);
        dot_strip(s.rows + t * (D + 16), tile_rows, columns, s.panels + j0 * D, s.dots);
        for (long r = 0; r < tile_rows; ++r) {
          float* const line = s.dots + r * strip;
          const long i = i0 + t + r, self = i - j0, positive = (i + M / 2) % M - j0;
          if (positive >= 0 && positive < columns) s.positive[i] = line[positive] * it;
          for (long j = columns; j < up(columns, W); ++j) line[j] = -infinity;
          if (self >= 0 && self < columns) line[self] = -infinity;
          __m256 top = highest[t + r];
          for (long j = 0; j < columns; j += W) {
            const __m256 score = _mm256_mul_ps(load(line + j), _mm256_set1_ps(it));
            store(line + j, score);
            top = _mm256_max_ps(top, score);
          }
          __m256 all = _mm256_mul_ps(sum[t + r], exp_of(_mm256_sub_ps(highest[t + r], top)));
          for (long j = 0; j < columns; j += W) all = _mm256_add_ps(all, exp_of(_mm256_sub_ps(load(line + j), top)));
          highest[t + r] = top;
          sum[t + r] = all;
        }
      }
    }
    for (long r = 0; r < count; ++r) {
      const float top = largest_of(highest[r]);
      const float all = sum_of(_mm256_mul_ps(sum[r], exp_of(_mm256_sub_ps(highest[r], _mm256_set1_ps(top)))));
      s.lse[i0 + r] = top + std::log(all);
      total += s.lse[i0 + r] - s.positive[i0 + r];
    }
  }
  *s.loss = total / static_cast<float>(M);
}

/// dz += the gradient of the loss.
static void gradient(const program& s) {
  constexpr float it = 1 / temperature;
  pack_right_transposed(s.unit, D, D, M, s.panels);
  for (long j0 = 0; j0 < M; j0 += strip) pack_right(s.unit + j0 * D, D, least(M - j0, strip), D, s.direct + j0 * D);
  for (long i0 = 0; i0 < M; i0 += task) {
    const long count = least(M - i0, task);
    pack_left(s.unit + i0 * D, D, count, D, s.rows);
    for (long j0 = 0; j0 < M; j0 += strip) {
      const long columns = least(M - j0, strip);
      for (long j = 0; j < columns; j += W) store(s.by_column + j, exp_of(_mm256_sub_ps(_mm256_setzero_ps(), load(s.lse + j0 + j))));
      for (long t = 0; t < count; t += R) {
        const long tile_rows = least(count - t, R);
        dot_strip(s.rows + t * (D + 16), tile_rows, columns, s.panels + j0 * D, s.dots);
        for (long r = 0; r < tile_rows; ++r) {
          float* const line = s.dots + r * strip;
          const long i = i0 + t + r, self = i - j0, positive = (i + M / 2) % M - j0;
          const __m256 own = exp_of(_mm256_set1_ps(-s.lse[i]));
          for (long j = 0; j < columns; j += W) {
            const __m256 score = _mm256_mul_ps(load(line + j), _mm256_set1_ps(it));
            store(line + j, _mm256_mul_ps(exp_of(score), _mm256_add_ps(own, load(s.by_column + j))));
          }
          if (self >= 0 && self < columns) line[self] = 0.0f;
          if (positive >= 0 && positive < columns) line[positive] -= 2.0f;
        }
        for (long d = 0; d < D; d += C)
          any_tile(columns, s.dots, strip, 1, s.direct + j0 * D + d * columns, s.sums + t * D + d, D, tile_rows, C, j0 > 0, nullptr);
      }
    }
    for (long r = 0; r < count; ++r) {
      const long i = i0 + r;
      __m256 along = _mm256_setzero_ps();
      for (long d = 0; d < D; d += W) along = _mm256_fmadd_ps(load(s.unit + i * D + d), load(s.sums + r * D + d), along);
      const __m256 dot = _mm256_set1_ps(sum_of(along)), scale = _mm256_set1_ps(it / static_cast<float>(M) / s.norms[i]);
      for (long d = 0; d < D; d += W) {
        const __m256 across = _mm256_fnmadd_ps(load(s.unit + i * D + d), dot, load(s.sums + r * D + d));
        store(s.dz + i * D + d, _mm256_fmadd_ps(across, scale, load(s.dz + i * D + d)));
      }
    }
  }
}

void measured(void* p) {
  const program& s = *static_cast<program*>(p);
  loss(s);
  gradient(s);
}

int main() {
  program p;
  p.z = numbers::uniform(M * D, 1, 1.0f);
  p.dz = numbers::make<float>(M * D);
  p.loss = numbers::make<float>(1);
  p.unit = numbers::make<float>(M * D);
  p.norms = numbers::make<float>(M);
  p.lse = numbers::make<float>(up(M, W));
  p.positive = numbers::make<float>(M);
  p.panels = numbers::make<float>(up(M, C) * D);
  p.direct = numbers::make<float>(up(M, C) * D);
  p.rows = numbers::make<float>(task * (D + 16));
  p.dots = numbers::make<float>(R * strip);
  p.sums = numbers::make<float>(task * D);
  p.by_column = numbers::make<float>(strip);
  measured(&p);
  numbers::print("loss", p.loss, 1);
  numbers::print("dz", p.dz, M * D);
}
