#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""SimCLR's augmentation in torchvision, image by image, bytes in and floats in [0, 1] out, as bench/run/augmentation.cpp:
RandomResizedCrop (area 0.08 to 1), RandomHorizontalFlip, ColorJitter(0.4, 0.4, 0.4, 0.1) with p 0.8, RandomGrayscale 0.2, and
from 96 pixels on GaussianBlur (kernel a tenth of the side, sigma 0.1 to 2) with p 0.5.

variants  pil        torchvision.transforms on PIL images, then to_tensor
          tensor_v1  torchvision.transforms on byte tensors
          tensor_v2  torchvision.transforms.v2 on byte tensors
Decisions are drawn by each side; --check does with torchvision's functions what our program decided.
"""
import itertools

from common import Case, main
import numpy
import torch
from PIL import Image
from torchvision import transforms as v1
from torchvision.transforms import functional as f1
from torchvision.transforms import v2

COUNTS = {32: 256, 96: 64, 224: 16}


def pictures(side):
    """As our program paints them: soft waves with some grain."""
    rng, at = numpy.random.default_rng(1), numpy.arange(side) / side
    for i in range(COUNTS[side]):
        waves = [128 + 100 * numpy.sin(6 * at[None, :] + 2 * c + i) * numpy.cos(5 * at[:, None]) for c in range(3)]
        yield numpy.clip(numpy.stack(waves, 2) + rng.uniform(-20, 20, (side, side, 3)), 0, 255).astype(numpy.uint8)


def chain(t, side, last):
    steps = [t.RandomResizedCrop(side, antialias=True), t.RandomHorizontalFlip(), t.RandomApply([t.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
             t.RandomGrayscale(p=0.2)]
    if side >= 96:
        kernel = 2 * (side // 20) + 1
        steps.append(t.RandomApply([t.GaussianBlur(kernel, sigma=(0.1, 2.0))], p=0.5))
    return t.Compose([*steps, last])


def stream(images, transform):
    n, cycle = len(images), itertools.cycle(images)

    def run():
        return [transform(next(cycle)) for _ in range(n)]
    return run


def case(side):
    tensors = lambda: [torch.from_numpy(p).permute(2, 0, 1).contiguous() for p in pictures(side)]
    to_float_v1 = v1.ConvertImageDtype(torch.float32)
    to_float_v2 = v2.ToDtype(torch.float32, scale=True)
    return Case(f"{side} pixels", {
        "pil": lambda: stream([Image.fromarray(p) for p in pictures(side)], chain(v1, side, v1.ToTensor())),
        "tensor_v1": lambda: stream(tensors(), chain(v1, side, to_float_v1)),
        "tensor_v2": lambda: stream(tensors(), chain(v2, side, to_float_v2))}, items=COUNTS[side])


def replay(x, d):
    top, left, height, width, flip, jitter, brightness, contrast, saturation, hue, *rest = d.tolist()
    order, grey, blur, sigma, kernel = rest[:4], *rest[4:]
    x = f1.resized_crop(x, int(top), int(left), int(height), int(width), list(x.shape[-2:]), antialias=True)
    if flip:
        x = f1.hflip(x)
    if jitter:
        steps = [lambda v: f1.adjust_brightness(v, brightness), lambda v: f1.adjust_contrast(v, contrast),
                 lambda v: f1.adjust_saturation(v, saturation), lambda v: f1.adjust_hue(v, hue)]
        for which in order:
            x = steps[int(which)](x)
    if grey:
        x = f1.rgb_to_grayscale(x, 3)
    return f1.gaussian_blur(x, int(kernel), sigma) if blur else x


def check(name, t):
    images = t["images"].permute(0, 3, 1, 2) / 255
    made = torch.stack([replay(x, d) for x, d in zip(images, t["decisions"])])
    yield "views", t["views"].permute(0, 3, 1, 2), made, 1e-4


if __name__ == "__main__":
    main("augmentation", [case(s) for s in COUNTS], check)
