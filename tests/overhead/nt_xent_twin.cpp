// SPDX-License-Identifier: BSD-3-Clause
// nt_xent_composed.cpp by hand: the upper triangle in blocks of 160 rows by 160, each score computed once. Cosines over 0.2
// lie in [-5, 5]: forward exp(s) is added to the sums of its row and its column, backward exp(s - lse_i) + exp(s - lse_j) is
// exp(s) (a_i + a_j) with a = exp(-lse), and a block of these weights serves its rows and, transposed, its columns' rows.
#include "numbers.hpp"
#include "twin_product.hpp"

using namespace twin;

constexpr long M = 600, D = 128, side = 160, strip = 192, line = strip + 16;  // strip, line: from row to row of dots, weights
constexpr float temperature = 0.2f;

struct program {
  float *z, *dz, *loss, *unit, *norms, *lse, *positive, *panels, *direct, *rows, *dots, *weights, *sums, *column_sums, *by_column,
      *d_unit;
};

/// Cody and Waite's reduction and the polynomial of Cephes; 2^n with the bias of the exponent in the low bits already.
static inline __m256 exp_of(__m256 x) {
  const __m256 magic = _mm256_set1_ps(12582912.0f + 127.0f);
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
  return _mm256_mul_ps(y, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t), 23)));
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

/// Dots of up to R rows from row i with columns [from, columns) of panels; a copy of rows that are no whole tile.
__attribute__((noinline)) static void dot_strip(const program& s, long i, long count, const float* panels, long from, long columns) {
  const bool whole = count == R;
  if (!whole) pack_left(s.unit + i * D, D, count, D, s.rows);
  for (long j = from; j < columns; j += C)
    any_tile(D, whole ? s.unit + i * D : s.rows, whole ? D : D + 16, 1, panels + j * D, s.dots + j, strip, count, C, false, nullptr);
}

/// Rows [i0, i0 + rows) against columns [j0, j0 + columns): the scores' exponentials, added up along both.
static void add_up(const program& s, long i0, long rows, long j0, long columns) {
  constexpr float it = 1 / temperature;
  for (long t = 0; t < rows; t += R) {
    const long tile_rows = least(rows - t, R), from = i0 == j0 ? t / C * C : 0;
    dot_strip(s, i0 + t, tile_rows, s.panels + j0 * D, from, columns);
    for (long r = 0; r < tile_rows; ++r) {
      float* const dots = s.dots + r * strip;
      const long i = i0 + t + r, positive = (i + M / 2) % M;
      if (positive >= j0 && positive < j0 + columns && positive > i) s.positive[i] = s.positive[positive] = dots[positive - j0] * it;
      for (long j = from; j < columns; j += W) store(dots + j, exp_of(_mm256_mul_ps(load(dots + j), _mm256_set1_ps(it))));
      for (long j = columns; j < up(columns, W); ++j) dots[j] = 0;
      if (i0 == j0)
        for (long j = from; j <= t + r; ++j) dots[j] = 0;
      __m256 total = load(s.sums + i * W);
      for (long j = from; j < columns; j += W) {
        const __m256 e = load(dots + j);
        total = _mm256_add_ps(total, e);
        store(s.column_sums + j0 + j, _mm256_add_ps(load(s.column_sums + j0 + j), e));
      }
      store(s.sums + i * W, total);
    }
  }
}

static void loss(const program& s) {
  normalise(s);
  pack_right_transposed(s.unit, D, D, M, s.panels);
  std::memset(s.sums, 0, M * W * sizeof(float));
  std::memset(s.column_sums, 0, M * sizeof(float));
  for (long i = 0; i < M; i += side)
    for (long j = i; j < M; j += side) add_up(s, i, least(M - i, side), j, least(M - j, side));
  float total = 0;
  for (long i = 0; i < M; ++i) {
    s.lse[i] = std::log(sum_of(load(s.sums + i * W)) + s.column_sums[i]);
    total += s.lse[i] - s.positive[i];
  }
  *s.loss = total / static_cast<float>(M);
}

/// A block's weights, once for its rows and once for its columns' rows.
static void pull(const program& s, long i0, long rows, long j0, long columns) {
  constexpr float it = 1 / temperature, scale = it / static_cast<float>(M);
  for (long j = 0; j < columns; j += W) store(s.by_column + j, exp_of(_mm256_sub_ps(_mm256_setzero_ps(), load(s.lse + j0 + j))));
  for (long t = 0; t < rows; t += R) {
    const long tile_rows = least(rows - t, R), from = i0 == j0 ? t / C * C : 0;
    dot_strip(s, i0 + t, tile_rows, s.panels + j0 * D, from, columns);
    for (long r = 0; r < tile_rows; ++r) {
      const float* const dots = s.dots + r * strip;
      float* const to = s.weights + (t + r) * line;
      const long i = i0 + t + r, positive = (i + M / 2) % M;
      const __m256 own = exp_of(_mm256_set1_ps(-s.lse[i]));
      for (long j = from; j < columns; j += W) {
        const __m256 e = exp_of(_mm256_mul_ps(load(dots + j), _mm256_set1_ps(it)));
        store(to + j, _mm256_mul_ps(_mm256_mul_ps(e, _mm256_add_ps(own, load(s.by_column + j))), _mm256_set1_ps(scale)));
      }
      if (i0 == j0)
        for (long j = from; j <= t + r; ++j) to[j] = 0;
      if (positive >= j0 && positive < j0 + columns && positive > i) to[positive - j0] -= 2 * scale;
    }
    for (long d = 0; d < D; d += C)
      any_tile(columns - from, s.weights + t * line + from, line, 1, s.direct + j0 * D + d * columns + from * C,
               s.d_unit + (i0 + t) * D + d, D, tile_rows, C, true, nullptr);
  }
  for (long u = 0; u < columns; u += R)
    for (long d = 0; d < D; d += C)
      any_tile(i0 == j0 ? least(u + R, rows) : rows, s.weights + u, 1, line, s.direct + i0 * D + d * rows,
               s.d_unit + (j0 + u) * D + d, D, least(columns - u, R), C, true, nullptr);
}

/// dz += the gradient of the loss.
static void gradient(const program& s) {
  pack_right_transposed(s.unit, D, D, M, s.panels);
  for (long j = 0; j < M; j += side) pack_right(s.unit + j * D, D, least(M - j, side), D, s.direct + j * D);
  std::memset(s.d_unit, 0, M * D * sizeof(float));
  for (long i = 0; i < M; i += side)
    for (long j = i; j < M; j += side) pull(s, i, least(M - i, side), j, least(M - j, side));
  for (long i = 0; i < M; ++i) {
    const float *unit = s.unit + i * D, *d_unit = s.d_unit + i * D;
    __m256 along = _mm256_setzero_ps();
    for (long d = 0; d < D; d += W) along = _mm256_fmadd_ps(load(unit + d), load(d_unit + d), along);
    const __m256 dot = _mm256_set1_ps(sum_of(along)), inverse = _mm256_set1_ps(1 / s.norms[i]);
    for (long d = 0; d < D; d += W) {
      const __m256 across = _mm256_fnmadd_ps(load(unit + d), dot, load(d_unit + d));
      store(s.dz + i * D + d, _mm256_fmadd_ps(across, inverse, load(s.dz + i * D + d)));
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
  p.rows = numbers::make<float>(R * (D + 16));
  p.dots = numbers::make<float>(R * strip);
  p.weights = numbers::make<float>(strip * line);
  p.sums = numbers::make<float>(M * W);
  p.column_sums = numbers::make<float>(up(M, W));
  p.by_column = numbers::make<float>(strip);
  p.d_unit = numbers::make<float>(M * D);
  measured(&p);
  numbers::print("loss", p.loss, 1);
  numbers::print("dz", p.dz, M * D);
}
