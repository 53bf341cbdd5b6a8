// SPDX-License-Identifier: BSD-3-Clause
#include "staged.cuh"

int main() {
  return cuda_test::run_laws("convolution", [](auto& r, auto& be) {
    pretext::check::detail::convolution_ops<float>(r, be, 1e-5);
#if PRETEXT_TEST_DOUBLE
    pretext::check::detail::convolution_ops<double>(r, be, 1e-10);
#endif
  });
}
