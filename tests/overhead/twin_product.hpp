// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <immintrin.h>

#include <cstring>

/// The packed, register-tiled product for AVX2 in floats, written out by hand: Goto blocking with 48 x 1024 x 1024 blocks at
/// most, the right operand packed once, tiles of 6 rows by 2 vectors. No header of the library.
namespace twin {

constexpr long R = 6, W = 8, C = 16;

inline long least(long a, long b) { return a < b ? a : b; }
inline long cut(long a, long b) { return (a + b - 1) / b; }
inline long up(long a, long b) { return cut(a, b) * b; }

inline __m256 load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, __m256 v) { _mm256_storeu_ps(p, v); }
/// The first n lanes.
inline __m256i first(long n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/// c (+)= a (R x steps) times the panel b (steps x V vectors). `rows` of them are stored, `columns` of each. Meanwhile it
/// asks for what comes next: a line a step.
template <int Rows, int V, bool Ahead = false>
inline void tile(long steps, const float* a, long row_stride, long step_stride, const float* b, const float* ahead,
                 long ahead_step, float* c, long ldc, long rows, long columns, bool add, const float* bias) {
  for (long r = 0; r < rows; ++r) {
    _mm_prefetch(reinterpret_cast<const char*>(c + r * ldc), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(c + r * ldc + C - 1), _MM_HINT_T0);
  }
  __m256 sum[Rows][V];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[r][v] = _mm256_setzero_ps();
  for (long p = 0; p < steps; ++p) {
    __m256 right[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) right[v] = load(b + v * W);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const __m256 value = _mm256_broadcast_ss(a + r * row_stride);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[r][v] = _mm256_fmadd_ps(value, right[v], sum[r][v]);
    }
    if (Ahead) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
      ahead += ahead_step;
    }
    a += step_stride;
    b += C;
  }
  if (bias) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      const long left = columns - v * W;
      const __m256 shift = left >= W ? load(bias + v * W) : _mm256_maskload_ps(bias + v * W, first(left > 0 ? left : 0));
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) sum[r][v] = _mm256_add_ps(sum[r][v], shift);
    }
  }
  if (rows == Rows && columns == V * W) {
    if (add) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) store(c + r * ldc + v * W, _mm256_add_ps(load(c + r * ldc + v * W), sum[r][v]));
    } else {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) store(c + r * ldc + v * W, sum[r][v]);
    }
    return;
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    if (r >= rows) break;
    float* to = c + r * ldc;
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      const long left = columns - v * W;
      __m256 x = sum[r][v];
      if (left >= W) {
        if (add) x = _mm256_add_ps(load(to + v * W), x);
        store(to + v * W, x);
      } else if (left > 0) {
        const __m256i some = first(left);
        if (add) x = _mm256_add_ps(_mm256_maskload_ps(to + v * W, some), x);
        _mm256_maskstore_ps(to + v * W, some, x);
      }
    }
  }
}

inline void any_tile(long steps, const float* a, long row_stride, long step_stride, const float* b, float* c, long ldc,
                     long rows, long columns, bool add, const float* bias, const float* ahead = nullptr, long ahead_step = 0) {
  if (rows == R && columns > W && ahead) {
    tile<6, 2, true>(steps, a, row_stride, step_stride, b, ahead, ahead_step, c, ldc, rows, columns, add, bias);
  } else if (columns > W) {
    if (rows > 3) tile<6, 2>(steps, a, row_stride, step_stride, b, ahead, ahead_step, c, ldc, rows, columns, add, bias);
    else if (rows > 2) tile<3, 2>(steps, a, row_stride, step_stride, b, ahead, ahead_step, c, ldc, rows, columns, add, bias);
    else tile<2, 2>(steps, a, row_stride, step_stride, b, ahead, ahead_step, c, ldc, rows, columns, add, bias);
  } else {
    if (rows > 3) tile<6, 1>(steps, a, row_stride, step_stride, b, ahead, ahead_step, c, ldc, rows, columns, add, bias);
    else if (rows > 2) tile<3, 1>(steps, a, row_stride, step_stride, b, ahead, ahead_step, c, ldc, rows, columns, add, bias);
    else tile<2, 1>(steps, a, row_stride, step_stride, b, ahead, ahead_step, c, ldc, rows, columns, add, bias);
  }
}

/// to[8 i] = column i of the 8 x 8 block.
inline void transpose_8x8(const float* from, long stride, float* to, long to_stride) {
  __m256 r[8], s[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) r[i] = load(from + i * stride);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(s[i], s[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(s[i], s[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    store(to + i * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    store(to + (i + 4) * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}

/// Rows of b in panels of C columns, zero beyond the end.
inline void pack_right(const float* b, long stride, long steps, long columns, float* to) {
  for (long s = 0; s < steps; ++s) {
    const float* row = b + s * stride;
    if (s + 4 < steps)
      for (long c = 0; c < columns; c += 16) _mm_prefetch(reinterpret_cast<const char*>(row + 4 * stride + c), _MM_HINT_T0);
    long j = 0;
    for (; j + C <= columns; j += C) {
      store(to + j * steps + s * C, load(row + j));
      store(to + j * steps + s * C + W, load(row + j + W));
    }
    if (j < columns)
      for (long v = 0; v < C; v += W) {
        const long left = columns - j - v;
        store(to + j * steps + s * C + v, _mm256_maskload_ps(row + j + v, first(left < 0 ? 0 : left)));
      }
  }
}

/// The same of a matrix stored transposed: column j of the panel is row j of b.
inline void pack_right_transposed(const float* b, long stride, long steps, long columns, float* to) {
  for (long j = 0; j < columns; j += C, to += C * steps)
    for (long c = 0; c < C; c += W) {
      const long valid = least(columns - j - c, W);
      long s = 0;
      if (valid == W)
        for (; s + W <= steps; s += W) transpose_8x8(b + (j + c) * stride + s, stride, to + s * C + c, C);
      for (; s < steps; ++s)
        for (long x = 0; x < W; ++x) to[s * C + c + x] = x < valid ? b[(j + c + x) * stride + s] : 0.0f;
    }
}

/// Rows of a, a line apart so that they fall into different cache sets; zero up to a multiple of R.
inline void pack_left(const float* a, long stride, long rows, long steps, float* to) {
  for (long r = 0; r < rows; ++r) std::memcpy(to + r * (steps + 16), a + r * stride, static_cast<std::size_t>(steps) * 4);
  for (long r = rows; r % R != 0; ++r) std::memset(to + r * (steps + 16), 0, static_cast<std::size_t>(steps) * 4);
}

/// Columns of a, tile by tile.
inline void pack_left_transposed(const float* a, long stride, long rows, long steps, float* to) {
  for (long s = 0; s < steps; ++s) {
    const float* line = a + s * stride;
    float* at = to + s * R;
    long r = 0;
    for (; r + R <= rows; r += R, at += steps * R) std::memcpy(at, line + r, R * sizeof(float));
    if (r < rows)
      for (long l = 0; l < R; ++l) at[l] = r + l < rows ? line[r + l] : 0.0f;
  }
}

/// c (m, n) = or += op(a) op(b) (+ bias). scratch: 48 * 1040 + k * up(n, C) + 1024 * 512 floats.
inline void product(long m, long n, long k, const float* a, long lda, bool trans_a, const float* b, long ldb,
                    bool trans_b, float* c, long ldc, bool accumulate, const float* bias, float* scratch) {
  const long step_blocks = cut(k, 1024), block_steps = cut(k, step_blocks);
  const long block_rows = up(cut(m, cut(m, 48)), R), padded = up(n, C);
  const bool shared = m > block_rows;
  const long block_columns = up(cut(n, cut(n, shared ? 1024 : 512)), C);
  float* const left = scratch;
  float* const right = scratch + 48 * 1040;
  const auto pack = [&](long p0, long steps, long j0, long columns, float* to) {
    if (trans_b) pack_right_transposed(b + j0 * ldb + p0, ldb, steps, columns, to);
    else pack_right(b + p0 * ldb + j0, ldb, steps, columns, to);
  };
  if (shared)
    for (long p0 = 0; p0 < k; p0 += block_steps)
      for (long j0 = 0; j0 < n; j0 += 8 * C)
        pack(p0, least(k - p0, block_steps), j0, least(n - j0, 8 * C), right + p0 * padded + j0 * least(k - p0, block_steps));
  for (long j0 = 0; j0 < n; j0 += block_columns) {
    const long columns = least(n - j0, block_columns);
    for (long i0 = 0; i0 < m; i0 += block_rows) {
      const long rows = least(m - i0, block_rows);
      for (long p0 = 0; p0 < k; p0 += block_steps) {
        const long steps = least(k - p0, block_steps);
        const float* const panels = shared ? right + p0 * padded + j0 * steps : right;
        if (!shared) pack(p0, steps, j0, columns, right);
        if (trans_a) pack_left_transposed(a + p0 * lda + i0, lda, rows, steps, left);
        else pack_left(a + i0 * lda + p0, lda, rows, steps, left);
        const long row_stride = trans_a ? 1 : steps + 16, step_stride = trans_a ? R : 1;
        const bool add = accumulate || p0 > 0;
        const float* const last_bias = p0 + steps == k ? bias : nullptr;
        const long tiles = rows / R;
        for (long j = 0; j < columns; j += C) {
          const float* const panel = panels + j * steps;
          const float* const next = j + C < columns ? panel + C * steps : panel;
          for (long i = 0; i < rows; i += R)
            any_tile(steps, left + (trans_a ? i * steps : i * (steps + 16)), row_stride, step_stride, panel,
                     c + (i0 + i) * ldc + j0 + j, ldc, least(rows - i, R), least(columns - j, C), add,
                     last_bias ? last_bias + j0 + j : nullptr, tiles > 0 ? next + i / R * (C * steps / tiles) : nullptr,
                     tiles > 0 ? C / tiles : 0);
        }
      }
    }
  }
}

/// A vector of a sum's lanes along a tree.
inline float sum_of(__m256 v) {
  __m128 h = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  h = _mm_add_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_add_ss(h, _mm_shuffle_ps(h, h, 1)));
}
inline float largest_of(__m256 v) {
  __m128 h = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  h = _mm_max_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_max_ss(h, _mm_shuffle_ps(h, h, 1)));
}

}  // namespace twin
