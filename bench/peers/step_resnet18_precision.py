#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The step of step_resnet18.py under torch.autocast to bfloat16, beside our precisions that store activations so."""
from common import main
from simclr_step import case, check_steps
from step_resnet18 import gflop_a_row, make

ROUNDED = ("bf16", "bf16_storage_block16")

if __name__ == "__main__":
    main("step_resnet18_precision", [case(name, make, (256, 3, 32, 32), gflop_a_row(), 128, rounds=True) for name in ROUNDED],
         lambda name, t: check_steps(make, t, rounds=True))
