// SPDX-License-Identifier: BSD-3-Clause
// ptx: map_kernel has ld.global.v4.(f32|b32)
// ptx: map_kernel has st.global.v4.(f32|b32)
#include "staged.cuh"

int main() {
  return cuda_test::run_laws("elementwise", [](auto& r, auto& be) {
    pretext::check::detail::elementwise_ops<float>(r, be, 1e-5);
#if PRETEXT_TEST_DOUBLE
    pretext::check::detail::elementwise_ops<double>(r, be, 1e-10);
#endif
  });
}
