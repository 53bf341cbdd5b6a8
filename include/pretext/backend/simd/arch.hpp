// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "../../core/index.hpp"

/// Kernels of the SIMD back end. Each is a template over Arch, so that its symbol names the instruction set it was
/// compiled for and the linker can never hand one unit the code of another.
namespace pretext::simd {

namespace detail {

template <int VectorBytes>
struct base_of;
#if XSIMD_WITH_AVX512F
template <>
struct base_of<64> {
  using type = xsimd::avx512f;
};
#endif
#if XSIMD_WITH_FMA3_AVX2
template <>
struct base_of<32> {
  using type = xsimd::fma3<xsimd::avx2>;
};
#elif XSIMD_WITH_AVX2
template <>
struct base_of<32> {
  using type = xsimd::avx2;
};
#endif
#if XSIMD_WITH_SSE2
template <>
struct base_of<16> {
  using type = xsimd::sse2;
};
#elif XSIMD_WITH_NEON64
template <>
struct base_of<16> {
  using type = xsimd::neon64;
};
#endif

}  // namespace detail

/// An instruction set as this translation unit was told it: `Features` has one bit per compiler macro that changes
/// code. It inherits from xsimd's tag and stands in its place inside xsimd::batch, so xsimd's own functions carry it
/// in their symbols too.
template <std::uint64_t Features, int VectorBytes>
struct arch : detail::base_of<VectorBytes>::type {
  using base = typename detail::base_of<VectorBytes>::type;
  static constexpr std::uint64_t features = Features;
  static constexpr int vector_bytes = VectorBytes;
};

/// One bit each, in the order of arch_name's list.
using native_arch = arch<std::uint64_t{0}
#ifdef __SSE3__
                             | (std::uint64_t{1} << 0)
#endif
#ifdef __SSSE3__
                             | (std::uint64_t{1} << 1)
#endif
#ifdef __SSE4_1__
                             | (std::uint64_t{1} << 2)
#endif
#ifdef __SSE4_2__
                             | (std::uint64_t{1} << 3)
#endif
#ifdef __POPCNT__
                             | (std::uint64_t{1} << 4)
#endif
#ifdef __AVX__
                             | (std::uint64_t{1} << 5)
#endif
#ifdef __F16C__
                             | (std::uint64_t{1} << 6)
#endif
#ifdef __FMA__
                             | (std::uint64_t{1} << 7)
#endif
#ifdef __FMA4__
                             | (std::uint64_t{1} << 8)
#endif
#ifdef __XOP__
                             | (std::uint64_t{1} << 9)
#endif
#ifdef __BMI__
                             | (std::uint64_t{1} << 10)
#endif
#ifdef __BMI2__
                             | (std::uint64_t{1} << 11)
#endif
#ifdef __LZCNT__
                             | (std::uint64_t{1} << 12)
#endif
#ifdef __AVX2__
                             | (std::uint64_t{1} << 13)
#endif
#ifdef __AVXVNNI__
                             | (std::uint64_t{1} << 14)
#endif
#ifdef __AVX512F__
                             | (std::uint64_t{1} << 15)
#endif
#ifdef __AVX512CD__
                             | (std::uint64_t{1} << 16)
#endif
#ifdef __AVX512DQ__
                             | (std::uint64_t{1} << 17)
#endif
#ifdef __AVX512BW__
                             | (std::uint64_t{1} << 18)
#endif
#ifdef __AVX512VL__
                             | (std::uint64_t{1} << 19)
#endif
#ifdef __AVX512IFMA__
                             | (std::uint64_t{1} << 20)
#endif
#ifdef __AVX512VBMI__
                             | (std::uint64_t{1} << 21)
#endif
#ifdef __AVX512VBMI2__
                             | (std::uint64_t{1} << 22)
#endif
#ifdef __AVX512VNNI__
                             | (std::uint64_t{1} << 23)
#endif
#ifdef __AVX512BITALG__
                             | (std::uint64_t{1} << 24)
#endif
#ifdef __AVX512VPOPCNTDQ__
                             | (std::uint64_t{1} << 25)
#endif
#ifdef __AVX512BF16__
                             | (std::uint64_t{1} << 26)
#endif
#ifdef __AVX512FP16__
                             | (std::uint64_t{1} << 27)
#endif
#ifdef __AVX512ER__
                             | (std::uint64_t{1} << 28)
#endif
#ifdef __AMX_TILE__
                             | (std::uint64_t{1} << 29)
#endif
#ifdef __AMX_BF16__
                             | (std::uint64_t{1} << 30)
#endif
#ifdef __AMX_INT8__
                             | (std::uint64_t{1} << 31)
#endif
#ifdef __ARM_FEATURE_FMA
                             | (std::uint64_t{1} << 32)
#endif
#ifdef __ARM_FEATURE_SVE
                             | (std::uint64_t{1} << 33)
#endif
#ifdef __FAST_MATH__
                             | (std::uint64_t{1} << 62)
#endif
#ifdef __OPTIMIZE__
                             | (std::uint64_t{1} << 63)
#endif
                         ,
#if XSIMD_WITH_AVX512F
                         64
#elif XSIMD_WITH_AVX2
                         32
#else
                         16
#endif
                         >;

/// A name for reports: what the widest kernels use.
template <class Arch>
constexpr const char* arch_name() {
  constexpr bool fma = (Arch::features >> 7) & 1;
  if constexpr (Arch::vector_bytes == 64)
    return ((Arch::features >> 26) & 1) ? "avx512+bf16" : "avx512";
  else if constexpr (Arch::vector_bytes == 32)
    return fma ? "avx2+fma" : "avx2";
  else
    return XSIMD_WITH_NEON64 ? "neon64" : "sse2";
}

/// Elements of T in one vector, as the signed type of all extents.
template <class T, class Arch>
inline constexpr index_t lanes = Arch::vector_bytes / static_cast<index_t>(sizeof(T));

/// The vector type of every kernel.
#if XSIMD_WITH_NEON64
// xsimd 8 names neon64 itself in results of its functions.
template <class T, class Arch>
using vec = xsimd::batch<T, typename Arch::base>;
#else
template <class T, class Arch>
using vec = xsimd::batch<T, Arch>;
#endif

}  // namespace pretext::simd

namespace xsimd::types {

template <class T, std::uint64_t F, int B>
struct simd_register<T, pretext::simd::arch<F, B>>
    : simd_register<T, typename pretext::simd::arch<F, B>::base> {
  using base = simd_register<T, typename pretext::simd::arch<F, B>::base>;
  using register_type = typename base::register_type;
  simd_register(register_type r) noexcept : base{r} {}
  simd_register() = default;
};
template <class T, std::uint64_t F, int B>
struct has_simd_register<T, pretext::simd::arch<F, B>>
    : has_simd_register<T, typename pretext::simd::arch<F, B>::base> {};
template <class T, std::uint64_t F, int B>
struct get_bool_simd_register<T, pretext::simd::arch<F, B>> {
  using type = typename get_bool_simd_register<T, typename pretext::simd::arch<F, B>::base>::type;
};

}  // namespace xsimd::types
