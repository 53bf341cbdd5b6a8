// SPDX-License-Identifier: BSD-3-Clause
// A SimCLR step of ResNet-18 with a CIFAR stem: 3 x 32 x 32, 256 views, projector 512-128.
#include "resnet18_step.hpp"

namespace {

using namespace bench;

void measure(const options& o) { resnet18_step<px::precision::float32>(o, "step_resnet18", "256 views"); }

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
