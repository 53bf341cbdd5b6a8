// SPDX-License-Identifier: BSD-3-Clause
// build: O2
#include "resnet_golden.hpp"

TEST_CASE("resnet18: parameters have torchvision's names, shapes and number", "[encoder][resnet]") {
  resnet_golden::check_names<pretext::encoder::resnet18<>>("resnet18", 11689512);
}

TEST_CASE("resnet18: features, gradients and statistics are torchvision's, ImageNet stem", "[encoder][resnet]") {
  resnet_golden::check_numbers<pretext::encoder::resnet18<>>("resnet18", "imagenet", 64);
}

TEST_CASE("resnet18: features, gradients and statistics are torchvision's, CIFAR stem", "[encoder][resnet]") {
  resnet_golden::check_numbers<pretext::encoder::resnet18<pretext::encoder::cifar_stem>>("resnet18", "cifar", 32);
}
