// SPDX-License-Identifier: BSD-3-Clause
// ptx: column_map_kernel has ld.global.v4.(f32|b32)
// ptx: column_reduce_kernel has ld.global.v4.(f32|b32)
#include "staged.cuh"

int main() {
  return cuda_test::run_laws("norm", [](auto& r, auto& be) {
    pretext::check::detail::norm_ops<float>(r, be, 1e-5);
#if PRETEXT_TEST_DOUBLE
    pretext::check::detail::norm_ops<double>(r, be, 1e-10);
#endif
  });
}
