// SPDX-License-Identifier: BSD-3-Clause
// step_resnet18 in the precisions that round what products multiply, and with activations stored as bfloat16.
#include <pretext/precision/bf16.hpp>
#include <pretext/precision/block16.hpp>

#include "resnet18_step.hpp"

namespace {

using namespace bench;

void measure(const options& o) {
  resnet18_step<px::precision::float32>(o, "step_resnet18_precision", "float32");
  resnet18_step<px::precision::bf16_products>(o, "step_resnet18_precision", "bf16_products");
  resnet18_step<px::precision::block16>(o, "step_resnet18_precision", "block16");
  resnet18_step<px::precision::bf16_storage<>>(o, "step_resnet18_precision", "bf16_storage");
  resnet18_step<px::precision::bf16>(o, "step_resnet18_precision", "bf16");
  resnet18_step<px::precision::bf16_storage<px::precision::block16>>(o, "step_resnet18_precision", "bf16_storage_block16");
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
