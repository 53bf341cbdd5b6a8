// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <cstring>

#include "vector_ops.hpp"

/// Images of bytes and of three interleaved channels as vectors.
namespace pretext::simd {

/// W pixels, a vector per channel. Which lane a pixel stands in is the same for all three and otherwise nobody's business.
template <class Arch>
struct rgb_vectors {
  vec<float, Arch> r, g, b;
};

template <class Arch>
struct pixel_ops {
  using O = vector_ops<float, Arch>;
  using V = vec<float, Arch>;
  static constexpr index_t width = O::width;

  /// `width` values as they are, bytes as whole numbers.
  static V load(const float* p) { return O::load(p); }
  static V load(const std::uint8_t* p) {
#if XSIMD_WITH_AVX512F
    if constexpr (Arch::vector_bytes == 64)
      return _mm512_maskz_cvtepi32_ps(
          __mmask16(-1), _mm512_maskz_cvtepu8_epi32(__mmask16(-1), _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
    else
#endif
#if XSIMD_WITH_AVX2
    if constexpr (Arch::vector_bytes == 32)
      return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
    else
#endif
#if XSIMD_WITH_SSE2
    if constexpr (Arch::vector_bytes == 16) {
      std::int32_t four;
      std::memcpy(&four, p, sizeof(four));
      const __m128i zero = _mm_setzero_si128();
      return _mm_cvtepi32_ps(_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero), zero));
    } else
#endif
    {
      alignas(64) float buffer[width];
      for (index_t i = 0; i < width; ++i) buffer[i] = static_cast<float>(p[i]);
      return O::load(buffer);
    }
  }

  static rgb_vectors<Arch> load_rgb(const float* p) {
#if XSIMD_WITH_AVX512F
    if constexpr (Arch::vector_bytes == 64) {
      // From the first two vectors what they hold of a channel, its last values from the third: lane i is pixel i.
      const __m512 x = O::load(p), y = O::load(p + 16), z = O::load(p + 32);
      const auto channel = [&](__m512i of_two, __m512i of_all) {
        return _mm512_permutex2var_ps(_mm512_permutex2var_ps(x, of_two, y), of_all, z);
      };
      return {channel(_mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0),
                      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29)),
              channel(_mm512_setr_epi32(1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 0, 0, 0, 0, 0),
                      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30)),
              channel(_mm512_setr_epi32(2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 0, 0, 0, 0, 0, 0),
                      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31))};
    } else
#endif
#if XSIMD_WITH_AVX
    if constexpr (Arch::vector_bytes == 32) {
      const auto halves = [&](int i) {
        return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + i)), _mm_loadu_ps(p + 12 + i), 1);
      };
      const __m256 x = halves(0), y = halves(4), z = halves(8);  // rgbr gbrg brgb in each half
      const __m256 rg = _mm256_shuffle_ps(y, z, 0x9e), gb = _mm256_shuffle_ps(x, y, 0x49);
      return {_mm256_shuffle_ps(x, rg, 0x8c), _mm256_shuffle_ps(gb, rg, 0xd8), _mm256_shuffle_ps(gb, z, 0xcd)};
    } else
#endif
#if XSIMD_WITH_SSE2
    if constexpr (Arch::vector_bytes == 16) {
      const __m128 x = _mm_loadu_ps(p), y = _mm_loadu_ps(p + 4), z = _mm_loadu_ps(p + 8);
      const __m128 rg = _mm_shuffle_ps(y, z, 0x9e), gb = _mm_shuffle_ps(x, y, 0x49);
      return {_mm_shuffle_ps(x, rg, 0x8c), _mm_shuffle_ps(gb, rg, 0xd8), _mm_shuffle_ps(gb, z, 0xcd)};
    } else
#endif
    {
      alignas(64) float r[width], g[width], b[width];
      for (index_t i = 0; i < width; ++i) {
        r[i] = p[3 * i];
        g[i] = p[3 * i + 1];
        b[i] = p[3 * i + 2];
      }
      return {O::load(r), O::load(g), O::load(b)};
    }
  }

  static void store_rgb(float* p, const rgb_vectors<Arch>& c) {
#if XSIMD_WITH_AVX512F
    if constexpr (Arch::vector_bytes == 64) {
      const __m512 r = c.r, g = c.g, b = c.b;
      const auto third = [&](__m512i of_two, __m512i of_all) {
        return V(_mm512_permutex2var_ps(_mm512_permutex2var_ps(r, of_two, g), of_all, b));
      };
      O::store(p, third(_mm512_setr_epi32(0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5),
                        _mm512_setr_epi32(0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15)));
      O::store(p + 16, third(_mm512_setr_epi32(21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26),
                             _mm512_setr_epi32(0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15)));
      O::store(p + 32, third(_mm512_setr_epi32(0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0),
                             _mm512_setr_epi32(26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31)));
    } else
#endif
#if XSIMD_WITH_AVX
    if constexpr (Arch::vector_bytes == 32) {
      const __m256 r = c.r, g = c.g, b = c.b;
      const __m256 rg = _mm256_shuffle_ps(r, g, 0x88), gb = _mm256_shuffle_ps(g, b, 0xdd), br = _mm256_shuffle_ps(b, r, 0xd8);
      const auto put = [&](int i, __m256 v) {
        _mm_storeu_ps(p + i, _mm256_castps256_ps128(v));
        _mm_storeu_ps(p + 12 + i, _mm256_extractf128_ps(v, 1));
      };
      put(0, _mm256_shuffle_ps(rg, br, 0x88));
      put(4, _mm256_shuffle_ps(gb, rg, 0xd8));
      put(8, _mm256_shuffle_ps(br, gb, 0xdd));
    } else
#endif
#if XSIMD_WITH_SSE2
    if constexpr (Arch::vector_bytes == 16) {
      const __m128 r = c.r, g = c.g, b = c.b;
      const __m128 rg = _mm_shuffle_ps(r, g, 0x88), gb = _mm_shuffle_ps(g, b, 0xdd), br = _mm_shuffle_ps(b, r, 0xd8);
      _mm_storeu_ps(p, _mm_shuffle_ps(rg, br, 0x88));
      _mm_storeu_ps(p + 4, _mm_shuffle_ps(gb, rg, 0xd8));
      _mm_storeu_ps(p + 8, _mm_shuffle_ps(br, gb, 0xdd));
    } else
#endif
    {
      alignas(64) float r[width], g[width], b[width];
      O::store(r, c.r);
      O::store(g, c.g);
      O::store(b, c.b);
      for (index_t i = 0; i < width; ++i) {
        p[3 * i] = r[i];
        p[3 * i + 1] = g[i];
        p[3 * i + 2] = b[i];
      }
    }
  }
};

}  // namespace pretext::simd
