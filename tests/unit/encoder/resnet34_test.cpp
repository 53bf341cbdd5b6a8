// SPDX-License-Identifier: BSD-3-Clause
// build: O2
#include "resnet_golden.hpp"

TEST_CASE("resnet34: parameters have torchvision's names, shapes and number", "[encoder][resnet]") {
  resnet_golden::check_names<pretext::encoder::resnet34<>>("resnet34", 21797672);
}

TEST_CASE("resnet34: features, gradients and statistics are torchvision's, ImageNet stem", "[encoder][resnet]") {
  resnet_golden::check_numbers<pretext::encoder::resnet34<>>("resnet34", "imagenet", 64);
}

TEST_CASE("resnet34: features, gradients and statistics are torchvision's, CIFAR stem", "[encoder][resnet]") {
  resnet_golden::check_numbers<pretext::encoder::resnet34<pretext::encoder::cifar_stem>>("resnet34", "cifar", 32);
}
