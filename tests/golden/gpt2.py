#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden numbers of a small GPT-2: loss, correct predictions, scores and every gradient of transformers' GPT2LMHeadModel in float64.

    python3 tests/golden/gpt2.py        writes tests/golden/gpt2.safetensors

Written by transformers 5.24 and PyTorch 2.15. Parameters are exact in float32 and stored as F32 under their own names, gradients as F64
under grad.<name>. tokens and targets (3, 8) of 23 words; a target below 0 is not asked for.
"""
import math
import os

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from formula import draw
from write_safetensors import save

WORDS, LENGTH, SAMPLES = 23, 8, 3

config = GPT2Config(vocab_size=WORDS, n_positions=10, n_embd=32, n_layer=2, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
model = GPT2LMHeadModel(config).double().train()
out = {}
with torch.no_grad():
    for name, p in model.named_parameters():
        u = draw("gpt2." + name, *p.shape)
        if name.endswith(("wte.weight", "wpe.weight")):
            u = 0.5 * u
        elif p.dim() > 1:
            u = u / math.sqrt(p.shape[0])
        else:
            u = 1 + 0.2 * u if ("ln_" in name and name.endswith("weight")) else 0.1 * u
        p.copy_(u.float().double())
        out[name] = p.float()
text = (torch.arange(SAMPLES * (LENGTH + 1)) * 7 + torch.arange(SAMPLES * (LENGTH + 1)) ** 2 % 5) % WORDS
text = text.reshape(SAMPLES, LENGTH + 1)
tokens, targets = text[:, :-1], text[:, 1:].clone()
targets[1, 3] = -1
logits = model(tokens).logits
loss = torch.nn.functional.cross_entropy(logits.reshape(-1, WORDS), targets.reshape(-1), ignore_index=-1)
loss.backward()
out.update({"tokens": tokens.int(), "targets": targets.int(), "loss": loss, "last_scores": logits[:, -1],
            "correct": torch.where(targets < 0, -1, (logits.argmax(-1) == targets).int()).int()})
for name, p in model.named_parameters():
    out["grad." + name] = p.grad
save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gpt2.safetensors"), out)
