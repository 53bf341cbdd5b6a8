#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The parts of text models in PyTorch, forward and backward, as bench/run/text.cpp.

variants  packed    attention: q, k and v are views of one tensor, whose gradient is one too, as in a layer
          separate  attention: three tensors
          wanted    the vocabulary loss: logits at the wanted positions only; the weight's gradient is added to
          eager     nn.LSTM, nn.GRU
"""
from common import Case, main
import torch
import torch.nn.functional as F

ATTENTION = {"attention BERT-mini": (32, 128, 4, 64, False), "attention nanoGPT": (12, 64, 4, 32, True),
             "attention BERT 512": (8, 512, 12, 64, False), "attention GPT-2 1024": (4, 1024, 12, 64, True)}
VOCABULARY = {"vocabulary MaskLM": (4096, 614, 10000, 512), "vocabulary BERT-mini": (4096, 614, 8192, 256), "vocabulary nanoGPT": (768, 768, 65, 128)}
RECURRENT = {"lstm 512": torch.nn.LSTM, "gru 512": torch.nn.GRU}


def attend(qkv, heads, causal):
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in qkv.chunk(3, -1))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(2)


def packed(b, t, h, d, causal):
    qkv, dy = (torch.rand(b, t, 3 * h * d) * 2 - 1).requires_grad_(), torch.rand(b, t, h * d)

    def run():
        qkv.grad = None
        attend(qkv, h, causal).backward(dy)
    return run


def separate(b, t, h, d, causal):
    q, k, v = ((torch.rand(b, h, t, d) * 2 - 1).requires_grad_() for _ in range(3))
    dy = torch.rand(b, h, t, d)

    def run():
        q.grad = k.grad = v.grad = None
        F.scaled_dot_product_attention(q, k, v, is_causal=causal).backward(dy)
    return run


def places(n, m, v):
    return torch.arange(m) * n // m, torch.arange(m) * 7919 % v


def wanted(n, m, v, d):
    h, w, b = ((torch.rand(*s) * 2 - 1).requires_grad_() for s in ((n, d), (v, d), (v,)))
    rows, labels = places(n, m, v)
    w.grad, b.grad = torch.zeros_like(w), torch.zeros_like(b)

    def run():
        h.grad = None
        F.cross_entropy(F.linear(h if m == n else h[rows], w, b), labels).backward()
    return run


def recurrent(kind):
    m, x, dy = kind(256, 512, batch_first=True), (torch.rand(32, 128, 256) * 2 - 1).requires_grad_(), torch.rand(32, 128, 512)

    def run():
        x.grad = None
        m(x)[0].backward(dy)
    return run


def check(name, t):
    if name in ATTENTION:
        qkv = t["qkv"].double().requires_grad_()
        y = attend(qkv, ATTENTION[name][2], ATTENTION[name][4])
        y.backward(t["dy"].double())
        yield "y", t["y"], y, 1e-5
        yield "gradient", t["dqkv"], qkv.grad, 1e-5
    elif name in VOCABULARY:
        h, w, b = (t[k].double().requires_grad_() for k in ("hidden", "weight", "bias"))
        rows, labels = places(*VOCABULARY[name][:3])
        loss = F.cross_entropy(F.linear(h[rows], w, b), labels)
        loss.backward()
        yield "loss", t["loss"], loss.reshape(1), 1e-5
        for what, leaf in (("d_hidden", h), ("d_weight", w), ("d_bias", b)):
            yield what, t[what], leaf.grad, 1e-5
    else:
        m, x = RECURRENT[name](256, 512, batch_first=True).double(), t["x"].double().requires_grad_()
        y = torch.func.functional_call(m, {k: t[k].double() for k, _ in m.named_parameters()}, (x,))[0]
        y.backward(t["dy"].double())
        yield "y", t["y"], y, 1e-5
        yield "dx", t["dx"], x.grad, 1e-5


def attention_gflop(b, t, h, d, causal):
    return 14e-9 * b * h * t * (t + 1 if causal else 2 * t) / 2 * d


if __name__ == "__main__":
    main("text",
         [Case(n, {"packed": lambda s=s: packed(*s), "separate": lambda s=s: separate(*s)}, gflop=attention_gflop(*s)) for n, s in ATTENTION.items()] +
         [Case(n, {"wanted": lambda s=s: wanted(*s)}, gflop=6e-9 * s[1] * s[2] * s[3]) for n, s in VOCABULARY.items()] +
         [Case(n, {"eager": lambda k=k: recurrent(k)}, gflop=6e-9 * 32 * 128 * g * 512 * 768) for n, (k, g) in
          {"lstm 512": (torch.nn.LSTM, 4), "gru 512": (torch.nn.GRU, 3)}.items()], check)
