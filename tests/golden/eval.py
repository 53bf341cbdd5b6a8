# SPDX-License-Identifier: BSD-3-Clause
"""Writes eval.safetensors: what scikit-learn and NumPy make of small feature matrices. Run: python3 tests/golden/eval.py"""
import os

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, f1_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler

from write_safetensors import save

rng = np.random.default_rng(7)
out = {}

# Three overlapping classes of unequal scale in 13 dimensions, one feature constant, means far from zero.
classes, d = 3, 13
centres = rng.normal(0, 0.8, (classes, d))
labels = rng.integers(0, classes, 257)
test_labels = rng.integers(0, classes, 131)
scale = np.exp(rng.normal(0, 1, d))


def draw(y):
    x = (centres[y] + rng.normal(0, 1, (len(y), d))) * scale + 5
    x[:, 4] = 2.5
    return x.astype(np.float32)


train, test = draw(labels), draw(test_labels)
out |= {"train": train, "train_labels": labels.astype(np.int32), "test": test, "test_labels": test_labels.astype(np.int32)}

scaler = StandardScaler().fit(train.astype(np.float64))
x, xt = scaler.transform(train.astype(np.float64)), scaler.transform(test.astype(np.float64))
for name, l2 in (("weak", 1e-3), ("strong", 0.1)):
    model = LogisticRegression(C=1 / (len(x) * l2), tol=1e-10, max_iter=10000).fit(x, labels)
    out |= {f"logistic.{name}.l2": np.float64(l2), f"logistic.{name}.weights": model.coef_, f"logistic.{name}.bias": model.intercept_,
            f"logistic.{name}.predictions": model.predict(xt).astype(np.int32),
            f"logistic.{name}.probabilities": model.predict_proba(xt)}
predicted = model.predict(xt)
out["f1"] = np.float64(f1_score(test_labels, predicted, average="macro"))
out["confusion"] = confusion_matrix(test_labels, predicted).astype(np.int32)

# Cosine neighbours of the centred rows, so that directions differ.
mean = train.astype(np.float64).mean(0)
a, b = (train - mean).astype(np.float32), (test - mean).astype(np.float32)
out |= {"knn.train": a, "knn.test": b}
distance, index = NearestNeighbors(n_neighbors=7, metric="cosine", algorithm="brute").fit(a.astype(np.float64)).kneighbors(b.astype(np.float64))
out |= {"knn.index": index.astype(np.int32), "knn.similarity": 1 - distance}
weighted = KNeighborsClassifier(7, metric="cosine", algorithm="brute", weights=lambda dist: np.exp((1 - dist) / 0.07))
out["knn.weighted"] = weighted.fit(a.astype(np.float64), labels).predict(b.astype(np.float64)).astype(np.int32)
majority = KNeighborsClassifier(7, metric="cosine", algorithm="brute").fit(a.astype(np.float64), labels)
votes = np.sort(majority.predict_proba(b.astype(np.float64)), axis=1)
plain = majority.predict(b.astype(np.float64)).astype(np.int32)
plain[votes[:, -1] - votes[:, -2] < 1e-9] = -1  # ties are broken differently
out["knn.majority"] = plain

pca = PCA(4, svd_solver="full").fit(train.astype(np.float64))
out |= {"pca.directions": pca.components_, "pca.variances": pca.explained_variance_,
        "pca.total": np.float64(pca.explained_variance_.sum() / pca.explained_variance_ratio_.sum())}

s = np.linalg.svd(train.astype(np.float64), compute_uv=False)
p = s / s.sum() + 1e-7
out |= {"singular": s, "rank_me": np.float64(np.exp(-(p * np.log(p)).sum()))}
v = np.linalg.svd(np.cov(train.astype(np.float64), rowvar=False), compute_uv=False)
p = v / v.sum()
p = p[p > 1e-15]
out["effective_rank"] = np.float64(np.exp(-(p * np.log(p)).sum()))

# Alignment and uniformity as printed in the paper's appendix.
u = a.astype(np.float64) / np.linalg.norm(a.astype(np.float64), axis=1, keepdims=True)
w = u[:128] - u[128:256]
out["alignment"] = np.float64((np.linalg.norm(w, axis=1) ** 2).mean())
gaps = ((u[:, None] - u[None]) ** 2).sum(-1)[np.triu_indices(len(u), 1)]
out["uniformity"] = np.float64(np.log(np.exp(-2 * gaps).mean()))
out["normalised_std"] = np.float64(u.std(0).mean())

save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "eval.safetensors"), out)
