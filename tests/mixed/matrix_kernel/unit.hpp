// SPDX-License-Identifier: BSD-3-Clause
// The same text in every unit; only the compiler's flags differ. What it computes shows whose code ran: with fused
// multiply-add a sum of two products is rounded once less.
#pragma once

#include <vector>

#include "pretext/backend/simd/gemm.hpp"

struct answer {
  float sum;            // a0 b0 + a1 b1, as the kernel of the unit computes it
  bool fused;           // what the unit's flags promise
  int vector_bytes;     // of the unit's instruction set
};

namespace {  // one per unit

inline answer ask() {
  using arch = pretext::simd::native_arch;
  pretext::thread_pool pool(1);
  // a1 b1 = 1 + 2^-11 + 2^-24, of which a float keeps 1 + 2^-11: nothing is left beside a0 b0 unless it is fused.
  std::vector<float> left(2 * 64, 0.0f), right(2 * 64, 0.0f), c(64 * 64, 0.0f);
  left[0] = 1.0f;
  right[0] = -(1.0f + 0x1p-11f);
  left[1] = 1.0f + 0x1p-12f;
  right[64] = 1.0f + 0x1p-12f;
  std::vector<float> scratch(static_cast<std::size_t>(pretext::simd::gemm_scratch<float, arch>(1, 64, 64, 2)));
  pretext::simd::gemm<float, arch>(pool, 64, 64, 2, left.data(), 2, false, right.data(), 64, false, c.data(), 64, false,
                                   scratch.data());
#ifdef __FMA__
  const bool fused = true;
#else
  const bool fused = false;
#endif
  return {c[0], fused, arch::vector_bytes};
}

}  // namespace
