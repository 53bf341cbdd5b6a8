# SPDX-License-Identifier: BSD-3-Clause
"""Numbers that both sides can compute: the golden scripts here, the tests in tests/support/golden.hpp.

  base      = FNV-1a (32 bits) of the tensor's name in UTF-8
  x         = base + k * 0x9E3779B9 (mod 2^32), k the index of the element in PyTorch's layout
  h         = mix32(x): x ^= x >> 16; x *= 0x7feb352d; x ^= x >> 15; x *= 0x846ca68b; x ^= x >> 16
  uniform_k = (2 h + 1) / 2^32 - 1, exact in double, in (-1, 1)
  parameter = uniform * sqrt(6 / fan_in) for two or more extents, fan_in the product of all but the first;
              1 + 0.2 * uniform for one extent and a name that ends in "weight"; 0.1 * uniform for one extent otherwise
"""
import math

import numpy as np
import torch


def mix32(x):
    x = np.asarray(x, dtype=np.uint32).copy()
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def fnv1a(name):
    h = 2166136261
    for byte in name.encode():
        h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
    return h


def uniform(name, *shape):
    """float64 tensor with values in (-1, 1)."""
    k = np.arange(math.prod(shape), dtype=np.uint64)
    x = (k * np.uint64(0x9E3779B9) + np.uint64(fnv1a(name))).astype(np.uint32)
    return torch.from_numpy((2.0 * mix32(x) + 1.0) / 4294967296.0 - 1.0).reshape(shape)


def parameter(name, *shape):
    u = uniform(name, *shape)
    if len(shape) >= 2:
        return u * math.sqrt(6.0 / math.prod(shape[1:]))
    return 1.0 + 0.2 * u if name.endswith("weight") else 0.1 * u


def fill(module):
    """Every parameter of a module by its name; statistics stay at 0 and 1."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(parameter(name, *p.shape))
    return module


def draw(name, *shape):
    """Roughly normal (variance 1), rounded to float32 so that a float back end starts from the very same input."""
    return sum(uniform(f"{name}/{i}", *shape) for i in range(3)).float().double()
