// SPDX-License-Identifier: BSD-3-Clause
#include "staged.cuh"

int main() {
  return cuda_test::run_laws("rows", [](auto& r, auto& be) {
    pretext::check::detail::row_ops<float>(r, be, 1e-5);
#if PRETEXT_TEST_DOUBLE
    pretext::check::detail::row_ops<double>(r, be, 1e-10);
#endif
  });
}
