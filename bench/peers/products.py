#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Matrix products in PyTorch, as bench/run/products.cpp.

variants  matmul   torch.matmul into memory that is there (MKL in the wheels of PyPI)
          onednn   the same through oneDNN's matmul primitive
"""
from common import Case, main
import torch

SHAPES = [(512, 512, 512, ""), (1024, 1024, 1024, ""), (2048, 2048, 2048, ""), (256, 128, 512, ""), (32, 2048, 512, ""),
          (25088, 64, 576, ""), (4096, 4096, 128, " bt"), (1280, 10000, 512, ""), (4096, 1024, 256, "")]


def case(m, n, k, bt):
    def operands():
        a = torch.rand(m, k) * 2 - 1
        return a, (torch.rand(n, k) * 2 - 1).t() if bt else torch.rand(k, n) * 2 - 1

    def matmul():
        (a, b), c = operands(), torch.zeros(m, n)
        return lambda: torch.matmul(a, b, out=c)

    def onednn():
        a, b = operands()
        run = lambda: torch.ops.mkldnn._linear_pointwise(a, b.t(), None, "none", [], "")
        if (run() - a @ b).abs().max() > 1e-3:
            raise RuntimeError("another result")
        return run
    return Case(f"{m}x{n}x{k}{bt}", {"matmul": matmul, "onednn": onednn}, gflop=2e-9 * m * n * k)


def check(name, t):
    a, b = t["a"].double(), t["b"].double()
    yield "c", t["c"], a @ (b.t() if name.endswith("bt") else b), 1e-5


if __name__ == "__main__":
    main("products", [case(*s) for s in SHAPES], check)
