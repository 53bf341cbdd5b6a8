#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The convolutions of ResNet-18 with a CIFAR stem at batch 128 in PyTorch, as bench/run/convolutions.cpp.

variants  nchw, channels_last   activations and weights in that memory format
          blocked               activations and weights in oneDNN's own layouts; PyTorch has the forward pass alone
"""
from common import Case, main
import torch
import torch.nn.functional as F

BATCH = 128
LAYERS = [(3, 64, 3, 1, 32), (64, 64, 3, 1, 32), (64, 128, 3, 2, 32), (64, 128, 1, 2, 32), (128, 128, 3, 1, 16), (128, 256, 3, 2, 16),
          (128, 256, 1, 2, 16), (256, 256, 3, 1, 8), (256, 512, 3, 2, 8), (256, 512, 1, 2, 8), (512, 512, 3, 1, 4)]
PASSES = ["forward", "input_gradient", "weight_gradient"]


def layer_name(i, o, k, s, side):
    return f"{i}-{o} {k}x{k}{'' if s == 1 else f' s{s}'} {side}x{side}"


def gflop(i, o, k, s, side):
    """Products with the zeros around the map are not asked for."""
    out = (side + 2 * (k // 2) - k) // s + 1
    taps = sum(0 <= y * s + u - k // 2 < side for y in range(out) for u in range(k))
    return 2e-9 * taps * taps * i * o * BATCH


def one_pass(kind, x, w, dy, k, s):
    if kind == "forward":
        return F.conv2d(x, w, None, s, k // 2)
    mask = [kind == "input_gradient", kind == "weight_gradient", False]
    return torch.ops.aten.convolution_backward(dy, x, w, None, [s, s], [k // 2, k // 2], [1, 1], False, [0, 0], 1, mask)[0 if mask[0] else 1]


def cases():
    for i, o, k, s, side in LAYERS:
        for kind in PASSES:
            def prepared(to, i=i, o=o, k=k, s=s, side=side, kind=kind):
                x, w = to(torch.rand(BATCH, i, side, side) - 0.5), to(torch.rand(o, i, k, k) - 0.5)
                with torch.no_grad():
                    dy = to(F.conv2d(torch.rand(BATCH, i, side, side) - 0.5, torch.rand(o, i, k, k) - 0.5, None, s, k // 2))
                return lambda: one_pass(kind, x, w, dy, k, s)
            formats = {"nchw": lambda t: t.contiguous(), "channels_last": lambda t: t.contiguous(memory_format=torch.channels_last)}
            if kind == "forward":
                formats["blocked"] = lambda t: t.to_mkldnn()
            yield Case(f"{layer_name(i, o, k, s, side)} {kind}", {n: lambda p=prepared, to=to: p(to) for n, to in formats.items()},
                       gflop=gflop(i, o, k, s, side))


def check(name, t):
    kind = name.rsplit(" ", 1)[1]
    k, s = t["w"].shape[1], t["x"].shape[1] // t["dy"].shape[1]
    image = lambda v: v.permute(0, 3, 1, 2).double()  # (B, H, W, C) here
    result = one_pass(kind, image(t["x"]), t["w"][0].permute(3, 2, 0, 1).double(), image(t["dy"]), k, s)
    yield kind, t["result"], result.permute(2, 3, 1, 0)[None] if kind == "weight_gradient" else result.permute(0, 2, 3, 1), 1e-4


if __name__ == "__main__":
    main("convolutions", list(cases()), check)
