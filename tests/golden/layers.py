#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden numbers of the layers: value and gradients in float64 by autograd, in PyTorch's layouts.

    python3 tests/golden/layers.py        writes tests/golden/layers.safetensors

Written by PyTorch 1.13.1 (Debian 12 python3-torch). Inputs (x, dy, weight, bias, running_*) are exact in float32 and
stored as F32, results as F64. Images are NCHW, convolution weights [out, in/groups, kh, kw]. Names are
<layer>.<case>.<tensor>; dx, dweight, dbias belong to sum(y * dy). The case of a convolution or a pooling is
<kernel>s<stride>p<padding>[g<groups>] and one word about the size.
"""
import os

import torch
import torch.nn.functional as F

from formula import draw
from write_safetensors import save

OUT = {}


def case(name, function, inputs, **more):
    """Stores inputs, y, dy and the gradient of sum(y * dy) for every input."""
    leaves = {k: v.clone().requires_grad_() for k, v in inputs.items()}
    y = function(**leaves)
    dy = draw(name + ".dy", *y.shape)
    grads = torch.autograd.grad((y * dy).sum(), list(leaves.values()))
    for key, value in inputs.items():
        OUT[f"{name}.{key}"] = value.float()
    OUT[f"{name}.y"], OUT[f"{name}.dy"] = y, dy.float()
    for key, g in zip(leaves, grads):
        OUT[f"{name}.d{key}"] = g
    for key, value in more.items():
        OUT[f"{name}.{key}"] = value


def inputs(name, **shapes):
    return {key: draw(f"{name}.{key}", *shape) for key, shape in shapes.items()}


def linear():
    for b, i, o in ((1, 1, 1), (1, 7, 3), (7, 31, 13), (5, 13, 33), (2, 65, 10)):
        name = f"linear.{b}x{i}x{o}"
        case(name, lambda x, weight, bias: F.linear(x, weight, bias), inputs(name, x=(b, i), weight=(o, i), bias=(o,)))
    name = "linear.3x8x5nobias"
    case(name, lambda x, weight: F.linear(x, weight), inputs(name, x=(3, 8), weight=(5, 8)))


def conv2d():
    #       word        B  in out  H   W  k  s  p  g
    for row in (("odd", 1, 3, 4, 5, 7, 3, 1, 1, 1), ("even", 2, 3, 4, 9, 8, 3, 2, 1, 1),
                ("odd", 2, 5, 7, 4, 5, 1, 1, 0, 1), ("odd", 2, 4, 6, 7, 7, 1, 2, 0, 1),
                ("odd", 1, 2, 3, 9, 6, 5, 1, 2, 1), ("odd", 2, 3, 4, 11, 13, 7, 2, 3, 1),
                ("small", 1, 2, 3, 4, 5, 7, 1, 3, 1), ("valid", 2, 4, 6, 6, 5, 3, 1, 0, 2),
                ("depthwise", 3, 6, 6, 5, 5, 3, 1, 1, 6), ("depthwise", 2, 4, 8, 7, 6, 3, 2, 1, 4),
                ("wide_pad", 1, 2, 3, 3, 4, 3, 1, 2, 1), ("groups", 2, 6, 3, 7, 8, 5, 2, 0, 3),
                ("pixel", 1, 2, 2, 1, 1, 3, 2, 1, 1), ("tiles", 2, 13, 17, 6, 6, 3, 1, 1, 1)):
        word, b, i, o, h, w, k, s, p, g = row
        name = f"conv2d.{k}x{k}s{s}p{p}g{g}{word}"
        case(name, lambda x, weight, bias: F.conv2d(x, weight, bias, s, p, 1, g),
             inputs(name, x=(b, i, h, w), weight=(o, i // g, k, k), bias=(o,)))


def batch_norm():
    """Train: running statistics move by momentum 0.1 towards the mean and the unbiased variance. Eval: they are used.
    `offset` adds 1000 to x: a variance computed as E[x^2] - E[x]^2 in float fails it."""
    for kind, word, shape in (("batch_norm2d", "odd", (4, 3, 5, 6)), ("batch_norm2d", "single", (1, 2, 3, 3)),
                              ("batch_norm2d", "pixels", (3, 7, 1, 1)), ("batch_norm2d", "wide", (2, 17, 3, 4)),
                              ("batch_norm2d", "offset", (2, 3, 4, 4)), ("batch_norm1d", "two", (2, 3)),
                              ("batch_norm1d", "odd", (7, 5)), ("batch_norm1d", "tall", (31, 4))):
        for training in (True, False):
            name = f"{kind}.{word}.{'train' if training else 'eval'}"
            c = shape[1]
            data = inputs(name, x=shape, weight=(c,), bias=(c,))
            if word == "offset":
                data["x"] = (data["x"] + 1000).float().double()
            mean, var = draw(name + ".running_mean", c), (draw(name + ".running_var", c).abs() + 0.5).float().double()
            norm = lambda x, weight, bias: F.batch_norm(x, mean.clone(), var.clone(), weight, bias, training, 0.1, 1e-5)
            case(name, norm, data, running_mean=mean.float(), running_var=var.float())
            if training:
                F.batch_norm(data["x"], mean, var, None, None, True, 0.1, 1e-5)
                OUT[f"{name}.new_running_mean"], OUT[f"{name}.new_running_var"] = mean, var


def layer_norm():
    for word, shape in (("row", (1, 7)), ("rows", (3, 16)), ("sequence", (2, 5, 31)), ("offset", (2, 9)),
                        ("constant", (2, 6))):
        name = "layer_norm." + word
        data = inputs(name, x=shape, weight=shape[-1:], bias=shape[-1:])
        if word == "offset":
            data["x"] = (data["x"] + 1000).float().double()
        if word == "constant":
            data["x"] = torch.full(shape, 3.0, dtype=torch.float64)
        case(name, lambda x, weight, bias: F.layer_norm(x, shape[-1:], weight, bias, 1e-5), data)


def activations():
    """At 0 the derivative of relu is 0; gelu is the erf form."""
    extremes = torch.tensor([0.0, -0.0, 1e-8, -1e-8, 1e-30, -1e-30, 40.0, -40.0, 1e4, -1e4], dtype=torch.float64)
    x = torch.cat([torch.linspace(-12, 12, 97, dtype=torch.float64), draw("activation.x", 64), extremes]).float().double()
    case("relu.values", lambda x: F.relu(x), {"x": x})
    case("gelu.values", lambda x: F.gelu(x), {"x": x})


def pooling():
    """max: the gradient goes to the first maximum in row order (`ties`), padding never wins (`negative`).
    avg: padding counts in the divisor, PyTorch's default."""
    sizes = (("even", (2, 3, 6, 4)), ("odd", (1, 2, 7, 5)), ("single", (1, 1, 2, 2)))
    for k, s, p in ((2, 2, 0), (3, 2, 1), (3, 1, 1)):
        for word, shape in sizes + (("ties", (1, 1, 6, 6)), ("negative", (1, 2, 4, 5))):
            name = f"max_pool2d.{k}s{s}p{p}{word}"
            data = inputs(name, x=shape)
            if word == "ties":
                data["x"] = data["x"].round().clamp(0, 1)
            if word == "negative":
                data["x"] = (data["x"] - 100).float().double()
            case(name, lambda x: F.max_pool2d(x, k, s, p), data)
    for k, s, p in ((2, 2, 0), (3, 2, 1)):
        for word, shape in sizes[:2]:
            name = f"avg_pool2d.{k}s{s}p{p}{word}"
            case(name, lambda x: F.avg_pool2d(x, k, s, p), inputs(name, x=shape))
    for word, shape in sizes + (("pixel", (3, 4, 1, 1)),):
        name = "global_avg_pool." + word
        case(name, lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), inputs(name, x=shape))


def flatten():
    """Columns of a linear layer behind flatten count channels slowest, then rows, then columns of the image."""
    name = "flatten.linear"
    case(name, lambda x, weight, bias: F.linear(x.flatten(1), weight, bias),
         inputs(name, x=(2, 3, 4, 5), weight=(6, 60), bias=(6,)))


def softmax():
    for word, shape, scale in (("row", (1, 3), 1), ("rows", (5, 17), 4), ("one", (3, 1), 1), ("huge", (4, 6), 1000)):
        logits = (draw("softmax." + word, *shape) * scale).float().double()
        case(f"softmax.{word}", lambda x: F.softmax(x, 1), {"x": logits})
        case(f"log_softmax.{word}", lambda x: F.log_softmax(x, 1), {"x": logits})
        labels = torch.arange(shape[0]) * 7 % shape[1]
        x = logits.clone().requires_grad_()
        loss = F.cross_entropy(x, labels)                   # mean over rows
        loss.backward()
        name = "cross_entropy." + word
        OUT.update({f"{name}.x": logits.float(), f"{name}.labels": labels, f"{name}.loss": loss, f"{name}.dx": x.grad})


def normalize():
    """y = x / max(|x|, 1e-12), rows. Row 0 of `zero` is zero: PyTorch gives y = 0 there and the gradient dy / 1e-12;
    a library may prefer the gradient 0, so compare the other rows. `long`: norms of 1e15, `short`: of 1e-9."""
    for word, shape, scale in (("rows", (5, 7), 1), ("one", (2, 1), 1), ("zero", (3, 4), 1), ("long", (2, 5), 1e15),
                               ("short", (2, 5), 1e-9)):
        name = "normalize." + word
        x = (draw(name + ".x", *shape) * scale).float().double()
        if word == "zero":
            x[0] = 0
        case(name, lambda x: F.normalize(x, dim=1), {"x": x})


if __name__ == "__main__":
    for part in (linear, conv2d, batch_norm, layer_norm, activations, pooling, flatten, softmax, normalize):
        part()
    save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.safetensors"), OUT)
