#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NT-Xent with cosine similarity over rows of 128 in PyTorch, loss and gradient, as bench/run/contrastive.cpp.

variants  masked    scores, a mask for the self pairs, cross_entropy
          in_place  the same, scaling and masking in the memory of the scores
          compiled  `masked` through torch.compile (--compile)
32768 rows need more than 16 GB here and are left to our program.
"""
import math

from common import Case, main
import torch
import torch.nn.functional as F

WIDTH, TAU = 128, 0.5


def masked(z):
    z, n = F.normalize(z), len(z)
    scores = (z @ z.t() / TAU).masked_fill(torch.eye(n, dtype=torch.bool), -math.inf)
    return F.cross_entropy(scores, (torch.arange(n) + n // 2) % n)


def in_place(z):
    z, n = F.normalize(z), len(z)
    scores = (z / TAU) @ z.t()
    scores.fill_diagonal_(-math.inf)
    return F.cross_entropy(scores, (torch.arange(n) + n // 2) % n)


def both_ways(loss, rows):
    z = (torch.rand(rows, WIDTH) * 2 - 1).requires_grad_()

    def run():
        z.grad = None
        loss(z).backward()
    return run


def case(rows):
    return Case(f"{rows} rows", {"masked": lambda: both_ways(masked, rows), "in_place": lambda: both_ways(in_place, rows),
                                 "compiled": lambda: both_ways(torch.compile(masked), rows)},
                gflop=4e-9 * rows * rows * WIDTH, slow=["compiled"], export=rows <= 4096)


def check(name, t):
    z = t["z"].double().requires_grad_()
    loss = masked(z)
    loss.backward()
    yield "loss", t["loss"], loss.reshape(1), 1e-5
    yield "gradient", t["dz"], z.grad, 1e-4


if __name__ == "__main__":
    main("contrastive", [case(r) for r in (512, 1024, 2048, 4096, 8192, 16384)], check)
