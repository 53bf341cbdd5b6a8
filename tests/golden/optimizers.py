#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden numbers of optimizers, clipping and schedules, in float64.

    python3 tests/golden/optimizers.py    writes tests/golden/optimizers.safetensors

Written by PyTorch 1.13.1 (Debian 12 python3-torch).
Trajectories: three parameters, weight (3, 4), bias (4), scale (4), laid out in this order in one flat vector of 20.
`parameters` (20) is where all start, `gradients` (5, 20) what each of the 5 steps is given,
<optimizer>.<case>.path (5, 20) where the parameters are after each step. Settings of a case are scalars beside it (lr,
momentum, weight_decay, ...). Weight decay acts on all three parameters, in the case `excluded` on weight alone.

lars: You, Gitman, Ginsburg 2017, arXiv:1708.03888; for each adapted tensor
    d = g + weight_decay w;  d *= trust |w| / (|g| + weight_decay |w| + eps) where |w| > 0 and |g| > 0;
    m = momentum m + d;  w -= lr m          as lightly and other PyTorch code (cases all, excluded, eps, rates)
    m = momentum m + lr d;  w -= m          as the paper and SimCLR's own code (case rates_inside)
The two differ only while the rate changes. Decay and adaptation leave bias and scale alone, but in the case `all`.
clip: `total_norm` of all gradients together; `scale` = min(1, max_norm / total_norm); `torch_scale` has PyTorch's
    max_norm / (total_norm + 1e-6) instead.
schedules: the rate used by step t = 0, 1, ..., total - 1, base rate 0.1.
"""
import math
import os

import torch

from formula import draw
from write_safetensors import save

OUT = {}
SHAPES = {"weight": (3, 4), "bias": (4,), "scale": (4,)}
STEPS = 5


def start():
    return [OUT["parameters"].double()[a:a + math.prod(s)].reshape(s).clone().requires_grad_()
            for a, s in zip((0, 12, 16), SHAPES.values())]


def flat(tensors):
    return torch.cat([t.detach().flatten() for t in tensors])


def run(name, make, rates=None, **settings):
    parameters = start()
    optimizer = make(parameters)
    path = []
    for step in range(STEPS):
        for p, part in zip(parameters, OUT["gradients"][step].double().split([12, 4, 4])):
            p.grad = part.reshape(p.shape).clone()
        if rates:
            for group in optimizer.param_groups:
                group["lr"] = rates[step]
        optimizer.step()
        path.append(flat(parameters))
    OUT[name + ".path"] = torch.stack(path)
    if rates:
        OUT[name + ".rates"] = torch.tensor(rates, dtype=torch.float64)
    for key, value in settings.items():
        OUT[f"{name}.{key}"] = torch.tensor(value, dtype=torch.float64)


class Lars(torch.optim.Optimizer):
    def __init__(self, groups, lr, momentum, weight_decay, trust=1e-3, eps=0.0, inside=False):
        super().__init__(groups, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, trust=trust, eps=eps,
                                      inside=inside, adapt=True))

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                wd = g["weight_decay"]
                d = p.grad + wd * p
                w, n = p.norm(), p.grad.norm()
                if g["adapt"] and w > 0 and n > 0:
                    d = d * (g["trust"] * w / (n + wd * w + g["eps"]))
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                m.mul_(g["momentum"]).add_(d, alpha=g["lr"] if g["inside"] else 1.0)
                p.sub_(m, alpha=1.0 if g["inside"] else g["lr"])


def excluded(parameters):
    return [{"params": parameters[:1]}, {"params": parameters[1:], "weight_decay": 0.0}]


RATES = [0.01, 0.05, 0.1, 0.04, 0.0]


def sgd():
    for name, s in (("plain", dict(lr=0.1)), ("momentum", dict(lr=0.1, momentum=0.9)),
                    ("nesterov", dict(lr=0.1, momentum=0.9, nesterov=True)),
                    ("decay", dict(lr=0.1, momentum=0.9, weight_decay=0.05)),
                    ("nesterov_decay", dict(lr=0.02, momentum=0.8, nesterov=True, weight_decay=0.05))):
        run("sgd." + name, lambda p: torch.optim.SGD(p, **s), **s)
    s = dict(lr=0.1, momentum=0.9, weight_decay=0.05)
    run("sgd.rates", lambda p: torch.optim.SGD(p, **s), RATES, momentum=0.9, weight_decay=0.05)
    run("sgd.excluded", lambda p: torch.optim.SGD(excluded(p), **s), **s)


def adam():
    for kind, make in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        default = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0 if kind == "adam" else 1e-2)
        other = dict(lr=1e-2, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)
        for name, s in (("default", default), ("other", other)):
            run(f"{kind}.{name}", lambda p: make(p, **s), **s)
        run(f"{kind}.rates", lambda p: make(p, **other), RATES, **{k: v for k, v in other.items() if k != "lr"})
        run(f"{kind}.excluded", lambda p: make(excluded(p), **other), **other)


def lars():
    s = dict(lr=0.3, momentum=0.9, weight_decay=1e-4, trust=1e-3, eps=0.0)
    groups = lambda p: [{"params": p[:1]}, {"params": p[1:], "weight_decay": 0.0, "adapt": False}]
    run("lars.all", lambda p: Lars(p, **s), **s)
    run("lars.excluded", lambda p: Lars(groups(p), **s), **s)
    run("lars.rates", lambda p: Lars(groups(p), **s), RATES, **{k: v for k, v in s.items() if k != "lr"})
    run("lars.rates_inside", lambda p: Lars(groups(p), inside=True, **s), RATES, **{k: v for k, v in s.items() if k != "lr"})
    s = dict(s, eps=1e-8, trust=0.02, weight_decay=0.1)
    run("lars.eps", lambda p: Lars(groups(p), **s), **s)


def clip():
    for name, scale, max_norm in (("long", 1.0, 0.5), ("short", 1.0, 1e3), ("zero", 0.0, 1.0), ("huge", 1e12, 1.0)):
        gradients = (OUT["gradients"][0].double() * scale).float()
        parts = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients.split([12, 4, 4])]
        for p, g in zip(parts, gradients.double().split([12, 4, 4])):
            p.grad = g.clone()
        norm = torch.nn.utils.clip_grad_norm_(parts, max_norm)
        name = "clip." + name
        number = lambda v: torch.tensor(v, dtype=torch.float64)
        OUT.update({f"{name}.gradient": gradients, f"{name}.max_norm": number(max_norm), f"{name}.total_norm": norm,
                    f"{name}.scale": number(min(1.0, max_norm / float(norm)) if norm > 0 else 1.0),
                    f"{name}.torch_scale": (max_norm / (norm + 1e-6)).clamp(max=1.0),
                    f"{name}.torch_gradient": torch.cat([p.grad for p in parts])})


def schedules():
    base = 0.1

    def rates(make, total):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
        scheduler = make(optimizer)
        out = []
        for _ in range(total):
            out.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return torch.tensor(out, dtype=torch.float64)

    lr = torch.optim.lr_scheduler
    for total in (1, 2, 10, 37):
        name = f"schedule.cosine.total{total}"                       # base (1 + cos(pi t / total)) / 2
        OUT[name] = rates(lambda o: lr.LambdaLR(o, lambda t: 0.5 * (1 + math.cos(math.pi * t / total))), total)
    for total, warmup in ((10, 3), (37, 20), (5, 5), (4, 20)):
        def cosine(t, first):
            if t < warmup:
                return (t + first) / warmup
            return 0.5 * (1 + math.cos(math.pi * (t - warmup) / max(total - warmup, 1)))
        name = f"schedule.cosine_warmup.total{total}warmup{warmup}"
        # Warm-up by (t + 1) / warmup, so that the first step moves (bench/peers/simclr.py) ...
        OUT[name + ".from_one"] = rates(lambda o: lr.LambdaLR(o, lambda t: cosine(t, 1)), total)
        # ... and by t / warmup, so that it does not (transformers' get_cosine_schedule_with_warmup).
        OUT[name + ".from_zero"] = rates(lambda o: lr.LambdaLR(o, lambda t: cosine(t, 0)), total)
    # torch's own pieces: eta_min = 0.01 is the last rate, reached at t = total
    OUT["schedule.cosine_annealing.total10last0.01"] = rates(lambda o: lr.CosineAnnealingLR(o, 10, eta_min=0.01), 11)
    OUT["schedule.step.size4gamma0.1"] = rates(lambda o: lr.StepLR(o, 4, 0.1), 14)
    OUT["schedule.multi_step.at3_5_9gamma0.5"] = rates(lambda o: lr.MultiStepLR(o, [3, 5, 9], 0.5), 12)
    OUT["schedule.linear.total10"] = rates(lambda o: lr.LambdaLR(o, lambda t: 1 - t / 10), 10)       # base (1 - t / total)
    OUT["schedule.linear_lr.from1to0.2total8"] = rates(lambda o: lr.LinearLR(o, 1.0, 0.2, 8), 12)     # flat after 8
    OUT["schedule.base"] = torch.tensor(base, dtype=torch.float64)


if __name__ == "__main__":
    OUT["parameters"] = draw("optimizer.parameters", 20).float()
    gradients = draw("optimizer.gradients", STEPS, 20)
    gradients[:, 3] = 0                                              # never moved but by decay
    gradients[2:, 5] = 0
    gradients[:, 7] *= 1e-7
    gradients[:, 13] *= 1e4
    OUT["gradients"] = gradients.float()
    for part in (sgd, adam, lars, clip, schedules):
        part()
    save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimizers.safetensors"), OUT)
