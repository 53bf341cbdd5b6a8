#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden numbers of what generators and discriminators are made of: values and gradients in float64 by autograd.

    python3 tests/golden/generators.py        writes tests/golden/generators.safetensors

Written by PyTorch 2.15. Layouts and names are those of layers.py: pictures NCHW, x, dy and parameters exact in float32;
<layer>.<case>.<tensor>. penalty.<kind>.*: a discriminator 3 -> 5 -> tanh -> 1 and the gradient of its penalty by double
backpropagation.
"""
import os

import torch
import torch.nn.functional as F

from formula import draw
from write_safetensors import save

OUT = {}


def case(name, function, **inputs):
    leaves = {k: v.clone().requires_grad_() for k, v in inputs.items()}
    y = function(**leaves)
    dy = draw(name + ".dy", *y.shape)
    grads = torch.autograd.grad((y * dy).sum(), list(leaves.values()))
    for key, value in inputs.items():
        OUT[f"{name}.{key}"] = value.float()
    OUT[f"{name}.y"], OUT[f"{name}.dy"] = y, dy.float()
    for key, g in zip(leaves, grads):
        OUT[f"{name}.d{key}"] = g


def conv_transpose2d():
    #        B  in out H  W  k  s  p  o  g  bias
    for b, i, c, h, w, k, s, p, o, g, bias in ((2, 3, 5, 3, 4, 4, 2, 1, 0, 1, True), (1, 4, 3, 1, 1, 4, 1, 0, 0, 1, True),
                                               (2, 4, 6, 3, 2, 3, 2, 1, 1, 2, True), (3, 5, 2, 4, 4, 3, 1, 1, 0, 1, False)):
        name = f"conv_transpose2d.{k}s{s}p{p}o{o}g{g}"
        inputs = dict(x=draw(name + ".x", b, i, h, w), weight=draw(name + ".weight", i, c // g, k, k))
        if bias:
            inputs["bias"] = draw(name + ".bias", c)
        case(name, lambda x, weight, bias=None: F.conv_transpose2d(x, weight, bias, s, p, o, g), **inputs)


def upsample():
    for how in ("nearest", "bilinear"):
        for s, h, w in ((2, 3, 4), (3, 1, 2)):
            more = {"align_corners": False} if how == "bilinear" else {}
            name = f"upsample2d.{how}{s}"
            case(name, lambda x: F.interpolate(x, scale_factor=s, mode=how, **more), x=draw(name + ".x", 2, 3, h, w))


def norms():
    for name, groups, shape in (("group_norm.picture", 2, (2, 6, 3, 4)), ("group_norm.row", 3, (4, 12)), ("group_norm.pixel", 1, (2, 4, 1, 1))):
        case(name, lambda x, weight, bias: F.group_norm(x, groups, weight, bias), x=draw(name + ".x", *shape),
             weight=draw(name + ".weight", shape[1]), bias=draw(name + ".bias", shape[1]))
    name = "instance_norm.picture"
    case(name, lambda x, weight, bias: F.instance_norm(x, weight=weight, bias=bias), x=draw(name + ".x", 2, 3, 4, 5),
         weight=draw(name + ".weight", 3), bias=draw(name + ".bias", 3))


def spectral_norm():
    for name, layer, shape in (("spectral_norm.linear", torch.nn.Linear(5, 4), (3, 5)),
                               ("spectral_norm.conv2d", torch.nn.Conv2d(2, 4, 3, padding=1), (2, 2, 4, 3))):
        layer = torch.nn.utils.spectral_norm(layer.double())
        x, w, bias = draw(name + ".x", *shape), draw(name + ".weight", *layer.weight_orig.shape), draw(name + ".bias", 4)
        u, v = draw(name + ".u", *layer.weight_u.shape), draw(name + ".v", *layer.weight_v.shape)
        with torch.no_grad():
            layer.weight_orig.copy_(w), layer.bias.copy_(bias)
            u, v = F.normalize(u, dim=0).float().double(), F.normalize(v, dim=0).float().double()
            layer.weight_u.copy_(u), layer.weight_v.copy_(v)
        leaf = x.clone().requires_grad_()
        y = layer(leaf)
        dy = draw(name + ".dy", *y.shape)
        (y * dy).sum().backward()
        OUT.update({f"{name}.x": x.float(), f"{name}.dy": dy.float(), f"{name}.y": y, f"{name}.dx": leaf.grad, f"{name}.weight_orig": w.float(),
                    f"{name}.bias": bias.float(), f"{name}.weight_u": u.float(), f"{name}.weight_v": v.float(),
                    f"{name}.new_weight_u": layer.weight_u, f"{name}.new_weight_v": layer.weight_v,
                    f"{name}.dweight_orig": layer.weight_orig.grad, f"{name}.dbias": layer.bias.grad})


def activations():
    for name, f in (("leaky_relu.values", lambda x: F.leaky_relu(x, 0.2)), ("sigmoid.values", torch.sigmoid), ("tanh.values", torch.tanh)):
        case(name, f, x=torch.tensor([-40.0, -3.0, -0.5, -1e-3, 1e-3, 0.7, 2.5, 40.0], dtype=torch.float32).double())


def penalties():
    for kind in ("r1", "gp"):
        name = f"penalty.{kind}"
        x = draw(name + ".x", 6, 3)
        p = [draw(f"{name}.{k}", *s) for k, s in (("0.weight", (5, 3)), ("0.bias", (5,)), ("2.weight", (1, 5)), ("2.bias", (1,)))]
        leaves, moving = [t.clone().requires_grad_() for t in p], x.clone().requires_grad_()
        score = F.linear(torch.tanh(F.linear(moving, leaves[0], leaves[1])), leaves[2], leaves[3])
        g, = torch.autograd.grad(score.sum(), moving, create_graph=True)
        value = 5.0 * (g * g).sum(1).mean() if kind == "r1" else 10.0 * ((g.norm(dim=1) - 1) ** 2).mean()
        grads = torch.autograd.grad(value, leaves[:3])
        OUT.update({f"{name}.x": x.float(), f"{name}.value": value})
        for k, t in zip(("0.weight", "0.bias", "2.weight", "2.bias"), p):
            OUT[f"{name}.{k}"] = t.float()
        for k, t in zip(("0.weight", "0.bias", "2.weight"), grads):
            OUT[f"{name}.d{k}"] = t


conv_transpose2d()
upsample()
norms()
spectral_norm()
activations()
penalties()
save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "generators.safetensors"), OUT)
