// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of precision::block16, compiled where a recipe names it
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "gemm.hpp"

/// Products of integers that share a scale along the sum (block floating point): the up to 512 terms of a row of the left
/// operand become integers q_i = round(x_i / s) of at most 16 bits with s = max|x_i| / limit, those of a column of the right
/// one likewise, and
///   sum x_i y_i = s t sum q_i r_i
/// where the sum of integers is exact in 32 bits: `limit` is the largest whose square, taken so often, fits. Instructions
/// multiply two pairs of such integers in the place of one float, so twice as fast where they begin as often (vpdpwssd of
/// AVX512_VNNI), and everything from SSE2 on has one (pmaddwd).
/// source  Drumond et al. 2018, arXiv:1804.01526 (training with block floating point: products in it, all else in float)
namespace pretext::simd {

/// Terms 2 p (lower half) and 2 p + 1 of a row or column; in the step after a block's last one, the bits of the scale.
struct int16_pair {
  std::uint32_t bits;
};
template <>
struct packed_element<int16_pair> : packed_element<float> {
  static constexpr index_t tail = 1;
  static constexpr index_t most_steps = 256;
};

/// Whether Arch has an instruction for such pairs.
template <class Arch>
inline constexpr bool has_int16_dot = XSIMD_WITH_SSE2 && (Arch::vector_bytes < 64 || ((Arch::features >> 18) & 1));

/// The kernel's steps on pairs, for an Arch that has_int16_dot. Pairs and sums travel as the bits of floats.
template <class Arch>
struct vector_ops<int16_pair, Arch> {
  using O = vector_ops<float, Arch>;
  using vector = typename O::vector;
  using integers = typename O::integers;
  static constexpr index_t width = O::width;

  static vector load(const int16_pair* p) { return O::load(reinterpret_cast<const float*>(p)); }
  static void store(int16_pair* p, const integers& v) { O::store(reinterpret_cast<float*>(p), O::from_bits(v)); }
  static void store_some(int16_pair* p, const integers& v, index_t n) {
    O::store_some(reinterpret_cast<float*>(p), O::from_bits(v), n);
  }
  static vector set(int16_pair x) { return O::set(std::bit_cast<float>(x.bits)); }
  static vector zero() { return O::zero(); }
  static void end_stream() { O::end_stream(); }

  /// c + the two products of each lane.
  static vector fma(const vector& a, const vector& b, const vector& c) {
#ifdef __AVX512BW__
    if constexpr (Arch::vector_bytes == 64) {
#ifdef __AVX512VNNI__
      return sums(_mm512_castsi512_ps(_mm512_dpwssd_epi32(_mm512_castps_si512(c), _mm512_castps_si512(a), _mm512_castps_si512(b))));
#else
      return sums(_mm512_castsi512_ps(
          _mm512_add_epi32(_mm512_castps_si512(c), _mm512_madd_epi16(_mm512_castps_si512(a), _mm512_castps_si512(b)))));
#endif
    } else
#endif
#ifdef __AVX2__
        if constexpr (Arch::vector_bytes == 32) {
#ifdef __AVXVNNI__
      return sums(_mm256_castsi256_ps(
          _mm256_dpwssd_avx_epi32(_mm256_castps_si256(c), _mm256_castps_si256(a), _mm256_castps_si256(b))));
#else
      return sums(_mm256_castsi256_ps(
          _mm256_add_epi32(_mm256_castps_si256(c), _mm256_madd_epi16(_mm256_castps_si256(a), _mm256_castps_si256(b)))));
#endif
    } else
#endif
#if XSIMD_WITH_SSE2
      return sums(_mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(c), _mm_madd_epi16(_mm_castps_si128(a), _mm_castps_si128(b)))));
#endif
  }
  /// The scales behind a block: of columns, of a row.
  static vector scales(const int16_pair* p) { return load(p); }
  static vector scale(int16_pair x) { return set(x); }
  /// The sum that integers stand for.
  static vector finish(const vector& sum, const vector& row, const vector& columns) { return to_floats(sum) * row * columns; }

  /// Pair i: the lower halves of lane i of `even` and `odd`.
  static integers join(const integers& even, const integers& odd) {
    return (even & integers(0xFFFF)) | O::template shift_left<16>(odd);
  }
  /// Pair i: the lower halves of elements 2 i and 2 i + 1 of (first, second).
  static integers join_neighbours(const integers& first, const integers& second) {
#ifdef __AVX512BW__
    if constexpr (Arch::vector_bytes == 64) {
      alignas(64) static constexpr std::uint16_t order[]{0,  2,  4,  6,  8,  10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
                                                         32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62};
      return _mm512_permutex2var_epi16(first, _mm512_load_si512(order), second);
    } else
#endif
#ifdef __AVX2__
        if constexpr (Arch::vector_bytes == 32) {
      const auto extended = [](const integers& v) { return _mm256_srai_epi32(_mm256_slli_epi32(v, 16), 16); };
      return _mm256_permute4x64_epi64(_mm256_packs_epi32(extended(first), extended(second)), 0xD8);
    } else
#endif
#if XSIMD_WITH_SSE2
    {
      const auto extended = [](const integers& v) { return _mm_srai_epi32(_mm_slli_epi32(v, 16), 16); };
      return _mm_packs_epi32(extended(first), extended(second));
    }
#endif
  }

 private:
  /// Says nothing but that these are floats now: g++ 12 would otherwise see integers in an array of floats and keep the
  /// accumulators of a tile in memory, which halves the speed.
  template <class V>
  static V sums(V v) {
#if defined(__GNUC__) && defined(__AVX512F__)
    asm("" : "+v"(v));
#elif defined(__GNUC__)
    asm("" : "+x"(v));
#endif
    return v;
  }
  static vector to_floats(const vector& v) {
#if XSIMD_WITH_AVX512F
    if constexpr (Arch::vector_bytes == 64) return _mm512_maskz_cvtepi32_ps(__mmask16(-1), _mm512_castps_si512(v));
    else
#endif
#if XSIMD_WITH_AVX2
        if constexpr (Arch::vector_bytes == 32) return _mm256_cvtepi32_ps(_mm256_castps_si256(v));
    else
#endif
#if XSIMD_WITH_SSE2
      return _mm_cvtepi32_ps(_mm_castps_si128(v));
#endif
  }
};

namespace detail {

/// The largest integer whose square fits into 31 bits `terms` times.
inline float block16_limit(index_t terms) {
  const double most = 2147483647.0;
  double q = std::floor(std::sqrt(most / static_cast<double>(terms < 2 ? 2 : terms)));
  if (q > 32767) q = 32767;
  return static_cast<float>(q);
}

/// The scale of a block whose largest absolute value is `most`, and its inverse; T is a number or a vector. A block that holds
/// something not finite has a scale that is NaN, so its sums are; one of nothing but values below 2^-100 counts as zero.
template <class T>
struct block16_scale {
  T scale, inverse;
};
template <class Arch>
block16_scale<float> block16_scale_of(float most, float limit) {
  const bool usable = most >= 0x1p-100f;  // false for NaN
  const float infinite = most - most;     // NaN where it is not finite
  return {(usable ? most * (1.0f / limit) : 0.0f) + infinite, usable ? limit / most : 0.0f};
}
template <class Arch>
auto block16_scale_of(const vec<float, Arch>& most, float limit) {
  using O = vector_ops<float, Arch>;
  const auto usable = most >= O::set(0x1p-100f);
  const auto infinite = most - most;
  return block16_scale<vec<float, Arch>>{O::select(usable, most * O::set(1.0f / limit), O::zero()) + infinite,
                                         O::select(usable, O::set(limit) / most, O::zero())};
}
/// Integers in the lower halves: what is added makes the last digit of a float a 1.
template <class Arch>
auto block16_round(const vec<float, Arch>& x, const vec<float, Arch>& inverse) {
  using O = vector_ops<float, Arch>;
  return O::bits(O::fma(x, inverse, O::set(12582912.0f)));
}

template <class Arch>
auto larger_magnitude(const typename vector_ops<float, Arch>::integers& a, const typename vector_ops<float, Arch>::vector& x) {
  using O = vector_ops<float, Arch>;
  // As bits, in which NaN is larger than infinity.
#if XSIMD_WITH_AVX512F
  if constexpr (Arch::vector_bytes == 64) return typename O::integers(_mm512_maskz_max_epi32(__mmask16(-1), a, O::bits(O::abs(x))));
  else
#endif
    return xsimd::max(a, O::bits(O::abs(x)));
}

template <class Arch>
std::int32_t largest_lane(const typename vector_ops<float, Arch>::integers& v) {
#if XSIMD_WITH_AVX512F
  if constexpr (Arch::vector_bytes == 64) {
    const auto larger = [](__m512i a, __m512i b) { return _mm512_maskz_max_epi32(__mmask16(-1), a, b); };
    __m512i m = v;
    m = larger(m, _mm512_maskz_shuffle_i64x2(__mmask8(-1), m, m, 0x4E));
    m = larger(m, _mm512_maskz_shuffle_i64x2(__mmask8(-1), m, m, 0xB1));
    m = larger(m, _mm512_maskz_shuffle_epi32(__mmask16(-1), m, _MM_PERM_BADC));
    m = larger(m, _mm512_maskz_shuffle_epi32(__mmask16(-1), m, _MM_PERM_CDAB));
    return _mm_cvtsi128_si32(_mm512_maskz_extracti32x4_epi32(__mmask8(-1), m, 0));
  } else
#endif
  {
    constexpr index_t W = vector_ops<float, Arch>::width;
    alignas(64) std::int32_t each[W];
    v.store_aligned(each);
    std::int32_t largest = each[0];
    for (index_t l = 1; l < W; ++l) largest = largest > each[l] ? largest : each[l];
    return largest;
  }
}

/// n terms of a row that follow each other, as pairs and their scale behind them, ceil(n / 2) + 1 elements; `to` may be `from`.
template <class Arch>
void block16_row(const float* from, index_t n, float limit, int16_pair* to) {
  using O = vector_ops<float, Arch>;
  using P = vector_ops<int16_pair, Arch>;
  constexpr index_t W = O::width;
  auto largest = typename O::integers(0);
  index_t i = 0;
  for (; i + W <= n; i += W) largest = larger_magnitude<Arch>(largest, O::load(from + i));
  if (i < n) largest = larger_magnitude<Arch>(largest, O::load_some(from + i, n - i));
  const auto [scale, inverse] = block16_scale_of<Arch>(std::bit_cast<float>(largest_lane<Arch>(largest)), limit);
  const auto factor = O::set(inverse);
  const auto round = [&](const typename O::vector& x) { return block16_round<Arch>(x, factor); };
  for (i = 0; i + 2 * W <= n; i += 2 * W)
    P::store(to + i / 2, P::join_neighbours(round(O::load(from + i)), round(O::load(from + i + W))));
  if (i < n) {
    const index_t left = n - i, second = left > W ? left - W : 0;
    const auto a = O::load_some(from + i, left < W ? left : W), b = O::load_some(from + i + (second > 0 ? W : 0), second);
    P::store_some(to + i / 2, P::join_neighbours(round(a), round(b)), ceil_div(left, 2));
  }
  to[ceil_div(n, 2)] = {std::bit_cast<std::uint32_t>(scale)};
}

/// `columns` columns of n terms each, line by line, as lines of pairs and a line of scales behind them; `to` may be `from`.
/// Whole vectors are read.
template <class Arch>
void block16_columns(const float* from, index_t stride, index_t n, index_t columns, float limit, int16_pair* to, index_t to_stride) {
  using O = vector_ops<float, Arch>;
  using P = vector_ops<int16_pair, Arch>;
  constexpr index_t W = O::width;
  for (index_t c = 0; c < columns; c += W) {
    const index_t some = columns - c < W ? columns - c : W;
    auto largest = typename O::integers(0);
    for (index_t s = 0; s < n; ++s) largest = larger_magnitude<Arch>(largest, O::load(from + s * stride + c));
    const auto scale = block16_scale_of<Arch>(O::from_bits(largest), limit);
    const auto round = [&](const float* line) { return block16_round<Arch>(O::load(line), scale.inverse); };
    const auto put = [&](index_t s, const typename P::integers& v) {
      if (some == W) P::store(to + s * to_stride + c, v);
      else P::store_some(to + s * to_stride + c, v, some);
    };
    index_t s = 0;
    for (; s + 2 <= n; s += 2) {
      const float* line = from + s * stride + c;
      put(s / 2, P::join(round(line), round(line + stride)));
    }
    if (s < n) put(s / 2, P::join(round(from + s * stride + c), typename P::integers(0)));
    put(ceil_div(n, 2), O::bits(scale.scale));
  }
}

}  // namespace detail

/// A left operand of floats as pairs of its `terms` columns. Steps are pairs.
template <class Arch, class Left>
struct block16_left {
  const Left& left;
  index_t terms;

  strided<int16_pair> block(index_t i, index_t rows, index_t p, index_t steps, int16_pair* buffer) const {
    constexpr index_t R = tile_shape<float, Arch>::rows, most = 2 * packed_element<int16_pair>::most_steps;
    const index_t first = 2 * p, count = terms - first < 2 * steps ? terms - first : 2 * steps;
    const float limit = detail::block16_limit(2 * steps);
    if (!left.by_steps()) {
      // A tile of floats at a time, in the first-level cache.
      alignas(64) float floats[R * (most + 16)];
      const index_t stride = steps + 16;
      for (index_t r0 = 0; r0 < rows; r0 += R) {
        const index_t some = rows - r0 < R ? rows - r0 : R;
        const strided<float> given = left.block(i + r0, some, first, count, floats);
        for (index_t r = 0; r < some; ++r)
          detail::block16_row<Arch>(given.data + r * given.row_stride, count, limit, buffer + (r0 + r) * stride);
      }
      return {buffer, stride, 1, R * stride};
    }
    constexpr index_t at_once = 4 * R;
    alignas(64) float floats[at_once * (most + 16)];
    for (index_t r0 = 0; r0 < rows; r0 += at_once) {
      const index_t some = rows - r0 < at_once ? rows - r0 : at_once;
      left.block(i + r0, some, first, count, floats);
      for (index_t t = 0; t < some; t += R)
        detail::block16_columns<Arch>(floats + t * count, R, count, R, limit, buffer + (r0 + t) * (steps + 1), R);
    }
    return {buffer, 1, R, (steps + 1) * R};
  }
};

/// A right operand of floats as pairs of its `terms` rows.
template <class Arch, class Right>
struct block16_right {
  const Right& right;
  index_t terms;

  void panels(index_t p, index_t steps, index_t j, index_t columns, int16_pair* to) const {
    constexpr index_t C = tile_shape<float, Arch>::columns, most = 2 * packed_element<int16_pair>::most_steps;
    alignas(64) float floats[most * C];
    const index_t first = 2 * p, count = terms - first < 2 * steps ? terms - first : 2 * steps;
    const float limit = detail::block16_limit(2 * steps);
    for (index_t c = 0; c < columns; c += C) {
      right.panels(first, count, j + c, columns - c < C ? columns - c : C, floats);
      detail::block16_columns<Arch>(floats, C, count, C, limit, to + c * (steps + 1), C);
    }
  }
};

/// Products of integers that share a scale; for double and where no instruction is for them, the operands as they are.
struct block16_terms {
  static constexpr bool copies = true;
  template <class T, class Arch>
  static constexpr bool serves = std::is_same_v<T, float> && has_int16_dot<Arch>;

  template <class T, class Arch>
  static constexpr bool prefers_winograd() {
    return true;
  }
  using winograd = block16_terms;
  static constexpr bool in_fours = false;  // the transforms would enlarge the error of rounding, too
  template <class T, class Arch>
  using element = std::conditional_t<serves<T, Arch>, int16_pair, T>;
  template <class T, class Arch>
  static constexpr bool packs = serves<T, Arch>;
  template <class T, class Arch>
  static constexpr index_t steps(index_t n) {
    return packs<T, Arch> ? ceil_div(n, 2) : n;
  }
  template <class Arch>
  static void pack_row(const float* from, index_t n, float* to) {
    detail::block16_row<Arch>(from, n, detail::block16_limit(n + n % 2), reinterpret_cast<int16_pair*>(to));
  }
  template <class Arch>
  static void pack_columns(float* from, index_t stride, index_t n, index_t columns) {
    detail::block16_columns<Arch>(from, stride, n, columns, detail::block16_limit(n + n % 2), reinterpret_cast<int16_pair*>(from), stride);
  }
  template <class T, class Arch>
  static constexpr index_t most_terms() {
    if constexpr (serves<T, Arch>) return 2 * packed_element<int16_pair>::most_steps;
    else return exact_terms::most_terms<T, Arch>();
  }
  template <class T, class Arch>
  static gemm_cut cut(index_t m, index_t n, index_t k) {
    if constexpr (serves<T, Arch>) return gemm_cut(gemm_plan<int16_pair, Arch>(m, n, ceil_div(k, 2)));
    else return exact_terms::cut<T, Arch>(m, n, k);
  }
  template <class T, class Arch>
  static index_t scratch(int threads, index_t m, index_t n, index_t k) {
    if constexpr (serves<T, Arch>) return gemm_scratch<int16_pair, Arch>(threads, m, n, ceil_div(k, 2));
    else return exact_terms::scratch<T, Arch>(threads, m, n, k);
  }
  template <class T, class Arch, class Left, class Right, class Epilogue>
  static void multiply(thread_pool& pool, index_t m, index_t n, index_t k, const Left& left, const Right& right,
                       const Epilogue& epilogue, T* scratch, index_t splits = 1) {
    if constexpr (serves<T, Arch>)
      if (k > 0)
        return simd::multiply<int16_pair, Arch>(pool, m, n, ceil_div(k, 2), block16_left<Arch, Left>{left, k},
                                                block16_right<Arch, Right>{right, k}, epilogue,
                                                reinterpret_cast<int16_pair*>(scratch), splits);
    exact_terms::multiply<T, Arch>(pool, m, n, k, left, right, epilogue, scratch, splits);
  }
};

}  // namespace pretext::simd
