#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Memory-bound work in PyTorch, as bench/run/memory_bound.cpp: AdamW and a moving average of 10 M parameters, softmax with
cross-entropy, layer norm, gelu (erf) and batch norm (training, with and without relu) on 64 MB. `both` is forward and
backward.

variants  in_place       softmax, and 1 taken from it at the labels, without autograd
          logsumexp      the losses by torch.logsumexp
          eager          what one writes (fused AdamW; lerp_ for the average); freed memory is kept between runs
          out            forward into memory that is there, where PyTorch can
          channels_last  batch norm on 256 x 64 x 32 x 32 in that memory format; `eager` is NCHW
          compiled       torch.compile (--compile)
"""
from common import Case, main
import torch
import torch.nn.functional as F

LAYERS = {"layer_norm": (4096, 4096), "gelu": (4096, 4096), "batch_norm": (256, 64, 32, 32), "batch_norm_relu": (256, 64, 32, 32)}
PASSES = {"layer_norm": (2, 3), "gelu": (2, 3), "batch_norm": (3, 5), "batch_norm_relu": (3, 5)}


def adamw(n):
    p = (torch.rand(n) * 2 - 1).requires_grad_()
    p.grad = torch.rand(n) * 2 - 1
    optimizer = torch.optim.AdamW([p], lr=1e-3, fused=True)
    return optimizer.step


def ema(n):
    source, target = torch.rand(n), torch.rand(n)
    return lambda: target.lerp_(source, 0.01)


def apply(kind, x, w):
    if kind == "gelu":
        return F.gelu(x)
    if kind == "layer_norm":
        return F.layer_norm(x, x.shape[-1:], w[0], w[1])
    y = F.batch_norm(x, None, None, w[0], w[1], True)
    return F.relu(y) if kind == "batch_norm_relu" else y


def layer(kind, both, form=torch.contiguous_format, compiled=False):
    shape = LAYERS[kind]
    move = (lambda t: t.contiguous(memory_format=form)) if len(shape) == 4 else (lambda t: t)
    x, dy = move(torch.rand(shape) * 2 - 1), move(torch.rand(shape) * 2 - 1)
    w = [] if kind == "gelu" else [torch.rand(shape[1]) + 0.5, torch.rand(shape[1]) + 0.5]
    f = torch.compile(apply) if compiled else apply
    leaves = [x, *w] if both else []
    for t in leaves:
        t.requires_grad_()

    def run():
        if not both:
            with torch.no_grad():
                return f(kind, x, w)
        for t in leaves:
            t.grad = None
        f(kind, x, w).backward(dy)
    return run


def layer_into(kind):
    x, y = torch.rand(LAYERS[kind]) * 2 - 1, torch.zeros(LAYERS[kind])
    return lambda: torch.ops.aten.gelu.out(x, out=y)


def softmax(both, compiled=False):
    x, labels = torch.rand(4096, 4096) * 2 - 1, torch.arange(4096) * 7 % 4096
    loss = lambda x: F.cross_entropy(x, labels, reduction="none")
    loss = torch.compile(loss) if compiled else loss
    ones = torch.ones(4096)
    if both:
        x.requires_grad_()

    def run():
        if not both:
            with torch.no_grad():
                return loss(x)
        x.grad = None
        loss(x).backward(ones)
    return run


def log_sum_exp():
    x, labels = torch.rand(4096, 4096) * 2 - 1, (torch.arange(4096) * 7 % 4096)[:, None]
    return lambda: torch.logsumexp(x, 1) - x.gather(1, labels)[:, 0]


def softmax_in_place():
    x, labels, rows = torch.rand(4096, 4096) * 2 - 1, torch.arange(4096) * 7 % 4096, torch.arange(4096)

    def run():
        p = torch.softmax(x, 1)
        losses = p[rows, labels].log_().neg_()
        p[rows, labels] -= 1
        return losses, p
    return run


def cases():
    yield Case("adamw 10M", {"eager": lambda: adamw(10_000_000)}, gbytes=0.28)
    yield Case("ema 10M", {"eager": lambda: ema(10_000_000)}, gbytes=0.12)
    large = 4e-9 * 4096 * 4096
    for both in (False, True):
        variants = {"eager": lambda b=both: softmax(b), "compiled": lambda b=both: softmax(b, True)}
        if not both:
            variants["logsumexp"] = log_sum_exp
        else:
            variants["in_place"] = softmax_in_place
        yield Case(f"softmax_cross_entropy {'both' if both else 'loss'}", variants, gbytes=(2 if both else 1) * large, slow=["compiled"])
    for kind, shape in LAYERS.items():
        for both in (False, True):
            variants = {"eager": lambda k=kind, b=both: layer(k, b)}
            if len(shape) == 4:
                variants["channels_last"] = lambda k=kind, b=both: layer(k, b, torch.channels_last)
                variants["compiled"] = lambda k=kind, b=both: layer(k, b, torch.channels_last, True)
            else:
                variants["compiled"] = lambda k=kind, b=both: layer(k, b, compiled=True)
            if kind == "gelu" and not both:
                variants["out"] = lambda k=kind: layer_into(k)
            yield Case(f"{kind} {'both' if both else 'forward'}", variants, gbytes=(sum(PASSES[kind]) if both else PASSES[kind][0]) * large,
                       slow=["compiled"])


def check(name, t):
    kind, both = name.split(" ")[0], name.endswith("both")
    if kind == "adamw":  # the tenth update
        g, p, m, v = t["before"].double()
        p = p.clone().requires_grad_()
        p.grad, optimizer = g, torch.optim.AdamW([p], lr=1e-3)
        optimizer.state[p] = {"step": torch.tensor(9.0), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
        optimizer.step()
        yield from (("p", t["p"], p, 1e-5), ("m", t["m"], optimizer.state[p]["exp_avg"], 1e-5),
                    ("v", t["v"], optimizer.state[p]["exp_avg_sq"], 1e-5))
    elif kind == "ema":
        yield "target", t["target"], torch.lerp(t["before"].double(), t["source"].double(), 0.01), 1e-5
    elif kind == "softmax_cross_entropy":
        x = t["x"].double().requires_grad_()
        losses = F.cross_entropy(x, torch.arange(len(x)) * 7 % x.shape[1], reduction="none")
        yield "losses", t["losses"], losses, 1e-5
        if both:
            losses.sum().backward()
            yield "gradient", t["dx"], x.grad, 1e-5
    else:
        channels_first = t["x"].dim() == 4
        move = lambda v: v.permute(0, 3, 1, 2) if channels_first else v
        c = 0 if kind == "gelu" else t["x"].shape[-1]
        w = [t["weights"][:c].double().requires_grad_(), t["weights"][c:2 * c].double().requires_grad_()]
        x = move(t["x"].double()).requires_grad_()
        y = apply(kind, x, w)
        yield "y", move(t["y"]), y, 1e-5
        if both:
            y.backward(move(t["dy"]).double())
            yield "dx", move(t["dx"]), x.grad, 1e-4
            if c:
                yield "dw", t["d_weights"][:2 * c], torch.cat([w[0].grad, w[1].grad]), 1e-4


if __name__ == "__main__":
    main("memory_bound", list(cases()), check)
