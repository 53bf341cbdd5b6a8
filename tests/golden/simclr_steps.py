#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ten training steps of a tiny SimCLR in float64, to follow a trainer step by step.

    python3 tests/golden/simclr_steps.py  writes tests/golden/simclr_steps.safetensors

Written by PyTorch 1.13.1 (Debian 12 python3-torch).
encoder  Sequential: 0 conv 3x3 1 -> 8 (padding 1, no bias), 1 batch norm, 2 relu, 3 max pool 2, 4 conv 3x3 8 -> 16,
         5 batch norm, 6 relu, then global average pool
head     Sequential: 0 linear 16 -> 16, 1 relu, 2 linear 16 -> 8
step     z = head(encoder(views[t])), both views in one pass (16 rows; i and i + 8 are a pair), NT-Xent, cosine, tau 0.5,
         AdamW(lr 0.01, betas 0.9 0.999, eps 1e-8, decay 0.01), rates[t] where a case has rates
cases    all      weight decay on every parameter, constant rate
         weights  weight decay on tensors of two or more extents only
         recipe   as weights, rate warming up over 3 steps ((t + 1) / 3) then cosine, gradients clipped to norm clip
                  with scale min(1, clip / norm)
stored   views (10, 16, 1, 8, 8) F32; initial.<name> F32 (formula.py's parameter(<name>), rounded); per case:
         losses (10), before each update; gradient_norms (10), before clipping; final.<name>, parameters and running
         statistics after ten steps; h0 (16, 16) and z0 (16, 8) of the first step; embedding: eval-mode features of
         views[0] at the end
float    the same in float32: losses within 5e-7, final parameters within 1.4e-5 of the largest of their tensor
"""
import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

from formula import draw, parameter
from write_safetensors import save

OUT = {}
STEPS, B, TAU = 10, 8, 0.5


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 8))
        self.double()
        for name, p in self.named_parameters():
            p.data = parameter(name, *p.shape).float().double()
            OUT["initial." + name] = p.data.float()


def nt_xent(z):
    z = F.normalize(z)
    logits = (z @ z.t() / TAU).masked_fill(torch.eye(2 * B, dtype=torch.bool), -math.inf)
    return F.cross_entropy(logits, torch.arange(2 * B).roll(B))


def run(case, decay_all, rates=None, clip=None):
    net = Net()
    wide = [p for p in net.parameters() if decay_all or p.dim() > 1]
    flat = [p for p in net.parameters() if not decay_all and p.dim() <= 1]
    groups = [{"params": wide, "weight_decay": 0.01}] + ([{"params": flat, "weight_decay": 0.0}] if flat else [])
    optimizer = torch.optim.AdamW(groups, lr=0.01)
    losses, norms = [], []
    for step in range(STEPS):
        h = net.encoder(OUT["views"][step].double())
        z = net.head(h)
        if step == 0:
            OUT[f"{case}.h0"], OUT[f"{case}.z0"] = h.detach(), z.detach()
        loss = nt_xent(z)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.stack([p.grad.norm() for p in net.parameters()]).norm()
        if clip and norm > clip:
            for p in net.parameters():
                p.grad *= clip / norm
        if rates is not None:
            for group in optimizer.param_groups:
                group["lr"] = rates[step]
        optimizer.step()
        losses.append(loss.item())
        norms.append(norm.item())
    OUT[case + ".losses"] = torch.tensor(losses, dtype=torch.float64)
    OUT[case + ".gradient_norms"] = torch.tensor(norms, dtype=torch.float64)
    for name, value in net.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            OUT[f"{case}.final.{name}"] = value.clone()
    with torch.no_grad():
        OUT[case + ".embedding"] = net.eval().encoder(OUT["views"][0].double())
    if rates is not None:
        OUT[case + ".rates"] = torch.tensor(rates, dtype=torch.float64)
    if clip:
        OUT[case + ".clip"] = torch.tensor(clip, dtype=torch.float64)
    print(case, ["%.4f" % v for v in losses], ["%.3f" % v for v in norms])


if __name__ == "__main__":
    base, noise = draw("views.base", STEPS, B, 1, 8, 8), draw("views.noise", STEPS, 2, B, 1, 8, 8)
    OUT["views"] = (0.5 + 0.25 * (base[:, None] + 0.5 * noise)).reshape(STEPS, 2 * B, 1, 8, 8).float()
    run("all", True)
    run("weights", False)
    rates = [0.01 * (t + 1) / 3 if t < 3 else 0.005 * (1 + math.cos(math.pi * (t - 3) / 7)) for t in range(STEPS)]
    run("recipe", False, rates, 0.2)
    save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "simclr_steps.safetensors"), OUT)
