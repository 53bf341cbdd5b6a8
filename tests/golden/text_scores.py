# SPDX-License-Identifier: BSD-3-Clause
"""Writes text_scores.safetensors: what scikit-learn, seqeval and SQuAD's script make of small random tasks.
Run: python3 tests/golden/text_scores.py (needs scikit-learn, seqeval)

Texts are stored as bytes, one after the other, with their ends beside them.
"""
import os
import re
import string
from collections import Counter

import numpy as np
from seqeval.metrics import f1_score as span_f1
from seqeval.metrics import precision_score as span_precision
from seqeval.metrics import recall_score as span_recall
from seqeval.scheme import IOB2
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score, precision_recall_fscore_support

from write_safetensors import save

rng = np.random.default_rng(11)
out = {}


def put(name, texts):
    data = [t.encode() for t in texts]
    out[name] = np.frombuffer(b"".join(data) or b"\0", np.uint8)
    out[name + ".ends"] = np.cumsum([len(d) for d in data]).astype(np.int32)


# ---- classes, one of which never occurs
labels = rng.choice(6, 400, p=[0.4, 0.25, 0.2, 0.1, 0.05, 0])
predicted = np.where(rng.random(400) < 0.6, labels, rng.choice(6, 400, p=[0.2] * 5 + [0]))
out |= {"class.labels": labels.astype(np.int32), "class.predicted": predicted.astype(np.int32)}
for average in ("micro", "macro", "weighted"):
    out[f"class.{average}"] = np.float64(f1_score(labels, predicted, average=average))
out["class.micro_without_0"] = np.float64(f1_score(labels, predicted, average="micro", labels=[1, 2, 3, 4]))
p, r, f, _ = precision_recall_fscore_support(labels, predicted, labels=range(5))
out |= {"class.precision": p, "class.recall": r, "class.f1": f}

# ---- tags: broken sequences too, as a model makes them
names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-X-Y", "I-X-Y"]
truth, guess = [], []
for length in [1, 2, 7, 13, 31] * 12:
    y, inside = [], 0
    for _ in range(length):
        inside = inside if inside and rng.random() < 0.6 else 0
        if inside:
            y.append(inside + 1)
        elif rng.random() < 0.4:
            inside = int(rng.choice([1, 3, 5]))
            y.append(inside)
        else:
            y.append(0)
    truth.append(y)
    guess.append([t if rng.random() < 0.75 else int(rng.integers(0, 7)) for t in y])
out["tags.ends"] = np.cumsum([len(y) for y in truth]).astype(np.int32)
out |= {"tags.labels": np.concatenate(truth).astype(np.int32), "tags.predicted": np.concatenate(guess).astype(np.int32)}
a, b = [[names[t] for t in y] for y in truth], [[names[t] for t in y] for y in guess]
for name, options in (("strict", {"mode": "strict", "scheme": IOB2}), ("conlleval", {})):
    out |= {f"tags.{name}.precision": np.float64(span_precision(a, b, **options)), f"tags.{name}.recall": np.float64(span_recall(a, b, **options)),
            f"tags.{name}.micro": np.float64(span_f1(a, b, **options)),
            f"tags.{name}.macro": np.float64(span_f1(a, b, average="macro", **options))}


# ---- answers, by the script of SQuAD 1.1
def normalize_answer(s):
    def remove_articles(text):
        return re.sub(r"\b(a|an|the)\b", " ", text)

    def remove_punc(text):
        return "".join(c for c in text if c not in set(string.punctuation))

    return " ".join(remove_articles(remove_punc(s.lower())).split())


def squad_f1(prediction, ground_truth):
    x, y = normalize_answer(prediction).split(), normalize_answer(ground_truth).split()
    if not x or not y:
        return float(x == y)  # SQuAD 2.0
    same = sum((Counter(x) & Counter(y)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(x), same / len(y)
    return 2 * precision * recall / (precision + recall)


pieces = ["the", "The", "THE", "a", "An", "an", "and", "anthem", "Paris", "paris.", "1,234", "$5", "U.S.", "co-op", "a-b", "the's", "année", "ÉTÉ", "été",
          "a–b", "the—end", "“the”", "a\u00a0b", "x\u2009the", "½a", "·a", "the\u3000a", "año", "naïve", "O'Neil", "\t", "  ", "...", "!", "東京", "—", "the_a", "an²"]
answers, rights = [], []
for _ in range(400):
    words = [str(w) for w in rng.choice(pieces, rng.integers(0, 7))]
    answers.append(" ".join(words))
    keep = [w for w in words if rng.random() < 0.7] + [str(w) for w in rng.choice(pieces, rng.integers(0, 2))]
    rights.append((" " if rng.random() < 0.8 else "  ").join(keep) if rng.random() < 0.8 else answers[-1].replace("the", "The").replace("a ", "a. "))
put("answer.given", answers)
put("answer.right", rights)
put("answer.words", [normalize_answer(x) for x in answers])
out["answer.exact"] = np.array([float(normalize_answer(x) == normalize_answer(y)) for x, y in zip(answers, rights)])
out["answer.f1"] = np.array([squad_f1(x, y) for x, y in zip(answers, rights)])

# ---- word weights
vocabulary = [f"w{i}" for i in range(40)]
share = 1 / np.arange(1, 41)
texts = [" ".join(rng.choice(vocabulary, rng.integers(1, 30), p=share / share.sum())) for _ in range(60)]
put("tfidf.texts", texts)
for name, options in (("plain", {}), ("sublinear", {"sublinear_tf": True}), ("raw", {"norm": None})):
    v = TfidfVectorizer(vocabulary=vocabulary, **options)
    out["tfidf." + name] = v.fit(texts[:40]).transform(texts).toarray()
out["tfidf.weights"] = v.idf_

# ---- neighbours: dense tables of what eval/word_counts.hpp does sparsely
V = 23
chain = rng.dirichlet(np.full(V, 0.2), V)


def sequences(count):
    made = []
    for _ in range(count):
        s = [int(rng.integers(0, V - 1))]
        while rng.random() < 0.95:
            s.append(int(rng.choice(V, p=chain[s[-1]])))
        made.append(s)
    return made


train, test = sequences(60), sequences(20)
single, double = np.zeros(V), np.zeros((V, V))
for s in train:
    for w in s:
        single[w] += 1
    for x, y in zip(s, s[1:]):
        double[x, y] += 1
P = (single + 1) / (single.sum() + V)


def smooth(table):
    kinds, n = (table > 0).sum(1, keepdims=True), table.sum(1, keepdims=True)
    return np.where(kinds > 0, (table + kinds * P) / np.maximum(n + kinds, 1), P)


after, before = smooth(double), smooth(double.T)
results = {k: [] for k in ("unigram", "left", "right", "both")}
for s in test:
    for t, w in enumerate(s):
        left = after[s[t - 1]] if t > 0 else P
        right = before[s[t + 1]] if t + 1 < len(s) else P
        both = left * right / P
        for name, q in (("unigram", P), ("left", left), ("right", right), ("both", both / both.sum())):
            rank = int(((q > q[w]) | ((q == q[w]) & (np.arange(V) < w))).sum())
            results[name].append((rank == 0, rank < 5, -np.log(q[w])))
for name, rows in results.items():
    m = np.array(rows, dtype=np.float64).mean(0)
    out[f"counts.{name}"] = np.array([m[0], m[1], np.exp(m[2])])
for name, data in (("train", train), ("test", test)):
    out[f"counts.{name}"] = np.concatenate(data).astype(np.int32)
    out[f"counts.{name}.ends"] = np.cumsum([len(s) for s in data]).astype(np.int32)

save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "text_scores.safetensors"), out)
