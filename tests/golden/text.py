#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden numbers of the layers of text models: value and gradients in float64 by autograd, in PyTorch's layouts.

    python3 tests/golden/text.py        writes tests/golden/text.safetensors

Written by PyTorch 2.15. Inputs and parameters are exact in float32 and stored as F32, results as F64. Names are <case>.x, .dy, .y, .dx;
parameters <case>.p.<name>, their gradients <case>.d.<name>, for sum(y * dy). Lengths of samples are <case>.lengths: there dy is zero
beyond them, and y is zeroed.
"""
import math
import os

import torch
import torch.nn.functional as F

from formula import draw
from write_safetensors import save

OUT = {}


def parameters(name, shapes):
    """Weights of products with a variance that keeps numbers near one."""
    p = {}
    for key, shape in shapes.items():
        u = draw(f"{name}.{key}", *shape)
        p[key] = u / math.sqrt(shape[-1]) if len(shape) > 1 else 1 + 0.2 * u if "norm" in key.lower() and key.endswith("weight") else 0.1 * u
        p[key] = p[key].float().double()
    return p


def store(name, function, x, p, lengths=None):
    x = x.clone().requires_grad_()
    leaves = {k: v.clone().requires_grad_() for k, v in p.items()}
    y = function(x, leaves)
    dy = draw(name + ".dy", *y.shape)
    if lengths is not None:
        there = (torch.arange(y.shape[1])[None, :] < torch.tensor(lengths)[:, None]).double()[..., None]
        dy, y = dy * there, y * there
        OUT[name + ".lengths"] = torch.tensor(lengths)
    grads = torch.autograd.grad((y * dy).sum(), [x, *leaves.values()])
    OUT.update({f"{name}.x": x.float(), f"{name}.dy": dy.float(), f"{name}.y": y, f"{name}.dx": grads[0]})
    for (key, v), g in zip(leaves.items(), grads[1:]):
        OUT[f"{name}.p.{key}"], OUT[f"{name}.d.{key}"] = v.float(), g


def with_module(module):
    return lambda x, p, **more: torch.func.functional_call(module, p, (x,), more)


def padding(lengths, length):
    return None if lengths is None else torch.arange(length)[None, :] >= torch.tensor(lengths)[:, None]


def attention():
    for word, b, t, d, h, causal, lengths in (("plain", 2, 5, 12, 3, False, None), ("one", 1, 1, 4, 1, False, None),
                                              ("causal", 2, 7, 8, 2, True, None), ("padded", 3, 6, 8, 4, False, [6, 2, 4])):
        name = "attention." + word
        m = torch.nn.MultiheadAttention(d, h, batch_first=True, dtype=torch.float64)
        mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1) if causal else None
        p = parameters(name, {k: v.shape for k, v in m.named_parameters()})
        store(name, lambda x, q: torch.func.functional_call(
            m, q, (x, x, x), dict(need_weights=False, attn_mask=mask, key_padding_mask=padding(lengths, t)))[0], draw(name + ".x", b, t, d), p, lengths)


def blocks():
    """nn.TransformerEncoderLayer."""
    for word, pre, act, lengths in (("pre_gelu", True, "gelu", None), ("post_relu", False, "relu", None), ("post_gelu_padded", False, "gelu", [4, 5])):
        name = "block." + word
        m = torch.nn.TransformerEncoderLayer(8, 2, 20, 0.0, act, norm_first=pre, batch_first=True, dtype=torch.float64)
        p = parameters(name, {k: v.shape for k, v in m.named_parameters()})
        store(name, lambda x, q: torch.func.functional_call(m, q, (x,), dict(src_key_padding_mask=padding(lengths, 5))), draw(name + ".x", 2, 5, 8), p,
              lengths)


def heads_of(x, h):
    return x.unflatten(-1, (h, -1)).transpose(-3, -2)


def joined(x):
    return x.transpose(-3, -2).flatten(-2)


def bert():
    """BertLayer of transformers, from its definition: names, post-norm, eps 1e-12."""
    name, d, n, h = "bert.layer", 32, 48, 4
    p = parameters(name, {
        **{f"attention.self.{k}.{w}": s for k in ("query", "key", "value") for w, s in (("weight", (d, d)), ("bias", (d,)))},
        "attention.output.dense.weight": (d, d), "attention.output.dense.bias": (d,),
        "attention.output.LayerNorm.weight": (d,), "attention.output.LayerNorm.bias": (d,),
        "intermediate.dense.weight": (n, d), "intermediate.dense.bias": (n,), "output.dense.weight": (d, n), "output.dense.bias": (d,),
        "output.LayerNorm.weight": (d,), "output.LayerNorm.bias": (d,)})

    def run(x, p):
        dense = lambda key, v: F.linear(v, p[key + ".weight"], p[key + ".bias"])
        norm = lambda key, v: F.layer_norm(v, (d,), p[key + ".weight"], p[key + ".bias"], 1e-12)
        q, k, v = (heads_of(dense("attention.self." + key, x), h) for key in ("query", "key", "value"))
        a = joined(torch.softmax(q @ k.mT / math.sqrt(d / h), -1) @ v)
        a = norm("attention.output.LayerNorm", x + dense("attention.output.dense", a))
        return norm("output.LayerNorm", a + dense("output.dense", F.gelu(dense("intermediate.dense", a))))
    store(name, run, draw(name + ".x", 2, 6, d), p)


def gpt2():
    """GPT2Block of transformers: Conv1D weights [in, out], pre-norm, causal, the tanh form of gelu."""
    name, d, h = "gpt2.block", 12, 3
    p = parameters(name, {
        "ln_1.norm.weight": (d,), "ln_1.bias": (d,), "ln_2.norm.weight": (d,), "ln_2.bias": (d,),
        "attn.c_attn.weight": (d, 3 * d), "attn.c_attn.bias": (3 * d,), "attn.c_proj.weight": (d, d), "attn.c_proj.bias": (d,),
        "mlp.c_fc.weight": (d, 4 * d), "mlp.c_fc.bias": (4 * d,), "mlp.c_proj.weight": (4 * d, d), "mlp.c_proj.bias": (d,)})
    p = {k.replace("norm.", ""): v for k, v in p.items()}

    def run(x, p):
        conv = lambda key, v: v @ p[key + ".weight"] + p[key + ".bias"]
        norm = lambda key, v: F.layer_norm(v, (d,), p[key + ".weight"], p[key + ".bias"], 1e-5)
        q, k, v = (heads_of(u, h) for u in conv("attn.c_attn", norm("ln_1", x)).split(d, -1))
        s = (q @ k.mT / math.sqrt(d / h)).masked_fill(torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1), -math.inf)
        x = x + conv("attn.c_proj", joined(torch.softmax(s, -1) @ v))
        return x + conv("mlp.c_proj", F.gelu(conv("mlp.c_fc", norm("ln_2", x)), approximate="tanh"))
    store(name, run, draw(name + ".x", 2, 7, d), p)


def rotary():
    """Causal attention with q and k turned as in Llama (rotate_half, base 10000)."""
    name, d, h, t = "attention.rotary", 12, 2, 6
    p = parameters(name, {"in_proj_weight": (3 * d, d), "in_proj_bias": (3 * d,), "out_proj.weight": (d, d), "out_proj.bias": (d,)})

    def run(x, p):
        q, k, v = (heads_of(u, h) for u in F.linear(x, p["in_proj_weight"], p["in_proj_bias"]).split(d, -1))
        angle = torch.arange(t, dtype=torch.float64)[:, None] * 10000.0 ** (-torch.arange(0, d // h, 2, dtype=torch.float64) / (d // h))
        cosine, sine = torch.cat([angle, angle], -1).cos(), torch.cat([angle, angle], -1).sin()
        turn = lambda u: u * cosine + torch.cat([-u[..., d // h // 2:], u[..., :d // h // 2]], -1) * sine
        s = (turn(q) @ turn(k).mT / math.sqrt(d / h)).masked_fill(torch.triu(torch.ones(t, t, dtype=torch.bool), 1), -math.inf)
        return F.linear(joined(torch.softmax(s, -1) @ v), p["out_proj.weight"], p["out_proj.bias"])
    store(name, run, draw(name + ".x", 2, t, d), p)


def embeddings():
    """BertEmbeddings without its norm: words, positions and types."""
    name = "embeddings.bert"
    p = parameters(name, {"word_embeddings.weight": (11, 5), "position_embeddings.weight": (6, 5), "token_type_embeddings.weight": (2, 5)})
    ids, types = torch.tensor([[3, 10, 3, 0], [7, 7, 7, 1]]), torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1]])
    leaves = {k: v.clone().requires_grad_() for k, v in p.items()}
    y = F.embedding(ids, leaves["word_embeddings.weight"]) + F.embedding(types, leaves["token_type_embeddings.weight"]) \
        + leaves["position_embeddings.weight"][:4]
    dy = draw(name + ".dy", *y.shape)
    grads = torch.autograd.grad((y * dy).sum(), list(leaves.values()))
    OUT.update({name + ".ids": ids, name + ".types": types, name + ".y": y, name + ".dy": dy.float()})
    for (key, v), g in zip(leaves.items(), grads):
        OUT[f"{name}.p.{key}"], OUT[f"{name}.d.{key}"] = v.float(), g


def recurrent():
    """nn.LSTM and nn.GRU; packed by pack_padded_sequence where there are lengths."""
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
    for word, kind, k, h, n, both, lengths in (("lstm.one", "LSTM", 3, 5, 1, False, None), ("lstm.deep", "LSTM", 4, 6, 2, True, None),
                                               ("lstm.padded", "LSTM", 3, 4, 2, True, [5, 2, 3]), ("gru.one", "GRU", 3, 5, 1, False, None),
                                               ("gru.deep", "GRU", 5, 3, 3, False, None), ("gru.padded", "GRU", 3, 4, 2, True, [1, 5, 4])):
        m = getattr(torch.nn, kind)(k, h, n, batch_first=True, bidirectional=both, dtype=torch.float64)
        p = parameters(word, {key: v.shape for key, v in m.named_parameters()})

        def run(x, q):
            if lengths is None:
                return torch.func.functional_call(m, q, (x,))[0]
            out, _ = torch.func.functional_call(m, q, (pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False),))
            return pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0]
        store(word, run, draw(word + ".x", 3, 5, k), p, lengths)


def vocabulary():
    """Mean cross entropy over wanted positions; with and without a bias."""
    for word in ("bias", "tied"):
        name = "vocabulary." + word
        h, w, b = draw(name + ".h", 9, 6), draw(name + ".weight", 13, 6), draw(name + ".bias", 13)
        rows, labels = torch.tensor([7, 0, 3, 4, 8]), torch.tensor([12, 0, 5, 5, 1])
        leaves = [v.clone().requires_grad_() for v in (h, w, b)]
        logits = F.linear(leaves[0][rows], leaves[1], leaves[2] if word == "bias" else None)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        OUT.update({f"{name}.{k}": v for k, v in dict(
            h=h.float(), weight=w.float(), bias=b.float(), rows=rows, labels=labels, loss=loss, correct=(logits.argmax(1) == labels).long(),
            dh=leaves[0].grad, dweight=leaves[1].grad).items()})
        if word == "bias":
            OUT[name + ".dbias"] = leaves[2].grad


def activations():
    name = "gelu_tanh.values"
    extremes = torch.tensor([0.0, 1e-8, -1e-8, 1e-30, 40.0, -40.0, 1e4, -1e4], dtype=torch.float64)
    store(name, lambda x, p: F.gelu(x, approximate="tanh"), torch.cat([torch.linspace(-12, 12, 97, dtype=torch.float64), extremes]).float().double()[None], {})


if __name__ == "__main__":
    for part in (attention, blocks, bert, gpt2, rotary, embeddings, recurrent, vocabulary, activations):
        part()
    save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "text.safetensors"), OUT)
