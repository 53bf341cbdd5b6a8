# SPDX-License-Identifier: BSD-3-Clause
"""What the two SimCLR steps share: both views in one pass, NT-Xent (cosine, temperature 0.5), AdamW 1e-3 with decay 0.01 on
matrices and kernels alone. The views are ready: augmentation is measured apart.

variants  nchw, channels_last   the network and the views in that memory format
          compiled              `nchw` with the network and the loss through torch.compile (--compile)
          compiled_channels_last
          bf16_...              the same under torch.autocast to bfloat16; parameters, the loss and AdamW stay float32
"""
from common import Case
from contrastive import in_place, masked
from convolutions import gflop as gflop_of_128
import torch
import torch.nn as nn


class Network(nn.Module):
    def __init__(self, encoder, head):
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, x):
        return self.head(self.encoder(x))


def mlp(width, hidden, out):
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, out))


def convolution_gflop(*layer):
    """Of one pass over one image."""
    return gflop_of_128(*layer) / 128


def optimizer_of(model, **how):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}], lr=1e-3, **how)


def rounded(model, x, rounds):
    """The model's output in float32, computed in bfloat16 where `rounds`."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=rounds):
        z = model(x)
    return z.float() if rounds else z


def stepper(make, shape, layout, compiled, rounds=False):
    model = make().train().to(memory_format=layout)
    x = (torch.rand(*shape) * 2 - 1).contiguous(memory_format=layout)
    optimizer = optimizer_of(model, fused=True)
    forward = lambda v: in_place(rounded(model, v, rounds))
    if compiled:
        forward = torch.compile(lambda v: masked(rounded(model, v, rounds)))

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss = forward(x)
        loss.backward()
        optimizer.step()
        return loss.item()
    return run


def case(name, make, shape, gflop_a_row, width, rounds=False):
    layouts, prefix = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}, "bf16_" if rounds else ""
    variants = {prefix + n: lambda l=l: stepper(make, shape, l, False, rounds) for n, l in layouts.items()}
    slow = {prefix + n: lambda l=l: stepper(make, shape, l, True, rounds)
            for n, l in {"compiled": layouts["nchw"], "compiled_channels_last": layouts["channels_last"]}.items()}
    return Case(name, {**variants, **slow}, gflop=gflop_a_row * shape[0] + 4e-9 * shape[0] ** 2 * width, items=shape[0], slow=list(slow))


def three_steps(make, t, kind, rounds=False):
    """The gradients of the first step as one vector, and the losses of three."""
    model = make()
    start = {n.removeprefix("start."): v for n, v in t.items() if n.startswith("start.")}
    names = {n for n, _ in model.named_parameters()}
    if names != set(start):
        raise SystemExit(f"other parameters: {sorted(names ^ set(start))}")
    model.load_state_dict(start, strict=False)
    model = model.to(kind).train()
    optimizer, x, losses = optimizer_of(model), t["views"].permute(0, 3, 1, 2).to(kind), []
    for i in range(3):
        optimizer.zero_grad(set_to_none=True)
        loss = masked(rounded(model, x, rounds))
        loss.backward()
        if i == 0:
            gradients = torch.cat([p.grad.double().flatten() for p in model.parameters()])
        optimizer.step()
        losses.append(loss.item())
    return gradients, torch.tensor(losses, dtype=torch.float64), [n for n, _ in model.named_parameters()]


def check_steps(make, t, rounds=False):
    """From our start in double. A relu whose input is nearly 0 turns a rounding error into a step, so PyTorch in float is
    off by as much: its distance from its own double is the measure where it is above 1e-3. The same in bfloat16, where only
    the first loss is compared: AdamW's first steps have the size of the rate in whatever direction a rounded gradient points."""
    exact, losses, names = three_steps(make, t, torch.float64)
    single = three_steps(make, t, torch.float32, rounds)[0]
    ours = torch.cat([10 * t["moment." + n].double().flatten() for n in names])  # AdamW's first moment is a tenth of it
    off = lambda g: ((g - exact).norm() / exact.norm()).item()
    yield "gradients", off(ours), max(1e-3, 2 * off(single))
    compared = 1 if rounds else 3
    yield "losses", t["losses"][:compared], losses[:compared], 1e-3
