// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/arch.hpp"

#include <cmath>
#include <string>
#include <type_traits>

#include "support/catch.hpp"

namespace simd = pretext::simd;

TEST_CASE("simd arch: the tag names the vector width and is a type of its own", "[backend][simd][arch]") {
  using native = simd::native_arch;
  CHECK(sizeof(simd::vec<float, native>) == static_cast<std::size_t>(native::vector_bytes));
  CHECK(simd::lanes<float, native> * 4 == native::vector_bytes);
  CHECK(simd::lanes<double, native> * 8 == native::vector_bytes);
  CHECK_FALSE(std::string(simd::arch_name<native>()).empty());
  // Builds that xsimd cannot tell apart are different types here, and so are their batches.
  using other = simd::arch<native::features ^ (std::uint64_t{1} << 23), native::vector_bytes>;
  STATIC_REQUIRE_FALSE(std::is_same_v<native, other>);
  STATIC_REQUIRE_FALSE(std::is_same_v<simd::vec<float, native>, simd::vec<float, other>>);
  STATIC_REQUIRE_FALSE(std::is_same_v<native, native::base>);
}

// The build defines this when it links simd_arch_unit.cpp twice with different instruction sets.
#ifdef PRETEXT_TEST_ARCH_UNITS
int unit_base_width();
int unit_avx2_width();
const char* unit_base_name();
const char* unit_avx2_name();
float unit_base_fused(float, float);
float unit_avx2_fused(float, float);
float unit_base_product(float, float);
float unit_avx2_product(float, float);

TEST_CASE("simd arch: two units with different flags in one program each keep their own answers",
          "[backend][simd][arch]") {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    WARN("this processor has no AVX2 with FMA: nothing to compare");
    return;
  }
  CHECK(unit_base_width() == 16);
  CHECK(unit_avx2_width() == 32);
  CHECK(std::string(unit_base_name()) == "sse2");
  CHECK(std::string(unit_avx2_name()) == "avx2+fma");
  // (1 + e)^2 = 1 + 2e + e^2: rounding the square first loses e^2.
  const float e = 0x1p-12f, a = 1.0f + e, b = 1.0f + 2.0f * e;
  CHECK(unit_base_fused(a, b) == 0.0f);
  CHECK(unit_avx2_fused(a, b) == e * e);
  CHECK(unit_base_product(a, b) == 0.0f);
  CHECK(unit_avx2_product(a, b) == e * e);
}
#endif
