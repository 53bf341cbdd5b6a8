// SPDX-License-Identifier: BSD-3-Clause
// build: O2
#include "resnet_golden.hpp"

TEST_CASE("resnet50: parameters have torchvision's names, shapes and number", "[encoder][resnet]") {
  resnet_golden::check_names<pretext::encoder::resnet50<>>("resnet50", 25557032);
}

TEST_CASE("resnet50: features, gradients and statistics are torchvision's, ImageNet stem", "[encoder][resnet]") {
  resnet_golden::check_numbers<pretext::encoder::resnet50<>>("resnet50", "imagenet", 64);
}

TEST_CASE("resnet50: features, gradients and statistics are torchvision's, CIFAR stem", "[encoder][resnet]") {
  resnet_golden::check_numbers<pretext::encoder::resnet50<pretext::encoder::cifar_stem>>("resnet50", "cifar", 32);
}
