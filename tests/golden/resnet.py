#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden numbers of ResNet-18/34/50 with torchvision's parameter names, in float64.

    python3 tests/golden/resnet.py        writes tests/golden/resnet.safetensors and tests/golden/resnet_names.txt

Written by PyTorch 1.13.1 and torchvision 0.14.1 (Debian 12).
Parameters and inputs are not stored but computed by formula.py: parameter(<torchvision name>); input =
uniform("input", 2, 3, 64, 64) for the ImageNet stem and uniform("input", 2, 3, 32, 32) for the CIFAR stem (conv1 3x3,
stride 1, padding 1, no max pool); coefficients = uniform("coefficients", 2, features).
Per net and stem, named <net>.<stem>.<tensor>:
  h_train         pooled features (2, features) with batch statistics, running statistics starting at 0 and 1
  h_eval          the same input afterwards in eval mode, so with the running statistics of that one pass
  gradient_norms  2-norm of the gradient of sum(h_train * coefficients) for every parameter but fc, in the order of the
                  names file
  conv1.weight.grad (18 only), bn1.weight.grad, bn1.bias.grad, input_grad_norm
  bn1.running_mean, bn1.running_var, <last norm>.running_mean, <last norm>.running_var after the pass
  parameters      their number with fc (1000 classes), encoder_parameters: without
Two rows a batch make the gradients ill-conditioned in float: PyTorch's own float32 is off by 5e-6 (18), 2e-5 (34) and
1e-2 (50) of the largest element of conv1's; in double a relative change of 1e-14 of the input changes them by 4e-12 at most.
The names file lists the state dict of each net: name, type and extents, in order.
"""
import os

import torch
import torchvision

from formula import fill, uniform
from write_safetensors import save

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = {}


def run(net, stem, size):
    model = getattr(torchvision.models, net)().double()
    whole = sum(p.numel() for p in model.parameters())
    features = model.fc.in_features
    model.fc = torch.nn.Identity()
    if stem == "cifar":
        model.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False).double()
        model.maxpool = torch.nn.Identity()
    fill(model)
    x = uniform("input", 2, 3, size, size).requires_grad_()
    h = model.train()(x)
    (h * uniform("coefficients", 2, features)).sum().backward()
    last = [n for n, m in model.named_modules() if isinstance(m, torch.nn.BatchNorm2d)][-1]
    norms = dict(model.named_modules())
    with torch.no_grad():
        values = {"h_train": h, "h_eval": model.eval()(x), "input_grad_norm": x.grad.norm(),
                  "gradient_norms": torch.stack([p.grad.norm() for p in model.parameters()]),
                  "bn1.weight.grad": model.bn1.weight.grad, "bn1.bias.grad": model.bn1.bias.grad,
                  "encoder_parameters": torch.tensor(sum(p.numel() for p in model.parameters()))}
        if stem == "imagenet":
            values["parameters"] = torch.tensor(whole)
        if net == "resnet18":
            values["conv1.weight.grad"] = model.conv1.weight.grad
        for norm in ("bn1", last):
            values[norm + ".running_mean"], values[norm + ".running_var"] = norms[norm].running_mean, norms[norm].running_var
    OUT.update({f"{net}.{stem}.{key}": value for key, value in values.items()})


def names():
    for net in ("resnet18", "resnet34", "resnet50"):
        state = getattr(torchvision.models, net)().state_dict()
        yield f"# {net} {len(state)}"
        for name, t in state.items():
            yield f"{name} {'I64' if t.dtype == torch.int64 else 'F32'} [{','.join(map(str, t.shape))}]"


if __name__ == "__main__":
    torch.manual_seed(0)
    for net in ("resnet18", "resnet34", "resnet50"):
        run(net, "imagenet", 64)
        run(net, "cifar", 32)
    save(os.path.join(HERE, "resnet.safetensors"), OUT)
    with open(os.path.join(HERE, "resnet_names.txt"), "w") as f:
        f.write("\n".join(names()) + "\n")
