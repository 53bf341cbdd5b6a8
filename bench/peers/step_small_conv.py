#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A SimCLR step of a small network in PyTorch, as bench/run/step_small_conv.cpp.

network   512 views of 1 x 28 x 28. Four times: 3x3 convolution by 2 with padding 1 and no bias, batch norm, ReLU; widths
          32, 64, 128, 256, maps of 14, 7, 4 and 2 pixels. Mean over pixels. Head: linear 128, ReLU, linear 64.
step      and variants: simclr_step.py
"""
from common import main
from simclr_step import Network, case, check_steps, convolution_gflop, mlp
import torch.nn as nn


def make():
    layers, channels = [], 1
    for width in (32, 64, 128, 256):
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        channels = width
    return Network(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), mlp(256, 128, 64))


def gflop_a_row():
    others = sum(convolution_gflop(i, 2 * i, 3, 2, side) for i, side in ((32, 14), (64, 7), (128, 4)))
    return 2 * convolution_gflop(1, 32, 3, 2, 28) + 3 * (others + 2e-9 * (256 * 128 + 128 * 64))


if __name__ == "__main__":
    main("step_small_conv", [case("512 views", make, (512, 1, 28, 28), gflop_a_row(), 64)], lambda name, t: check_steps(make, t))
