// SPDX-License-Identifier: BSD-3-Clause
// ptx: map_kernel has st.global.v4.(f32|b32)
#include "pretext/cuda.cuh"

#include <cstdio>

#include "staged.cuh"

// The door for users alone, and a back end without a library of matrices.
int main() {
  using own = pretext::backend::cuda<pretext::backend::own_products>;
  std::fputs(pretext::backend::report<own>().c_str(), stdout);
  return cuda_test::run_laws<own>("products without cuBLASLt", [](auto& r, auto& be) {
    pretext::check::detail::compare_op<float>(r, be, "linear", 1e-5, [](auto& b, pretext::index_t m, pretext::index_t n) {
      const auto x = b.in({m, 6}), w = b.in({n, 6}), bias = b.in({n});
      b(pretext::op::linear, x, w, bias, b.out({m, n}));
      b(pretext::op::copy, x, b.out({m, 6}));
    });
  });
}
