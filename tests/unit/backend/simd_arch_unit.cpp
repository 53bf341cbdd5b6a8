// SPDX-License-Identifier: BSD-3-Clause
// Compiled twice by simd_arch_test's build: as PRETEXT_UNIT=unit_base without flags and as PRETEXT_UNIT=unit_avx2 with
// -mavx2 -mfma, both at -O0, where nothing is inlined and the linker has every chance to mix the two up.
#include "pretext/backend/simd/gemm.hpp"
#include "pretext/backend/simd/vector_math.hpp"

#define PRETEXT_JOIN2(a, b) a##b
#define PRETEXT_JOIN(a, b) PRETEXT_JOIN2(a, b)

using pretext::simd::native_arch;

int PRETEXT_JOIN(PRETEXT_UNIT, _width)() { return native_arch::vector_bytes; }

const char* PRETEXT_JOIN(PRETEXT_UNIT, _name)() { return pretext::simd::arch_name<native_arch>(); }

/// a * a - b through the shared kernels: one rounding with fused multiply-add, two without.
float PRETEXT_JOIN(PRETEXT_UNIT, _fused)(float a, float b) {
  using O = pretext::simd::vector_ops<float, native_arch>;
  float y[16];
  O::store(y, O::fma(O::set(a), O::set(a), O::set(-b)));
  return y[0];
}

/// The same through a whole product: (1, 2) times (2, 1), the -b first and a * a on top.
float PRETEXT_JOIN(PRETEXT_UNIT, _product)(float a, float b) {
  pretext::thread_pool pool(1);
  const float left[2] = {-b, a}, right[2] = {1.0f, a};
  float y[1], scratch[32768];
  if (pretext::simd::gemm_scratch<float, native_arch>(1, 1, 1, 2) > 32768) return 0.0f;
  pretext::simd::gemm<float, native_arch>(pool, 1, 1, 2, left, 2, false, right, 1, false, y, 1, false, scratch);
  return y[0];
}
