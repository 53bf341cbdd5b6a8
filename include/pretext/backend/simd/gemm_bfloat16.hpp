// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of precision::bf16, compiled where a recipe names it
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "gemm.hpp"

/// Products of operands rounded to bfloat16 (to nearest, ties to even; NaN stays NaN), summed in float. Two ways:
///   dot      pairs of neighbouring terms in 32 bits, both added by one instruction (vdpbf16ps of AVX512_BF16)
///   rounded  floats whose lower half is zero, in the kernel for floats: every instruction set
/// The terms are the same; the order of a sum within a pair is not, and `dot` takes values below 2^-126 for zero, so the two
/// differ as two float sums differ.
namespace pretext::simd {

/// Terms 2 p (lower half) and 2 p + 1 of a row or column.
struct bfloat16_pair {
  std::uint32_t bits;
};
template <>
struct packed_element<bfloat16_pair> : packed_element<float> {};

/// Whether the unit was compiled for an instruction that multiplies such pairs.
template <class Arch>
inline constexpr bool has_bfloat16_dot = Arch::vector_bytes == 64 && ((Arch::features >> 26) & 1) && ((Arch::features >> 18) & 1);

/// Whether that instruction beats two multiply-adds of floats on this processor. Emerald Rapids (2026-11) begins one in two
/// cycles but two multiply-adds in each, so floats are twice as fast there; Zen 4 doubles the rate of floats (IREE's pull request 15089).
inline bool bfloat16_dot_pays() {
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
  static const bool amd = __builtin_cpu_is("amd") != 0;
  return amd;
#else
  return false;
#endif
}

/// Rounds n floats; `to` may be `from`.
template <class Arch>
void round_to_bfloat16(const float* from, index_t n, float* to) {
  using O = vector_ops<float, Arch>;
  index_t i = 0;
  for (; i + O::width <= n; i += O::width) O::store(to + i, O::round_to_bfloat16(O::load(from + i)));
  if (i < n) O::store_some(to + i, O::round_to_bfloat16(O::load_some(from + i, n - i)), n - i);
}

/// A left operand of floats, rounded.
template <class Arch, class Left>
struct rounded_left {
  const Left& left;

  strided<float> block(index_t i, index_t rows, index_t p, index_t steps, float* buffer) const {
    constexpr index_t R = tile_shape<float, Arch>::rows;
    if (steps == 0) return {buffer, 0, 1, 0};
    const strided<float> given = left.block(i, rows, p, steps, buffer);
    if constexpr (!std::is_same_v<typename Left::stored, float>) return given;  // as they were stored
    const index_t padded = round_up(rows, R);
    if (left.by_steps()) {
      round_to_bfloat16<Arch>(buffer, padded * steps, buffer);
      return given;
    }
    const index_t stride = steps + 16;
    for (index_t r = 0; r < padded; ++r) round_to_bfloat16<Arch>(given.data + r * given.row_stride, steps, buffer + r * stride);
    return {buffer, stride, 1, R * stride};
  }
};

/// A right operand of floats, rounded.
template <class Arch, class Right>
struct rounded_right {
  const Right& right;

  void panels(index_t p, index_t steps, index_t j, index_t columns, float* to) const {
    right.panels(p, steps, j, columns, to);
    if constexpr (!std::is_same_v<typename Right::stored, float>) return;  // as they were stored
    round_to_bfloat16<Arch>(to, round_up(columns, tile_shape<float, Arch>::columns) * steps, to);
  }
};

#ifdef __AVX512BF16__

/// The kernel's steps on pairs, for an Arch that has_bfloat16_dot. g++ 12 warns about unmasked intrinsics (vector_ops.hpp).
template <class Arch>
struct vector_ops<bfloat16_pair, Arch> {
  using vector = __m512bh;
  using sums = vec<float, Arch>;
  static constexpr index_t width = lanes<bfloat16_pair, Arch>;

  static vector load(const bfloat16_pair* p) { return std::bit_cast<vector>(_mm512_loadu_si512(p)); }
  static void store(bfloat16_pair* p, const vector& v) { _mm512_storeu_si512(p, std::bit_cast<__m512i>(v)); }
  static void store_some(bfloat16_pair* p, const vector& v, index_t n) {
    _mm512_mask_storeu_epi32(p, __mmask16((1u << n) - 1u), std::bit_cast<__m512i>(v));
  }
  static vector set(bfloat16_pair x) { return std::bit_cast<vector>(_mm512_set1_epi32(static_cast<int>(x.bits))); }
  static sums zero() { return sums(0.0f); }
  static sums fma(const vector& a, const vector& b, const sums& c) { return _mm512_dpbf16_ps(c, a, b); }
  static void end_stream() { vector_ops<float, Arch>::end_stream(); }

  /// 2 width floats that follow each other, as pairs.
  static vector pack(const float* from) { return _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + width), _mm512_loadu_ps(from)); }
  /// Pair i: element i of `even` and of `odd`.
  static vector pack(const sums& even, const sums& odd) {
    alignas(64) static constexpr std::uint16_t order[]{0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
                                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i both = std::bit_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
    return std::bit_cast<vector>(_mm512_maskz_permutexvar_epi16(__mmask32(-1), _mm512_load_si512(order), both));
  }
};

namespace detail {
/// n floats of a row as pairs; where n is odd, the last has a zero.
template <class Arch>
void pack_row(const float* from, index_t n, bfloat16_pair* to) {
  using P = vector_ops<bfloat16_pair, Arch>;
  constexpr index_t W = P::width;
  index_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W) P::store(to + i / 2, P::pack(from + i));
  if (i < n) {
    alignas(64) float rest[2 * W] = {};
    for (index_t j = 0; i + j < n; ++j) rest[j] = from[i + j];
    alignas(64) bfloat16_pair pairs[W];
    P::store(pairs, P::pack(rest));
    for (index_t j = 0; i + 2 * j < n; ++j) to[i / 2 + j] = pairs[j];
  }
}
}  // namespace detail

/// A left operand of floats as pairs of its `terms` columns. Steps are pairs.
template <class Arch, class Left>
struct paired_left {
  const Left& left;
  index_t terms;

  strided<bfloat16_pair> block(index_t i, index_t rows, index_t p, index_t steps, bfloat16_pair* buffer) const {
    constexpr index_t R = tile_shape<bfloat16_pair, Arch>::rows;
    const index_t first = 2 * p, count = terms - first < 2 * steps ? terms - first : 2 * steps;
    return left.by_steps() ? by_steps(i, rows, first, count, steps, buffer) : by_rows(i, rows, first, count, steps, buffer, R);
  }

 private:
  using P = vector_ops<bfloat16_pair, Arch>;
  using O = vector_ops<float, Arch>;

  /// A few rows of floats at a time, in the first-level cache.
  strided<bfloat16_pair> by_rows(index_t i, index_t rows, index_t first, index_t count, index_t steps, bfloat16_pair* buffer,
                                 index_t R) const {
    constexpr index_t most = 512;
    alignas(64) float floats[tile_shape<float, Arch>::rows * (most + 16)];
    const index_t stride = steps + 16;
    for (index_t r0 = 0; r0 < rows; r0 += R) {
      const index_t some = rows - r0 < R ? rows - r0 : R;
      for (index_t s = 0; s < count; s += most) {
        const index_t n = count - s < most ? count - s : most;
        const strided<float> block = left.block(i + r0, some, first + s, n, floats);
        for (index_t r = 0; r < some; ++r)
          detail::pack_row<Arch>(block.data + r * block.row_stride, n, buffer + (r0 + r) * stride + s / 2);
      }
      for (index_t r = some; r < R; ++r)
        for (index_t s = 0; s < steps; ++s) buffer[(r0 + r) * stride + s] = {};
    }
    return {buffer, stride, 1, R * stride};
  }

  /// A few steps of floats at a time.
  strided<bfloat16_pair> by_steps(index_t i, index_t rows, index_t first, index_t count, index_t steps, bfloat16_pair* buffer) const {
    constexpr index_t R = tile_shape<float, Arch>::rows, most = 64;
    static_assert(R <= O::width);
    alignas(64) float floats[most_tiles<float, Arch> * R * (most + 16)];
    const index_t padded = round_up(rows, R);
    for (index_t s = 0; s < count; s += most) {
      const index_t n = count - s < most ? count - s : most;
      left.block(i, rows, first + s, n, floats);
      for (index_t t = 0; t < padded; t += R)
        for (index_t q = 0; q < n; q += 2) {
          const float* line = floats + t * n + q * R;
          P::store_some(buffer + t * steps + (s + q) / 2 * R, P::pack(O::load(line), q + 1 < n ? O::load(line + R) : O::zero()), R);
        }
    }
    return {buffer, 1, R, steps * R};
  }
};

/// A right operand of floats as pairs of its `terms` rows.
template <class Arch, class Right>
struct paired_right {
  const Right& right;
  index_t terms;

  void panels(index_t p, index_t steps, index_t j, index_t columns, bfloat16_pair* to) const {
    using P = vector_ops<bfloat16_pair, Arch>;
    using O = vector_ops<float, Arch>;
    constexpr index_t C = tile_shape<float, Arch>::columns, W = O::width, most_columns = 8 * C, most = 32;
    alignas(64) float floats[most * most_columns];
    const index_t first = 2 * p, count = terms - first < 2 * steps ? terms - first : 2 * steps;
    for (index_t c = 0; c < columns; c += most_columns) {
      const index_t width = columns - c < most_columns ? columns - c : most_columns;
      for (index_t s = 0; s < count; s += most) {
        const index_t n = count - s < most ? count - s : most;
        right.panels(first + s, n, j + c, width, floats);
        for (index_t q = 0; q < width; q += C)
          for (index_t l = 0; l < n; l += 2)
            for (index_t v = 0; v < C; v += W) {
              const float* line = floats + q * n + l * C + v;
              P::store(to + (c + q) * steps + (s + l) / 2 * C + v, P::pack(O::load(line), l + 1 < n ? O::load(line + C) : O::zero()));
            }
      }
    }
  }
};

#endif

/// Operands rounded to bfloat16, by either way.
template <bool Dot>
struct bfloat16_terms_by {
  static constexpr bool copies = true;
  using winograd = exact_terms;
  template <class T, class Arch>
  static constexpr bool prefers_winograd() {
    return !Dot;
  }
  template <class T, class Arch>
  static constexpr index_t most_terms() {
    return (Dot ? 2 : 1) * gemm_plan<T, Arch>::most_steps;
  }
  template <class T, class Arch>
  static gemm_cut cut(index_t m, index_t n, index_t k) {
    return gemm_cut(gemm_plan<T, Arch>(m, n, elements(k)));
  }
  template <class T, class Arch>
  static index_t scratch(int threads, index_t m, index_t n, index_t k) {
    return gemm_scratch<T, Arch>(threads, m, n, elements(k));
  }
  template <class T, class Arch, class Left, class Right, class Epilogue>
  static void multiply(thread_pool& pool, index_t m, index_t n, index_t k, const Left& left, const Right& right,
                       const Epilogue& epilogue, T* scratch, index_t splits = 1) {
    static_assert(std::is_same_v<T, float>);
    if constexpr (!Dot) {
      simd::multiply<T, Arch>(pool, m, n, k, rounded_left<Arch, Left>{left}, rounded_right<Arch, Right>{right}, epilogue, scratch,
                              splits);
    } else {
#ifdef __AVX512BF16__
      simd::multiply<bfloat16_pair, Arch>(pool, m, n, elements(k), paired_left<Arch, Left>{left, k},
                                          paired_right<Arch, Right>{right, k}, epilogue,
                                          reinterpret_cast<bfloat16_pair*>(scratch), splits);
#endif
    }
  }

 private:
  static constexpr index_t elements(index_t k) { return Dot ? ceil_div(k, 2) : k; }
};

/// The quicker way on this processor; for double, the operands as they are.
struct bfloat16_terms {
  static constexpr bool copies = true;
  using winograd = exact_terms;  // rounding what it multiplies would gain nothing
  template <class T, class Arch>
  static bool prefers_winograd() {
    return way<T, Arch>([](auto terms) { return terms.template prefers_winograd<T, Arch>(); });
  }
  template <class T, class Arch>
  static index_t most_terms() {
    return way<T, Arch>([](auto terms) { return terms.template most_terms<T, Arch>(); });
  }
  template <class T, class Arch>
  static gemm_cut cut(index_t m, index_t n, index_t k) {
    return way<T, Arch>([&](auto terms) { return terms.template cut<T, Arch>(m, n, k); });
  }
  template <class T, class Arch>
  static index_t scratch(int threads, index_t m, index_t n, index_t k) {
    return way<T, Arch>([&](auto terms) { return terms.template scratch<T, Arch>(threads, m, n, k); });
  }
  template <class T, class Arch, class Left, class Right, class Epilogue>
  static void multiply(thread_pool& pool, index_t m, index_t n, index_t k, const Left& left, const Right& right,
                       const Epilogue& epilogue, T* scratch, index_t splits = 1) {
    way<T, Arch>([&](auto terms) { terms.template multiply<T, Arch>(pool, m, n, k, left, right, epilogue, scratch, splits); });
  }

 private:
  template <class T, class Arch, class F>
  static auto way(F&& f) {
    if constexpr (!std::is_same_v<T, float>) {
      return f(exact_terms{});
    } else {
      if constexpr (has_bfloat16_dot<Arch>)
        if (bfloat16_dot_pays()) return f(bfloat16_terms_by<true>{});
      return f(bfloat16_terms_by<false>{});
    }
  }
};

}  // namespace pretext::simd
