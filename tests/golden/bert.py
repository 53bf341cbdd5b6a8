#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden numbers of a small BERT: loss, correct predictions and every gradient of transformers' BertForMaskedLM in float64.

    python3 tests/golden/bert.py        writes tests/golden/bert.safetensors

Written by transformers 5.24 and PyTorch 2.15. Parameters are exact in float32 and stored as F32 under their own names, gradients as F64
under grad.<name>. tokens (3, 8) of 29 words, samples of the given lengths; word 4 is the mask and stands where the number of the word that
was there leaves 1 by three.
"""
import math
import os

import torch
from transformers import BertConfig, BertForMaskedLM

from formula import draw
from write_safetensors import save

WORDS, LENGTHS, MASK = 29, [8, 5, 7], 4

config = BertConfig(vocab_size=WORDS, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
                    max_position_embeddings=12, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
model = BertForMaskedLM(config).double().train()
out = {}
with torch.no_grad():
    for name, p in model.named_parameters():
        u = draw("bert." + name, *p.shape)
        if "embeddings.weight" in name or "_embeddings" in name:
            u = 0.5 * u
        elif p.dim() > 1:
            u = u / math.sqrt(p.shape[1])
        else:
            u = 1 + 0.2 * u if ("LayerNorm" in name and name.endswith("weight")) else 0.1 * u
        p.copy_(u.float().double())
tokens = 5 + (torch.arange(24) * 11 + torch.arange(24) ** 2 % 7) % (WORDS - 5)
tokens = tokens.reshape(3, 8)
there = torch.arange(8)[None, :] < torch.tensor(LENGTHS)[:, None]
hidden = there & (tokens % 3 == 1)
labels = torch.where(hidden, tokens, -100)
shown = torch.where(hidden, MASK, torch.where(there, tokens, 0))
logits = model(shown, attention_mask=there.long()).logits
loss = torch.nn.functional.cross_entropy(logits.reshape(-1, WORDS), labels.reshape(-1), ignore_index=-100)
loss.backward()
right = (logits.argmax(-1) == tokens)[hidden]
out.update({"tokens": tokens.int(), "lengths": torch.tensor(LENGTHS).int(), "loss": loss, "right": right.sum().int(), "hidden": hidden.sum().int()})
for name, p in model.named_parameters():
    out[name], out["grad." + name] = p.float(), p.grad
save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "bert.safetensors"), out)
print("\n".join(n for n, _ in model.named_parameters()))
