// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../../config.hpp"
#include "../../core/bfloat16.hpp"
#include "arch.hpp"

namespace pretext::simd {

/// Asks for the line at p, which may lie outside of everything: nothing is read.
inline void prefetch(const void* p) {
#ifdef __GNUC__
  __builtin_prefetch(p);
#endif
}

/// The few vector operations kernels are written in, on xsimd batches.
/// Where 512-bit code is spelled out: xsimd 8.1 has no fused multiply-add there, and g++ 12 warns about its own
/// unmasked intrinsics (GCC bug 105593); the zero-masked twin with a full mask is the same instruction without it.
template <class T, class Arch>
struct vector_ops {
  using vector = vec<T, Arch>;
  using integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  using integers = vec<integer, Arch>;
  static constexpr index_t width = lanes<T, Arch>;
  static constexpr bool is_512 = Arch::vector_bytes == 64;
  static constexpr bool is_x86 = XSIMD_WITH_SSE2;

  static vector load(const T* p) { return vector::load_unaligned(p); }
  static void store(T* p, const vector& v) { v.store_unaligned(p); }
  /// The same from and to maps stored as bfloat16, widened and rounded to nearest (ties to even, NaN stays NaN); where the
  /// processor has an instruction for it, that takes values below 2^-126 for zero. So are load_some, store_some and stream.
  static vector load(const bfloat16* p)
    requires(sizeof(T) == 4)
  {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512) return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    else
#endif
#if XSIMD_WITH_AVX2
    if constexpr (Arch::vector_bytes == 32)
      return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
    else
#endif
#if XSIMD_WITH_SSE2
    if constexpr (Arch::vector_bytes == 16)
      return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
    else
#endif
    {
      alignas(64) T buffer[width];
      for (index_t i = 0; i < width; ++i) buffer[i] = p[i];
      return load(buffer);
    }
  }
  static void store(bfloat16* p, const vector& v)
    requires(sizeof(T) == 4)
  {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512) _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(v));
    else
#endif
#if XSIMD_WITH_AVX2
    if constexpr (Arch::vector_bytes == 32) _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(v));
    else
#endif
#if XSIMD_WITH_SSE2
    if constexpr (Arch::vector_bytes == 16) _mm_storel_epi64(reinterpret_cast<__m128i*>(p), narrow(v));
    else
#endif
    {
      alignas(64) T buffer[width];
      store(buffer, v);
      for (index_t i = 0; i < width; ++i) p[i] = bfloat16(buffer[i]);
    }
  }
  /// Past the caches, for what is larger than they are: the line is not read before it is written. p is a multiple of a
  /// vector; end_stream() before another thread may look.
  static void stream(T* p, const vector& v) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_stream_ps(p, v);
    else if constexpr (is_512) return _mm512_stream_pd(p, v);
#endif
#if XSIMD_WITH_AVX
    if constexpr (Arch::vector_bytes == 32 && sizeof(T) == 4) return _mm256_stream_ps(p, v);
    else if constexpr (Arch::vector_bytes == 32) return _mm256_stream_pd(p, v);
#endif
#if XSIMD_WITH_SSE2
    if constexpr (Arch::vector_bytes == 16 && sizeof(T) == 4) return _mm_stream_ps(p, v);
    else if constexpr (Arch::vector_bytes == 16) return _mm_stream_pd(p, v);
#endif
    store(p, v);
  }
  static void stream(bfloat16* p, const vector& v)
    requires(sizeof(T) == 4)
  {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512) return _mm256_stream_si256(reinterpret_cast<__m256i*>(p), narrow(v));
#endif
#if XSIMD_WITH_AVX2
    if constexpr (Arch::vector_bytes == 32) return _mm_stream_si128(reinterpret_cast<__m128i*>(p), narrow(v));
#endif
    store(p, v);
  }
  static void end_stream() {
#if XSIMD_WITH_SSE2
    _mm_sfence();
#endif
  }
  /// Whether `elements` at `p`, in rows of `row`, are worth streaming: more than any cache keeps until they are read again.
  template <class S>
  static bool streams(const S* p, index_t elements, index_t row = width) {
    constexpr index_t least = (index_t{16} << 20) / static_cast<index_t>(sizeof(S));
    return elements >= least && row % width == 0 && reinterpret_cast<std::uintptr_t>(p) % (width * sizeof(S)) == 0;
  }

  static vector set(T x) { return vector(x); }
  static vector zero() { return vector(T(0)); }

  /// As many elements of T or of float as a vector has lanes, in T.
  static vector load_widened(const T* p) { return load(p); }
  static vector load_widened(const float* p)
    requires(sizeof(T) == 8)
  {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512) return _mm512_maskz_cvtps_pd(__mmask8(-1), _mm256_loadu_ps(p));
    else
#endif
#if XSIMD_WITH_AVX
    if constexpr (Arch::vector_bytes == 32) return _mm256_cvtps_pd(_mm_loadu_ps(p));
    else
#endif
    {
      alignas(64) T buffer[width];
      for (index_t i = 0; i < width; ++i) buffer[i] = static_cast<T>(p[i]);
      return load(buffer);
    }
  }

  /// The first n elements, the other lanes `rest`; n in [0, width].
  static vector load_some(const T* p, index_t n, T rest = T(0)) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_mask_loadu_ps(set(rest), __mmask16((1u << n) - 1u), p);
    else if constexpr (is_512) return _mm512_mask_loadu_pd(set(rest), __mmask8((1u << n) - 1u), p);
#endif
    return n == width ? load(p) : load_part(p, n, rest);
  }
  static vector load_some(const bfloat16* p, index_t n, T rest = T(0))
    requires(sizeof(T) == 4)
  {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    if constexpr (is_512) {
      const __mmask16 lanes = static_cast<__mmask16>((1u << n) - 1u);
      return _mm512_mask_mov_ps(set(rest), lanes, widen(_mm256_maskz_loadu_epi16(lanes, p)));
    }
#endif
    return n == width ? load(p) : load_part(p, n, rest);
  }
  static void store_some(bfloat16* p, const vector& v, index_t n)
    requires(sizeof(T) == 4)
  {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    if constexpr (is_512) return _mm256_mask_storeu_epi16(p, static_cast<__mmask16>((1u << n) - 1u), narrow(v));
#endif
    n == width ? store(p, v) : store_part(p, v, n);
  }
  static void store_some(T* p, const vector& v, index_t n) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1u), v);
    else if constexpr (is_512) return _mm512_mask_storeu_pd(p, __mmask8((1u << n) - 1u), v);
#endif
    n == width ? store(p, v) : store_part(p, v, n);
  }

  /// a * b + c, one rounding where the instruction set has it.
  static vector fma(const vector& a, const vector& b, const vector& c) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_fmadd_ps(a, b, c);
    else if constexpr (is_512) return _mm512_fmadd_pd(a, b, c);
    else
#endif
      return xsimd::fma(a, b, c);
  }
  /// c - a * b.
  static vector fnma(const vector& a, const vector& b, const vector& c) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_fnmadd_ps(a, b, c);
    else if constexpr (is_512) return _mm512_fnmadd_pd(a, b, c);
    else
#endif
      return xsimd::fnma(a, b, c);
  }
  /// a > b ? a : b, so a NaN in b comes through and one in a does not.
  static vector max(const vector& a, const vector& b) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_maskz_max_ps(__mmask16(-1), a, b);
    else if constexpr (is_512) return _mm512_maskz_max_pd(__mmask8(-1), a, b);
    else
#endif
        if constexpr (is_x86) return xsimd::max(a, b);  // one instruction with this very rule for NaN
    else return xsimd::select(a > b, a, b);
  }
  static vector min(const vector& a, const vector& b) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_maskz_min_ps(__mmask16(-1), a, b);
    else if constexpr (is_512) return _mm512_maskz_min_pd(__mmask8(-1), a, b);
    else
#endif
        if constexpr (is_x86) return xsimd::min(a, b);  // one instruction with this very rule for NaN
    else return xsimd::select(a < b, a, b);
  }
  /// Rounded once also where xsimd's own division refines an estimate (NEON).
  static vector divide(const vector& a, const vector& b) {
#if XSIMD_WITH_NEON64
    if constexpr (sizeof(T) == 4) return vdivq_f32(a, b);
    else
#endif
      return a / b;
  }
  static vector sqrt(const vector& a) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_maskz_sqrt_ps(__mmask16(-1), a);
    else if constexpr (is_512) return _mm512_maskz_sqrt_pd(__mmask8(-1), a);
    else
#elif XSIMD_WITH_NEON64
    if constexpr (sizeof(T) == 4) return vsqrtq_f32(a);  // xsimd's refines an estimate: 3 units in the last place
    else
#endif
      return xsimd::sqrt(a);
  }
  template <class Mask>
  static vector select(const Mask& m, const vector& yes, const vector& no) {
    return xsimd::select(m, yes, no);
  }
  static vector abs(const vector& a) { return from_bits(bits(a) & integers(~sign_bit())); }
  /// |a| with the sign of s.
  static vector copy_sign(const vector& a, const vector& s) {
    return from_bits((bits(a) & integers(~sign_bit())) | (bits(s) & integers(sign_bit())));
  }

  static integers bits(const vector& a) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_castps_si512(a);
    else if constexpr (is_512) return _mm512_castpd_si512(a);
    else
#endif
      return xsimd::bitwise_cast<integers>(a);
  }
  static vector from_bits(const integers& a) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_castsi512_ps(a);
    else if constexpr (is_512) return _mm512_castsi512_pd(a);
    else
#endif
      return xsimd::bitwise_cast<vector>(a);
  }
  template <int N>
  static integers shift_left(const integers& a) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_maskz_slli_epi32(__mmask16(-1), a, N);
    else if constexpr (is_512) return _mm512_maskz_slli_epi64(__mmask8(-1), a, N);
    else
#endif
      return a << N;
  }
  template <int N>
  static integers shift_right_logical(const integers& a) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return _mm512_maskz_srli_epi32(__mmask16(-1), a, N);
    else if constexpr (is_512) return _mm512_maskz_srli_epi64(__mmask8(-1), a, N);
    else
#endif
    {
      using unsigned_integers = vec<std::make_unsigned_t<integer>, Arch>;
      return xsimd::bitwise_cast<integers>(xsimd::bitwise_cast<unsigned_integers>(a) >> N);
    }
  }

  /// The nearest bfloat16, as a float; ties to even, NaN stays NaN.
  static vector round_to_bfloat16(const vector& v)
    requires(sizeof(T) == 4)
  {
    const integers raw = bits(v), odd = shift_right_logical<16>(raw) & integers(1), upper(static_cast<std::int32_t>(0xFFFF0000u));
    return select(v == v, from_bits((raw + integers(0x7FFF) + odd) & upper), from_bits((raw | integers(0x400000)) & upper));
  }

  /// Sum of the lanes along a fixed tree.
  static T sum(const vector& v) {
    alignas(64) T a[width];
    store(a, v);
    for (index_t half = width / 2; half > 0; half /= 2)
      for (index_t i = 0; i < half; ++i) a[i] += a[i + half];
    return a[0];
  }
  static T largest(const vector& v) {
    alignas(64) T a[width];
    store(a, v);
    for (index_t half = width / 2; half > 0; half /= 2)
      for (index_t i = 0; i < half; ++i) a[i] = a[i] > a[i + half] ? a[i] : a[i + half];
    return a[0];
  }

  /// to[r * to_stride + c] = from[c * from_stride + r] for a width x width block.
  static void transpose(const bfloat16* from, index_t from_stride, T* to, index_t to_stride)
    requires(sizeof(T) == 4)
  {
    alignas(64) T rows[width * width];
    for (index_t i = 0; i < width; ++i) store(rows + i * width, load(from + i * from_stride));
    transpose(rows, width, to, to_stride);
  }
  static void transpose(const T* from, index_t from_stride, T* to, index_t to_stride) {
#if XSIMD_WITH_AVX
    if constexpr (Arch::vector_bytes == 32 && sizeof(T) == 4) return transpose_8x8(from, from_stride, to, to_stride);
#endif
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) return transpose_16x16(from, from_stride, to, to_stride);
#endif
    vector even[width], odd[width];
    for (index_t i = 0; i < width; ++i) even[i] = load(from + i * from_stride);
    // log2(width) perfect shuffles of the rows transpose the block.
    vector* source = even;
    vector* target = odd;
    for (index_t round = 1; round < width; round *= 2) {
      for (index_t i = 0; i < width / 2; ++i)
        interleave(source[i], source[i + width / 2], target[2 * i], target[2 * i + 1]);
      vector* swapped = source;
      source = target;
      target = swapped;
    }
    for (index_t i = 0; i < width; ++i) store(to + i * to_stride, source[i]);
  }

 private:
  // Apart: nearly every kernel has an end of a row, and most have several.
  template <class S>
  PRETEXT_APART static vector load_part(const S* p, index_t n, T rest) {
    alignas(64) S buffer[width];
    for (index_t i = 0; i < width; ++i) buffer[i] = S(rest);
    std::memcpy(buffer, p, static_cast<std::size_t>(n) * sizeof(S));
    return load(buffer);
  }
  template <class S>
  PRETEXT_APART static void store_part(S* p, vector v, index_t n) {
    alignas(64) S buffer[width];
    store(buffer, v);
    std::memcpy(p, buffer, static_cast<std::size_t>(n) * sizeof(S));
  }
#if XSIMD_WITH_AVX512F
  static vector widen(__m256i v) {
    return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(__mmask16(-1), _mm512_maskz_cvtepu16_epi32(__mmask16(-1), v), 16));
  }
#endif
  /// A vector as bfloat16, in half of one; the lower half where vectors have 16 bytes.
  static auto narrow(const vector& v) {
#ifdef __AVX512BF16__
    if constexpr (is_512) return __builtin_bit_cast(__m256i, _mm512_maskz_cvtneps_pbh(__mmask16(-1), v));
    else
#endif
#if XSIMD_WITH_AVX512F
    if constexpr (is_512) return _mm512_maskz_cvtepi32_epi16(__mmask16(-1), shift_right_logical<16>(bits(round_to_bfloat16(v))));
    else
#endif
#if XSIMD_WITH_AVX2
    if constexpr (Arch::vector_bytes == 32) {
      const __m256i sixteen = _mm256_srai_epi32(bits(round_to_bfloat16(v)), 16);  // signed: what is packed then fits
      return _mm_packs_epi32(_mm256_castsi256_si128(sixteen), _mm256_extracti128_si256(sixteen, 1));
    } else
#endif
#if XSIMD_WITH_SSE2
    {
      const __m128i sixteen = _mm_srai_epi32(bits(round_to_bfloat16(v)), 16);
      return _mm_packs_epi32(sixteen, sixteen);
    }
#else
      return v;
#endif
  }
#if XSIMD_WITH_AVX
  /// Half the instructions of the perfect shuffles.
  static void transpose_8x8(const float* from, index_t from_stride, float* to, index_t to_stride) {
    const auto row = [&](index_t i) { return _mm256_loadu_ps(from + i * from_stride); };
    const auto low = [](__m256 a, __m256 b) { return _mm256_unpacklo_ps(a, b); };
    const auto high = [](__m256 a, __m256 b) { return _mm256_unpackhi_ps(a, b); };
    // Columns c, c + 1, c + 4 and c + 5, from the rows' pairs: element c of rows 0 and 1, 2 and 3, and so on.
    const auto put = [&](index_t c, __m256 r01, __m256 r23, __m256 r45, __m256 r67) {
      const __m256 a = _mm256_shuffle_ps(r01, r23, 0x44), b = _mm256_shuffle_ps(r45, r67, 0x44);
      const __m256 d = _mm256_shuffle_ps(r01, r23, 0xee), e = _mm256_shuffle_ps(r45, r67, 0xee);
      _mm256_storeu_ps(to + c * to_stride, _mm256_permute2f128_ps(a, b, 0x20));
      _mm256_storeu_ps(to + (c + 1) * to_stride, _mm256_permute2f128_ps(d, e, 0x20));
      _mm256_storeu_ps(to + (c + 4) * to_stride, _mm256_permute2f128_ps(a, b, 0x31));
      _mm256_storeu_ps(to + (c + 5) * to_stride, _mm256_permute2f128_ps(d, e, 0x31));
    };
    const __m256 r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3), r4 = row(4), r5 = row(5), r6 = row(6), r7 = row(7);
    put(0, low(r0, r1), low(r2, r3), low(r4, r5), low(r6, r7));
    put(2, high(r0, r1), high(r2, r3), high(r4, r5), high(r6, r7));
  }
#endif
#if XSIMD_WITH_AVX512F
  /// Four columns at a time: rows q, q + 4, q + 8 and q + 12 are gathered by loads, so that what is left stays within quarters.
  static void transpose_16x16(const float* from, index_t from_stride, float* to, index_t to_stride) {
    for (index_t c = 0; c < 16; c += 4, from += 4) {
      const auto rows = [&](index_t q) {
        const float* p = from + q * from_stride;
        __m512 v = _mm512_maskz_broadcast_f32x4(0x000f, _mm_loadu_ps(p));
        v = _mm512_mask_broadcast_f32x4(v, 0x00f0, _mm_loadu_ps(p + 4 * from_stride));
        v = _mm512_mask_broadcast_f32x4(v, 0x0f00, _mm_loadu_ps(p + 8 * from_stride));
        return _mm512_mask_broadcast_f32x4(v, 0xf000, _mm_loadu_ps(p + 12 * from_stride));
      };
      // Not by _mm512_unpack and _mm512_shuffle, of which g++ 12 says that they read what was never set.
      const auto low = [](__m512 a, __m512 b) {
        return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
      };
      const auto high = [](__m512 a, __m512 b) {
        return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
      };
      const auto first = [](__m512 a, __m512 b) {
        return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      };
      const auto second = [](__m512 a, __m512 b) {
        return __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
      };
      const __m512 a = rows(0), b = rows(1), d = rows(2), e = rows(3);
      _mm512_storeu_ps(to + c * to_stride, first(low(a, b), low(d, e)));
      _mm512_storeu_ps(to + (c + 1) * to_stride, second(low(a, b), low(d, e)));
      _mm512_storeu_ps(to + (c + 2) * to_stride, first(high(a, b), high(d, e)));
      _mm512_storeu_ps(to + (c + 3) * to_stride, second(high(a, b), high(d, e)));
    }
  }
#endif
  static constexpr integer sign_bit() {
    return sizeof(T) == 4 ? static_cast<integer>(0x80000000u) : static_cast<integer>(0x8000000000000000u);
  }

  /// low, high = a0 b0 a1 b1 ...
  static void interleave(const vector& a, const vector& b, vector& low, vector& high) {
#if XSIMD_WITH_AVX512F
    if constexpr (is_512 && sizeof(T) == 4) {
      const __m512i l = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
      const __m512i h = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
      low = _mm512_permutex2var_ps(a, l, b);
      high = _mm512_permutex2var_ps(a, h, b);
      return;
    } else if constexpr (is_512) {
      low = _mm512_permutex2var_pd(a, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), b);
      high = _mm512_permutex2var_pd(a, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), b);
      return;
    }
#endif
#if XSIMD_WITH_AVX2
    if constexpr (Arch::vector_bytes == 32 && sizeof(T) == 4) {
      const __m256 l = _mm256_unpacklo_ps(a, b), h = _mm256_unpackhi_ps(a, b);
      low = _mm256_permute2f128_ps(l, h, 0x20);
      high = _mm256_permute2f128_ps(l, h, 0x31);
      return;
    } else if constexpr (Arch::vector_bytes == 32) {
      const __m256d l = _mm256_unpacklo_pd(a, b), h = _mm256_unpackhi_pd(a, b);
      low = _mm256_permute2f128_pd(l, h, 0x20);
      high = _mm256_permute2f128_pd(l, h, 0x31);
      return;
    }
#endif
    if constexpr (Arch::vector_bytes == 16) {
      const vector x = a, y = b;
      low = xsimd::zip_lo(x, y);
      high = xsimd::zip_hi(x, y);
    }
  }
};

}  // namespace pretext::simd
