# SPDX-License-Identifier: BSD-3-Clause
"""Golden numbers of the image augmentations: torchvision's functional transforms with fixed decisions.
Run: python3 tests/golden/augment.py        (torch 1.13.1, torchvision 0.14.1)
Images are stored H, W, C. Inputs are uint8 tensors of a small linear congruential generator, so nothing depends on torch's own."""
import math
import os

import numpy as np
import torch
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode

from write_safetensors import save


def image(height, width, channels, seed):
    state, values = seed, []
    for _ in range(height * width * channels):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return np.array(values, dtype=np.uint8).reshape(height, width, channels)


def chw(a):
    """uint8 H, W, C -> float C, H, W in [0, 1], as ToTensor."""
    return torch.from_numpy(a.copy()).permute(2, 0, 1).float() / 255


def hwc(t):
    return t.permute(1, 2, 0).contiguous().float()


out = {}
photo, small, grey = image(29, 37, 3, 1), image(13, 11, 3, 2), image(17, 19, 1, 3)
one, line = image(1, 1, 3, 4), image(1, 23, 3, 5)
for name, a in (("photo", photo), ("small", small), ("grey", grey), ("one", one), ("line", line)):
    out[f"image.{name}"] = a

# crops: source, (top, left, height, width), (out height, out width)
crops = [("photo", photo, (3, 5, 20, 24), (32, 32)), ("photo", photo, (0, 0, 29, 37), (8, 9)), ("photo", photo, (2, 30, 27, 3), (16, 16)),
         ("photo", photo, (0, 0, 29, 37), (29, 37)), ("grey", grey, (4, 1, 9, 13), (7, 20)), ("one", one, (0, 0, 1, 1), (5, 4)),
         ("line", line, (0, 2, 1, 20), (6, 6)), ("small", small, (0, 0, 13, 11), (1, 1))]
for i, (name, a, (top, left, h, w), size) in enumerate(crops):
    out[f"crop.{i}.{name}.box"] = np.array([top, left, h, w], dtype=np.int64)
    out[f"crop.{i}.{name}.out"] = hwc(F.resized_crop(chw(a), top, left, h, w, list(size), InterpolationMode.BILINEAR, antialias=True))

for i, (a, name, size) in enumerate([(photo, "photo", (12, 12)), (photo, "photo", (13, 40)), (small, "small", (20, 8)), (grey, "grey", (17, 19))]):
    out[f"center.{i}.{name}"] = hwc(F.center_crop(chw(a), list(size)))

for name, a in (("small", small), ("grey", grey)):
    x = chw(a)
    for f in (0.0, 0.6, 1.7):
        out[f"brightness.{name}.{f}"] = hwc(F.adjust_brightness(x, f))
        out[f"contrast.{name}.{f}"] = hwc(F.adjust_contrast(x, f))
        out[f"saturation.{name}.{f}"] = hwc(F.adjust_saturation(x, f))
    for h in (-0.5, -0.3, 0.05, 0.2, 0.5):
        out[f"hue.{name}.{h}"] = hwc(F.adjust_hue(x, h))
    y = F.adjust_contrast(F.adjust_hue(F.adjust_brightness(F.adjust_saturation(x, 1.3), 0.7), 0.15), 1.2)
    out[f"jitter.{name}.2031"] = hwc(y)  # saturation, brightness, hue, contrast
    for kernel, sigma in ((3, 0.1), (3, 1.0), (7, 2.0), (9, 0.5)):
        out[f"blur.{name}.{kernel}.{sigma}"] = hwc(F.gaussian_blur(x, [kernel, kernel], [sigma, sigma]))
    out[f"solarize.{name}"] = hwc(F.solarize(x, 0.5))
    for angle, fill in ((30.0, 0.0), (-75.0, 0.25), (180.0, 0.0)):
        out[f"rotate.{name}.{angle}.{fill}"] = hwc(F.rotate(x, angle, InterpolationMode.BILINEAR, fill=[fill] * x.shape[0]))
    out[f"affine.{name}"] = hwc(F.affine(x, 20.0, [2, -1], 1.2, [10.0, -5.0], InterpolationMode.BILINEAR, fill=[0.5] * x.shape[0]))
out["grayscale.small"] = hwc(F.rgb_to_grayscale(chw(small), 3))
out["normalize.small"] = hwc(F.normalize(chw(small), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
out["normalize.grey"] = hwc(F.normalize(chw(grey), [0.1307], [0.3081]))

# Distributions: quantiles of RandomResizedCrop.get_params on a 40 x 56 image, for a two-sample comparison.
torch.manual_seed(0)
blank = torch.zeros(3, 40, 56)
from torchvision.transforms import RandomResizedCrop  # noqa: E402

boxes = [RandomResizedCrop.get_params(blank, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(200000)]
area = np.sort([h * w / (40 * 56) for _, _, h, w in boxes])
ratio = np.sort([math.log(w / h) for _, _, h, w in boxes])
at = (np.arange(1, 20) / 20 * len(boxes)).astype(int)
out["distribution.area"] = area[at]
out["distribution.log_ratio"] = ratio[at]
out["distribution.mean_area"] = np.array([area.mean()])
out["distribution.mean_top_left"] = np.array([np.mean([b[0] for b in boxes]), np.mean([b[1] for b in boxes])])
out["distribution.whole_width"] = np.array([np.mean([b[3] == 56 for b in boxes])])

save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "augment.safetensors"), out)
