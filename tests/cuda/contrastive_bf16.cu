// SPDX-License-Identifier: BSD-3-Clause
// ptx: contrastive_mma_forward_kernel has mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.bf16\.bf16\.f32
// ptx: contrastive_mma_forward_kernel has ldmatrix\.sync\.aligned\.m8n8\.x4\.shared\.b16
// ptx: contrastive_mma_forward_kernel has ld\.global(\.nc)?\.v4
// ptx: contrastive_mma_forward_kernel has ex2\.approx
// ptx: contrastive_mma_gradient_kernel has mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.bf16\.bf16\.f32
// ptx: contrastive_mma_gradient_kernel has ldmatrix\.sync\.aligned\.m8n8\.x4\.trans\.shared\.b16
// ptx: contrastive_mma_gradient_kernel has cvt\.rn\.bf16x2\.f32
#include "staged.cuh"

#include "pretext/precision/bf16.hpp"
#include "pretext/similarity/similarity.hpp"

using namespace pretext;

int main() {
  return cuda_test::run_laws("contrastive losses on tensor cores", [](auto& r, auto& be) {
    using rounding = precision::bf16_scores;
    const auto law = [&](const char* name, const auto& pair) {
      check::detail::compare_op<float>(r, be, name, rounding::allowed, [&](auto& b, index_t m, index_t n) {
        using V = typename std::remove_cvref_t<decltype(b)>::value_type;
        const index_t rows = 64 * m, width = 8 * n;  // of one number a distance is all rounding
        const auto it = b.positive({1});
        const auto z = b.sum({rows, width});
        b(op::scale, static_cast<V>(1 / std::sqrt(static_cast<double>(width))), z);
        const auto ids = b.integers({rows});
        b(op::pair_indices, index_t{0}, rows / 2, rows, ids);
        const auto lse = b.out({rows}), scores = b.out({rows}), expected = b.out({rows}), d = b.sum({rows, width});
        const op::pair_mask mask{0};
        b(op::rounded<op::contrastive_forward_op, rounding>{}, pair, as_const(z), as_const(z), as_const(ids), mask, it, lse, scores);
        b(op::rounded<op::contrastive_gradient_op, rounding>{}, pair, as_const(z), as_const(z), as_const(ids), as_const(ids), mask, it, as_const(lse),
          as_const(lse), V(0.5), d, expected);
      });
    };
    law("dot", similarity::dot{});
    law("negative_squared_euclidean", similarity::negative_squared_euclidean{});
    law("gaussian_kernel", similarity::gaussian_kernel{});
  });
}
