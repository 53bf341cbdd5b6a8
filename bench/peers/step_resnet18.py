#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A SimCLR step of ResNet-18 in PyTorch, as bench/run/step_resnet18.cpp.

network   256 views of 3 x 32 x 32. torchvision's resnet18 with a 3x3 convolution by 1 as its first and no max pool (the
          CIFAR stem of the SimCLR paper, appendix B.9), without fc. Head: linear 512, ReLU, linear 128.
step      and variants: simclr_step.py
"""
from common import main
from simclr_step import Network, case, check_steps, convolution_gflop, mlp
import torch.nn as nn
import torchvision


def make():
    encoder = torchvision.models.resnet18()
    encoder.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    encoder.maxpool = encoder.fc = nn.Identity()
    return Network(encoder, mlp(512, 512, 128))


def gflop_a_row():
    others = 4 * convolution_gflop(64, 64, 3, 1, 32)
    for i in (64, 128, 256):
        side = 2048 // i
        others += (convolution_gflop(i, 2 * i, 3, 2, side) + convolution_gflop(i, 2 * i, 1, 2, side) +
                   3 * convolution_gflop(2 * i, 2 * i, 3, 1, side // 2))
    return 2 * convolution_gflop(3, 64, 3, 1, 32) + 3 * (others + 2e-9 * (512 * 512 + 512 * 128))


if __name__ == "__main__":
    main("step_resnet18", [case("256 views", make, (256, 3, 32, 32), gflop_a_row(), 128)], lambda name, t: check_steps(make, t))
