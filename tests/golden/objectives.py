#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden numbers of the objectives: loss and gradients in float64 by autograd.

    python3 tests/golden/objectives.py    writes tests/golden/objectives.safetensors

Written by PyTorch 1.13.1 (Debian 12 python3-torch). B samples, D columns; z is (2B, D), rows i and i + B are two views of
sample i, p(i) = (i + B) mod 2B. Inputs are exact in float32 and stored as F32 (z.b<B>d<D> once for all objectives),
results as F64. Names are <objective>.<similarity>.<case>.<tensor>; dtau is dL/dtau (of a learned log scale t = log(1/tau) it
is dL/dt = -tau dL/dtau).

similarity  cosine   a.b / (|a| |b|)                 dot       a.b
            sq       -|a - b|^2                      gaussian  exp(-|a - b|^2 / (2 sigma^2)), sigma in the file
            bilinear a^T W b, W in the file (not symmetric; a the row that asks, b the candidate)
nt_xent     -1/(2B) sum_i log( exp(s(i,p(i))/tau) / sum_{k != i} exp(s(i,k)/tau) )
dcl         the same without k = p(i) in the sum (decoupled; needs B >= 2)
info_nce    queries q (B, D), keys k (B, D), queue n (K, D): cross-entropy of [s(q,k), s(q,n_1..K)] / tau, the first right
two_tower   a (B, D), b (B, D): mean of the cross-entropies of s(a,b)/tau along rows and along columns (CLIP)
byol        mean over the 2B rows of 2 - 2 cos(z_i, t_p(i)), t (2B, D) constant (the paper's symmetrised loss is twice this)
alignment   mean over samples of |x - y|^2 of the normalised views
uniformity  log of the mean over pairs i < j of exp(-2 |x_i - x_j|^2), all 2B normalised rows
vicreg      25 MSE(x, y) + 25 (hinge(x) + hinge(y)) / 2 + 1 (cov(x) + cov(y)); hinge = mean_d max(0, 1 - sqrt(var_d + 1e-4)),
            cov = sum_{d != e} C_de^2 / D; variance and covariance divided by B - 1 (the authors' code)
barlow      sum_d (1 - C_dd)^2 + 0.0051 sum_{d != e} C_de^2, C = bn(x)^T bn(y) / B, bn with biased variance + 1e-5
"""
import math
import os

import torch
import torch.nn.functional as F

from formula import draw
from write_safetensors import save

OUT = {}
SIZES = [(1, 3), (1, 16), (2, 3), (2, 16), (7, 3), (7, 16), (7, 128), (64, 3), (64, 16)]
SMALL = [(1, 3), (2, 3), (7, 3), (7, 16), (64, 3)]
SIGMA = torch.tensor(1.5, dtype=torch.float64)
CORRELATED = 0.7        # the second view is mostly the first, so that losses are not those of noise alone


def rows(b, d):
    name = f"z.b{b}d{d}"
    if name not in OUT:
        first, noise = draw(name + "/first", b, d), draw(name + "/second", b, d)
        OUT[name] = torch.cat([first, CORRELATED * first + (1 - CORRELATED) * noise]).float()
    return OUT[name].double()


def bilinear_weight(d):
    name = f"bilinear.weight.d{d}"
    if name not in OUT:
        OUT[name] = (draw(name, d, d) / math.sqrt(d)).float()
    return OUT[name].double()


def squared_distance(a, b):
    return (a[:, None, :] - b[None, :, :]).pow(2).sum(-1)


SIMILARITIES = {
    "cosine": lambda a, b: F.normalize(a) @ F.normalize(b).t(),
    "dot": lambda a, b: a @ b.t(),
    "sq": lambda a, b: -squared_distance(a, b),
    "gaussian": lambda a, b: torch.exp(-squared_distance(a, b) / (2 * SIGMA * SIGMA)),
    "bilinear": None,
}


def similarity(kind, d, leaves):
    if kind != "bilinear":
        return SIMILARITIES[kind]
    leaves["weight"] = bilinear_weight(d).requires_grad_()
    return lambda a, b: a @ leaves["weight"] @ b.t()


def store(name, loss, leaves):
    OUT[name + ".loss"] = loss
    for key, g in zip(leaves, torch.autograd.grad(loss, list(leaves.values()))):
        OUT[f"{name}.d{key}"] = g


def temperature(tau):
    return torch.tensor(tau, dtype=torch.float64, requires_grad=True)


def nt_xent_loss(z, s, tau, decoupled=False):
    n = len(z)
    logits = s(z, z) / tau
    rows_, partner = torch.arange(n), (torch.arange(n) + n // 2) % n
    out = torch.eye(n, dtype=torch.bool)
    if decoupled:
        out = out | F.one_hot(partner, n).bool()
    return (torch.logsumexp(logits.masked_fill(out, -math.inf), 1) - logits[rows_, partner]).mean()


def contrastive():
    for name, decoupled in (("nt_xent", False), ("dcl", True)):
        for kind in SIMILARITIES:
            for b, d in SIZES if kind == "cosine" else SMALL:
                if decoupled and b == 1:
                    continue
                for tau in (0.1, 0.5) if kind == "cosine" else (0.5,):
                    leaves = {"z": rows(b, d).requires_grad_(), "tau": temperature(tau)}
                    loss = nt_xent_loss(leaves["z"], similarity(kind, d, leaves), leaves["tau"], decoupled)
                    store(f"{name}.{kind}.b{b}d{d}tau{tau}", loss, leaves)
    # rows of norm near 12: the short gradient form of a bounded similarity overflows here in float
    leaves = {"z": (rows(7, 16) * 3).float().double().requires_grad_(), "tau": temperature(0.5)}
    OUT["nt_xent.dot.long.z"] = leaves["z"].float()
    store("nt_xent.dot.long", nt_xent_loss(leaves["z"], SIMILARITIES["dot"], leaves["tau"]), leaves)


def info_nce():
    for b, d, k in ((1, 3, 4), (2, 16, 7), (7, 16, 33)):
        name = f"info_nce.b{b}d{d}k{k}"
        for key, count in (("q", b), ("k", b), ("n", k)):
            OUT[f"{name}.{key}"] = draw(f"{name}.{key}", count, d).float()
        for kind in SIMILARITIES:
            leaves = {key: OUT[f"{name}.{key}"].double().requires_grad_() for key in ("q", "k", "n")}
            leaves["tau"] = temperature(0.2)
            s = similarity(kind, d, leaves)
            positive = s(leaves["q"], leaves["k"]).diagonal()[:, None]
            logits = torch.cat([positive, s(leaves["q"], leaves["n"])], 1) / leaves["tau"]
            store(f"{name}.{kind}", F.cross_entropy(logits, torch.zeros(b, dtype=torch.long)), leaves)


def two_tower():
    for b, d in ((1, 3), (2, 3), (7, 16)):
        for kind in SIMILARITIES:
            z = rows(b, d)
            leaves = {"a": z[:b].clone().requires_grad_(), "b": z[b:].clone().requires_grad_(), "tau": temperature(0.2)}
            logits = similarity(kind, d, leaves)(leaves["a"], leaves["b"]) / leaves["tau"]
            target = torch.arange(b)
            loss = 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target))
            store(f"two_tower.{kind}.b{b}d{d}tau0.2", loss, leaves)


def off_diagonal(c):
    return c - torch.diag(c.diagonal())


def standardised(x):
    return (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5)


def vicreg(x, y):
    hinge = lambda a: F.relu(1 - torch.sqrt(a.var(0) + 1e-4)).mean()
    def covariance(a):
        a = a - a.mean(0)
        return off_diagonal(a.t() @ a / (len(a) - 1)).pow(2).sum() / a.shape[1]
    return 25 * F.mse_loss(x, y) + 25 * (hinge(x) + hinge(y)) / 2 + covariance(x) + covariance(y)


def barlow(x, y):
    c = standardised(x).t() @ standardised(y) / len(x)
    return (1 - c.diagonal()).pow(2).sum() + 0.0051 * off_diagonal(c).pow(2).sum()


def uniformity(z):
    return F.pdist(F.normalize(z)).pow(2).mul(-2).exp().mean().log()


def others():
    for b, d in ((1, 3), (2, 3), (7, 16), (64, 3)):
        case = f"b{b}d{d}"
        def run(name, loss):
            z = rows(b, d).requires_grad_()
            store(f"{name}.{case}", loss(z), {"z": z})
        target = draw(f"byol.{case}.t", 2 * b, d).float()
        OUT[f"byol.{case}.t"] = target
        run("byol", lambda z: (2 - 2 * F.cosine_similarity(z, target.double().roll(b, 0))).mean())
        run("alignment", lambda z: (F.normalize(z[:b]) - F.normalize(z[b:])).pow(2).sum(1).mean())
        run("uniformity", uniformity)
        if b > 1:
            run("vicreg", lambda z: vicreg(z[:b], z[b:]))
            run("barlow", lambda z: barlow(z[:b], z[b:]))


if __name__ == "__main__":
    OUT["gaussian.sigma"] = SIGMA
    for part in (contrastive, info_nce, two_tower, others):
        part()
    save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "objectives.safetensors"), OUT)
