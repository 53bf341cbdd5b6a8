// SPDX-License-Identifier: BSD-3-Clause
#include "staged.cuh"

#include "pretext/precision/bf16.hpp"
#include "pretext/precision/tf32.hpp"

using namespace pretext;

namespace {

template <class Precision, class R, class B>
void products(R& r, B& be) {
  const auto law = [&](const char* name, auto&& run) { check::detail::compare_op<float>(r, be, name, Precision::allowed, run); };
  law("matmul", [](auto& b, index_t m, index_t n) {
    const auto x = b.in({8 * m, 64}), w = b.in({64, 8 * n});
    const auto sum = b.sum({8 * m, 8 * n});
    b(op::rounded<op::matmul_op, Precision>{}, x, w, sum, op::matmul_options{.accumulate = true});
  });
  law("linear", [](auto& b, index_t m, index_t n) {
    const auto x = b.in({8 * m, 64}), w = b.in({8 * n, 64}), bias = b.in({8 * n});
    b(op::rounded<op::linear_op, Precision>{}, x, w, bias, b.out({8 * m, 8 * n}));
  });
}

}  // namespace

int main() {
  return cuda_test::run_laws("products that round", [](auto& r, auto& be) {
    products<precision::tf32>(r, be);
    products<precision::bf16_products>(r, be);
  });
}
