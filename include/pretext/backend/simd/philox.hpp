// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>

#include "../../config.hpp"
#include "../../core/rng.hpp"
#include "../../core/index.hpp"
#include "vector_ops.hpp"

namespace pretext::simd {

namespace detail {

/// The words of as many blocks of a key as a vector has 32-bit lanes, in order; the same bits as rng::key::block, from integer vectors.
template <class Arch>
struct philox_lanes {
#if XSIMD_WITH_AVX512F
  static constexpr bool native = Arch::vector_bytes >= 32;
#elif XSIMD_WITH_AVX2
  static constexpr bool native = Arch::vector_bytes == 32;
#else
  static constexpr bool native = false;
#endif
  static constexpr int blocks = native ? Arch::vector_bytes / 4 : 1;

#if XSIMD_WITH_AVX2
  struct of_256 {
    using vector = __m256i;
    static vector set(std::uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
    static vector count() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
    static vector add(vector a, vector b) { return _mm256_add_epi32(a, b); }
    static vector exclusive(vector a, vector b, vector c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
    static void multiply(vector a, vector by, vector& high, vector& low) {
      const vector even = _mm256_mul_epu32(a, by), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), by);
      high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
      low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
    }
    /// Words 0 .. 3 of eight blocks, block by block.
    static void store(const vector (&c)[4], std::uint32_t* to) {
      const vector a = _mm256_unpacklo_epi32(c[0], c[1]), b = _mm256_unpackhi_epi32(c[0], c[1]);
      const vector d = _mm256_unpacklo_epi32(c[2], c[3]), e = _mm256_unpackhi_epi32(c[2], c[3]);
      const vector each[4] = {_mm256_unpacklo_epi64(a, d), _mm256_unpackhi_epi64(a, d), _mm256_unpacklo_epi64(b, e), _mm256_unpackhi_epi64(b, e)};
      for (int j = 0; j < 4; ++j) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 4 * j), _mm256_castsi256_si128(each[j]));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 4 * (4 + j)), _mm256_extracti128_si256(each[j], 1));
      }
    }
  };
#endif
#if XSIMD_WITH_AVX512F
  // Zero-masked with a full mask for the reason that vector_ops gives.
  struct of_512 {
    using vector = __m512i;
    static constexpr __mmask8 all8 = __mmask8(-1);
    static constexpr __mmask16 all = __mmask16(-1), odds = __mmask16(0xAAAA);
    static vector set(std::uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
    static vector count() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
    static vector add(vector a, vector b) { return _mm512_add_epi32(a, b); }
    static vector exclusive(vector a, vector b, vector c) { return _mm512_maskz_ternarylogic_epi32(all, a, b, c, 0x96); }
    static void multiply(vector a, vector by, vector& high, vector& low) {
      const vector even = _mm512_maskz_mul_epu32(all8, a, by), odd = _mm512_maskz_mul_epu32(all8, _mm512_maskz_srli_epi64(all8, a, 32), by);
      high = _mm512_mask_mov_epi32(_mm512_maskz_srli_epi64(all8, even, 32), odds, odd);
      low = _mm512_mask_mov_epi32(even, odds, _mm512_maskz_slli_epi64(all8, odd, 32));
    }
    static void store(const vector (&c)[4], std::uint32_t* to) {
      const vector a = _mm512_maskz_unpacklo_epi32(all, c[0], c[1]), b = _mm512_maskz_unpackhi_epi32(all, c[0], c[1]);
      const vector d = _mm512_maskz_unpacklo_epi32(all, c[2], c[3]), e = _mm512_maskz_unpackhi_epi32(all, c[2], c[3]);
      const vector each[4] = {_mm512_maskz_unpacklo_epi64(all8, a, d), _mm512_maskz_unpackhi_epi64(all8, a, d), _mm512_maskz_unpacklo_epi64(all8, b, e),
                              _mm512_maskz_unpackhi_epi64(all8, b, e)};
      for (int j = 0; j < 4; ++j) {
        put(to + 4 * j, _mm512_maskz_extracti32x4_epi32(all8, each[j], 0));
        put(to + 4 * (4 + j), _mm512_maskz_extracti32x4_epi32(all8, each[j], 1));
        put(to + 4 * (8 + j), _mm512_maskz_extracti32x4_epi32(all8, each[j], 2));
        put(to + 4 * (12 + j), _mm512_maskz_extracti32x4_epi32(all8, each[j], 3));
      }
    }
    static void put(std::uint32_t* to, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v); }
  };
#endif

  /// `blocks` blocks from number `first` on.
  static void words(const rng::key& key, std::uint32_t first, std::uint32_t* to) {
#if XSIMD_WITH_AVX512F
    if constexpr (Arch::vector_bytes == 64) return words_of<of_512>(key, first, to);
#endif
#if XSIMD_WITH_AVX2
    if constexpr (Arch::vector_bytes == 32) return words_of<of_256>(key, first, to);
#endif
    if constexpr (!native) {
      const rng::counter_type four = key.block(first);
      for (std::size_t w = 0; w < 4; ++w) to[w] = four[w];
    }
  }

 private:
  template <class L>
  static void words_of(const rng::key& key, std::uint32_t first, std::uint32_t* to) {
    using V = typename L::vector;
    const rng::counter_type counter = key.counter(first);
    V c[4] = {L::add(L::set(first), L::count()), L::set(counter[1]), L::set(counter[2]), L::set(counter[3])};
    const V m0 = L::set(rng::philox_multiplier0), m1 = L::set(rng::philox_multiplier1);
    rng::key_type k = key.words_of_seed();
    for (int round = 0; round < 10; ++round) {
      V high0, low0, high1, low1;
      L::multiply(c[0], m0, high0, low0);
      L::multiply(c[2], m1, high1, low1);
      c[0] = L::exclusive(high1, c[1], L::set(k[0]));
      c[1] = low1;
      c[2] = L::exclusive(high0, c[3], L::set(k[1]));
      c[3] = low0;
      k[0] += rng::philox_step0;
      k[1] += rng::philox_step1;
    }
    L::store(c, to);
  }
};

}  // namespace detail

/// A dropout decision for each lane: x where its word is at least `least` (up to 2^32), else 0.
template <class T, class Arch>
inline vec<T, Arch> keep_lanes(const vec<T, Arch>& x, const std::uint32_t* words, std::uint64_t least) {
  using O = vector_ops<T, Arch>;
  using I = typename O::integers;
  constexpr index_t W = O::width;
  if constexpr (sizeof(T) == 4) {
    if (least > 0xFFFFFFFFu) return O::zero();
    // Unsigned words compared as signed ones, both moved by 2^31.
    constexpr std::uint32_t sign = 0x80000000u;
    const I word = I::load_unaligned(reinterpret_cast<const std::int32_t*>(words)) ^ I(static_cast<std::int32_t>(sign));
    return O::from_bits(xsimd::select(word >= I(static_cast<std::int32_t>(static_cast<std::uint32_t>(least) ^ sign)), O::bits(x), I(0)));
  } else {
    alignas(64) T each[W];
    O::store(each, x);
    for (index_t i = 0; i < W; ++i) each[i] = words[i] >= least ? each[i] : T(0);
    return O::load(each);
  }
}
/// The least word that a dropout of this rate keeps (op::dropout_keeps): compared as an integer.
inline std::uint64_t least_kept(double rate) {
  const double bound = std::ceil(rate * 4294967296.0);
  return bound > 0 ? static_cast<std::uint64_t>(bound) : 0;
}

/// Words [first, first + n) of a key. `to` has room for a vector of blocks behind them and in front: draw_room<Arch>(n) words; returns where
/// the first one stands.
template <class Arch>
constexpr index_t draw_room(index_t n) {
  return n + 8 * detail::philox_lanes<Arch>::blocks;
}
template <class Arch>
PRETEXT_APART std::uint32_t* draw_words(const rng::key& key, index_t first, index_t n, std::uint32_t* to) {
  constexpr index_t step = detail::philox_lanes<Arch>::blocks;
  const index_t begin = first / 4, end = ceil_div(first + n, 4);
  for (index_t block = begin; block < end; block += step)
    detail::philox_lanes<Arch>::words(key, static_cast<std::uint32_t>(block), to + 4 * (block - begin));
  return to + (first - 4 * begin);
}

}  // namespace pretext::simd
