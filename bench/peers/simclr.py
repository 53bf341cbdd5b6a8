#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The main job of Pretext (SimCLR on unlabelled images, then probes) in plain PyTorch: the peer to compare with.

    python3 bench/peers/simclr.py --data DIR [--epochs 5] [--samples 20000] [--temperature 0.5] [--area 0.5] ...

DIR holds MNIST-like files (train-images-idx3-ubyte[.gz], ...) or CIFAR-10 binaries (train*.bin[.gz] or
data_batch_*.bin[.gz], and test*.bin[.gz]). The last line on standard output is one JSON object with the fields of the
example's last line (01_simclr_images); progress goes to standard error.
Written for PyTorch 1.13.1 (Debian 12 python3-torch); needs nothing else.
"""
import argparse
import copy
import ctypes
import glob
import gzip
import json
import math
import os
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


# ---------------------------------------------------------------- data

def read_bytes(path):
    with open(path, "rb") as f:
        raw = f.read()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def read_idx(path):
    raw = bytearray(read_bytes(path))
    if raw[:3] != b"\0\0\x08":
        sys.exit(f"{path}: not an IDX file of unsigned bytes")
    sizes = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
    return torch.frombuffer(raw, dtype=torch.uint8, offset=4 + 4 * raw[3]).reshape(sizes)


def read_cifar(paths):
    rows = torch.cat([torch.frombuffer(bytearray(read_bytes(p)), dtype=torch.uint8).reshape(-1, 3073) for p in paths])
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].long()


def load(folder):
    """(train images u8 NCHW, train labels, test images, test labels)"""
    def find(*patterns):
        for pattern in patterns:
            hits = sorted(glob.glob(os.path.join(folder, pattern)))
            if hits:
                return hits
        return []
    if find("train-images-idx3-ubyte*"):
        parts = []
        for part in ("train", "t10k"):
            parts.append(read_idx(find(f"{part}-images-idx3-ubyte*")[0])[:, None])
            parts.append(read_idx(find(f"{part}-labels-idx1-ubyte*")[0]).long())
        return parts
    train, test = find("train*.bin*", "data_batch_*.bin*"), find("test*.bin*")
    if not train or not test:
        sys.exit(f"{folder}: neither IDX nor CIFAR binary files with a train and a test part found")
    return [*read_cifar(train), *read_cifar(test)]


# ---------------------------------------------------------------- augmentation, a whole batch at once
# The distributions of torchvision's transforms; each image of the batch has its own draw.

def random_resized_crop(x, area_min, area_max=1.0, ratio=(3 / 4, 4 / 3)):
    b, c, h, w = x.shape
    tries = 10
    area = h * w * torch.empty(b, tries).uniform_(area_min, area_max)
    aspect = torch.exp(torch.empty(b, tries).uniform_(math.log(ratio[0]), math.log(ratio[1])))
    cw, ch = torch.sqrt(area * aspect).round(), torch.sqrt(area / aspect).round()
    fits = (cw > 0) & (cw <= w) & (ch > 0) & (ch <= h)
    first = fits.float().argmax(1, keepdim=True)            # the first try that fits
    cw, ch = cw.gather(1, first)[:, 0], ch.gather(1, first)[:, 0]
    none = ~fits.any(1)                                     # else the largest centred crop of an allowed ratio
    cw[none], ch[none] = float(min(w, round(h * ratio[1]))), float(min(h, round(w / ratio[0])))
    x0 = torch.floor(torch.rand(b) * (w - cw + 1)).clamp(max=w - 1)
    y0 = torch.floor(torch.rand(b) * (h - ch + 1)).clamp(max=h - 1)
    x0[none], y0[none] = torch.floor((w - cw[none]) / 2), torch.floor((h - ch[none]) / 2)

    # Bilinear, half-pixel centres, clamped to the crop. The output is never smaller than the crop, so antialiasing,
    # which only acts when shrinking, would change nothing.
    def taps(start, length, size):
        at = ((torch.arange(size) + 0.5) * (length / size)[:, None] - 0.5).clamp(min=0)
        low = torch.minimum(at.floor(), length[:, None] - 1)
        high = torch.minimum(low + 1, length[:, None] - 1)
        return (start[:, None] + low).long(), (start[:, None] + high).long(), at - low
    top, bottom, fy = taps(y0, ch, h)
    left, right, fx = taps(x0, cw, w)
    rows = lambda i: x.gather(2, i[:, None, :, None].expand(b, c, h, w))
    x = torch.lerp(rows(top), rows(bottom), fy[:, None, :, None])
    columns = lambda i: x.gather(3, i[:, None, None, :].expand(b, c, h, w))
    return torch.lerp(columns(left), columns(right), fx[:, None, None, :])


def horizontal_flip(x, p=0.5):
    return torch.where((torch.rand(len(x)) < p)[:, None, None, None], x.flip(3), x)


def grey(x):
    weights = torch.tensor([0.2989, 0.587, 0.114]).reshape(1, 3, 1, 1)
    return (x * weights).sum(1, keepdim=True) if x.shape[1] == 3 else x


def adjust_hue(x, shift):
    r, g, b = x.unbind(1)
    high, low = x.amax(1), x.amin(1)
    chroma = high - low
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    saturation = chroma / torch.where(high == 0, torch.ones_like(high), high)
    hue = torch.where(high == r, (g - b) / safe, torch.where(high == g, 2 + (b - r) / safe, 4 + (r - g) / safe))
    hue = (hue / 6 + 1 + shift[:, None, None]) % 1.0
    # One channel of HSV to RGB as a function of the hue: f(n) = v - v s max(0, min(k, 4 - k, 1)), k = (n + 6 h) mod 6
    def channel(n):
        k = (n + hue * 6) % 6
        return high - high * saturation * torch.minimum(k, 4 - k).clamp(0, 1)
    return torch.stack([channel(5), channel(3), channel(1)], 1)


def color_jitter(x, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, p=0.8):
    b, rgb = len(x), x.shape[1] == 3
    factor = lambda s: torch.empty(b).uniform_(1 - s, 1 + s)
    amounts = [factor(brightness), factor(contrast), factor(saturation), torch.empty(b).uniform_(-hue, hue)]
    def blend(x, other, f):
        return (other + f[:, None, None, None] * (x - other)).clamp(0, 1)
    steps = [lambda x, f: blend(x, torch.zeros(()), f),
             lambda x, f: blend(x, grey(x).mean((1, 2, 3), keepdim=True), f),
             lambda x, f: blend(x, grey(x), f) if rgb else x,
             lambda x, f: adjust_hue(x, f) if rgb else x]
    order = torch.rand(b, 4).argsort(1)                     # each image has its own order of the four
    order[torch.rand(b) >= p] = -1
    x = x.clone()
    for turn in range(4):
        for kind in range(4 if rgb else 2):
            rows = (order[:, turn] == kind).nonzero()[:, 0]
            if len(rows):
                x[rows] = steps[kind](x[rows], amounts[kind][rows])
    return x


def random_grayscale(x, p=0.2):
    return torch.where((torch.rand(len(x)) < p)[:, None, None, None], grey(x), x) if x.shape[1] == 3 else x


def simclr_view(x, area):
    x = random_resized_crop(x, area)
    if x.shape[1] == 3:
        x = horizontal_flip(x)
    return random_grayscale(color_jitter(x))


def mild_view(x):
    x = random_resized_crop(x, 0.7)
    return horizontal_flip(x) if x.shape[1] == 3 else x


# ---------------------------------------------------------------- model and loss

class Product(torch.autograd.Function):
    """a b^T through oneDNN: distributions build PyTorch with the reference BLAS, 30 times slower than oneDNN."""
    @staticmethod
    def plain(a, b):
        return torch._C._nn.mkldnn_linear(a.contiguous().to_mkldnn(), b.contiguous()).to_dense()

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return Product.plain(a, b)

    @staticmethod
    def backward(ctx, d):
        a, b = ctx.saved_tensors
        return (Product.plain(d, b.t()) if ctx.needs_input_grad[0] else None,
                Product.plain(d.t(), a.t()) if ctx.needs_input_grad[1] else None)


product = Product.apply if torch.backends.mkldnn.is_available() else lambda a, b: a @ b.t()


class Linear(nn.Linear):
    def forward(self, x):
        return product(x, self.weight) + self.bias


def conv_net(channels, widths):
    layers = []
    for i, width in enumerate(widths):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        if i < 2:
            layers.append(nn.MaxPool2d(2))
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def mlp(width, sizes):
    layers = []
    for i, size in enumerate(sizes):
        layers += ([nn.ReLU()] if i else []) + [Linear(width, size)]
        width = size
    return nn.Sequential(*layers)


def nt_xent(z, tau):
    """Rows i and i + B are two views of one sample."""
    z = F.normalize(z)
    n = len(z)
    logits = (product(z, z) / tau).masked_fill(torch.eye(n, dtype=torch.bool), -math.inf)
    return F.cross_entropy(logits, (torch.arange(n) + n // 2) % n)


def keep_memory():
    """Lets glibc keep freed memory instead of returning and zeroing it each step: 13 % of the time."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)              # M_MMAP_MAX: no block has a mapping of its own
        libc.mallopt(-1, 2**31 - 1)      # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        pass


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)


def cosine(progress):
    return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def pretrain(encoder, images, args):
    head = mlp(args.widths[-1], args.projector)
    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=args.lr,
                                  weight_decay=args.weight_decay)
    per_epoch = len(images) // args.batch_size
    if per_epoch == 0:
        sys.exit(f"{len(images)} images do not fill one batch of {args.batch_size}")
    if args.channels_last:
        encoder.to(memory_format=torch.channels_last)
    total, step, losses, start = args.epochs * per_epoch, 0, [], time.perf_counter()
    encoder.train()
    while step < total:
        if step % per_epoch == 0:
            order = torch.randperm(len(images))
        rows = order[step % per_epoch * args.batch_size:][:args.batch_size]
        progress = max(step - args.warmup, 0) / max(total - args.warmup, 1)
        if args.time_limit:
            elapsed = (time.perf_counter() - start) / args.time_limit
            if elapsed >= 1:
                break
            progress = max(progress, elapsed)
        set_rate(optimizer, args.lr * min((step + 1) / max(args.warmup, 1), 1.0) * cosine(progress))
        batch = images[rows].float() / 255
        views = torch.cat([simclr_view(batch, args.area) for _ in range(2)])
        if args.channels_last:
            views = views.contiguous(memory_format=torch.channels_last)
        loss = nt_xent(head(encoder(views)), args.temperature)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        step += 1
        if step % per_epoch == 0:
            seconds = time.perf_counter() - start
            print(f"epoch {step // per_epoch}/{args.epochs}  loss {sum(losses[-per_epoch:]) / per_epoch:.4f}  "
                  f"{step * args.batch_size / seconds:.0f} images/s", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - start
    return {"epochs": step / per_epoch, "steps": step, "seconds": round(seconds, 2),
            "images_per_second": round(step * args.batch_size / seconds, 1),
            "loss_first": losses[0], "loss_last": losses[-1]}


# ---------------------------------------------------------------- evaluation

@torch.no_grad()
def features(encoder, images):
    encoder.eval()
    return torch.cat([encoder(part.float() / 255) for part in images.split(500)])


@torch.no_grad()
def set_batch_statistics(encoder, images):
    """One pass that sets batch-norm statistics to plain averages (the untrained encoder has none)."""
    norms = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None
    encoder.train()
    for part in images.split(500):
        encoder(part.float() / 255)
    for m in norms:
        m.momentum = 0.1


@torch.no_grad()
def knn(train, labels, test, test_labels, k=20):
    """Cosine, the k nearest vote equally; a tie goes to the class whose neighbours are nearer in sum."""
    train, classes, right = F.normalize(train), int(labels.max()) + 1, 0
    k = min(k, len(train))
    for part, truth in zip(F.normalize(test).split(1000), test_labels.split(1000)):
        near, index = product(part, train).topk(k)
        votes = torch.zeros(len(part), classes).scatter_add_(1, labels[index], 1 + 1e-4 * near)
        right += int((votes.argmax(1) == truth).sum())
    return right / len(test)


class Standardise:
    def __init__(self, x):
        self.mean, self.std = x.mean(0), x.std(0, unbiased=False)
        self.std = torch.where(self.std < 1e-6, torch.ones_like(self.std), self.std)

    def __call__(self, x):
        return (x - self.mean) / self.std


def logistic(x, y, classes, l2, start=None):
    """Multinomial logistic regression by L-BFGS: mean cross-entropy + l2/2 |W|^2, the bias free."""
    weight, bias = start or (torch.zeros(classes, x.shape[1]), torch.zeros(classes))
    weight, bias = weight.clone().requires_grad_(), bias.clone().requires_grad_()
    solver = torch.optim.LBFGS([weight, bias], max_iter=200, history_size=20, tolerance_grad=1e-5,
                               tolerance_change=1e-7, line_search_fn="strong_wolfe")
    def closure():
        solver.zero_grad()
        loss = F.cross_entropy(product(x, weight) + bias, y) + 0.5 * l2 * weight.pow(2).sum()
        loss.backward()
        return loss
    solver.step(closure)
    return weight.detach(), bias.detach()


def accuracy(model, x, y):
    return (product(x, model[0]) + model[1]).argmax(1).eq(y).float().mean().item()


def linear_probe(train, labels, test, test_labels, classes):
    """l2 chosen on a tenth of the training rows, then refitted on all."""
    scale = Standardise(train)
    train, test = scale(train), scale(test)
    cut = max(len(train) // 10, 1)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    held, rest = order[:cut], order[cut:]
    best, model = (-1.0, 0.0), None
    for l2 in (1e-1, 1e-2, 1e-3, 1e-4):
        model = logistic(train[rest], labels[rest], classes, l2, model)
        best = max(best, (accuracy(model, train[held], labels[held]), l2))
    return accuracy(logistic(train, labels, classes, best[1], model), test, test_labels)


class Classifier(nn.Module):
    """Encoder, fixed standardisation of its features, linear layer."""
    def __init__(self, encoder, classes, width, scale=None, head=None):
        super().__init__()
        self.encoder, self.head = encoder, Linear(width, classes)
        self.register_buffer("mean", scale.mean if scale else torch.zeros(width))
        self.register_buffer("std", scale.std if scale else torch.ones(width))
        if head:
            self.head.weight.data.copy_(head[0])
            self.head.bias.data.copy_(head[1])

    def forward(self, x):
        return self.head((self.encoder(x) - self.mean) / self.std)


def train_supervised(model, images, labels, steps, lr, batch=64, encoder_scale=1.0, freeze_statistics=False):
    optimizer = torch.optim.AdamW([{"params": model.encoder.parameters(), "scale": encoder_scale},
                                   {"params": model.head.parameters()}], lr=lr)
    model.train()
    if freeze_statistics:
        model.encoder.eval()
    order, batch = torch.empty(0, dtype=torch.long), min(batch, len(images))
    for step in range(steps):
        if len(order) < batch:
            order = torch.randperm(len(images))
        rows, order = order[:batch], order[batch:]
        set_rate(optimizer, lr * min((step + 1) / 20, 1.0) * cosine(step / steps))
        loss = F.cross_entropy(model(mild_view(images[rows].float() / 255)), labels[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return model


def classify(model, images, labels):
    return features(model, images).argmax(1).eq(labels).float().mean().item()


def few_labels(fresh, encoder, data, args):
    """scratch, linear and fine-tuned accuracy with 1, 10, 100 labels a class; mean and deviation over draws."""
    images, labels, test, test_labels, classes = data
    train_features, test_features = features(encoder, images), features(encoder, test)
    scale = Standardise(train_features)
    train_features, test_features = scale(train_features), scale(test_features)
    rows = []
    for per_class, scratch_steps, tune_steps in ((1, 200, 50), (10, 300, 150), (100, 600, 400)):
        if torch.bincount(labels, minlength=classes).min() < per_class or not args.draws:
            continue
        results = {"scratch": [], "linear": [], "finetuned": []}
        for draw in range(args.draws):
            generator = torch.Generator().manual_seed(1000 * args.seed + draw)
            order = torch.randperm(len(labels), generator=generator)
            chosen = torch.cat([order[labels[order] == c][:per_class] for c in range(classes)])
            x, y = images[chosen], labels[chosen]
            head = logistic(train_features[chosen], y, classes, 0.01)
            results["linear"].append(accuracy(head, test_features, test_labels))
            tuned = Classifier(copy.deepcopy(encoder), classes, args.widths[-1], scale, head)
            # Statistics of a handful of images are worse than those of pre-training, and a full rate forgets it.
            gentle = dict(encoder_scale=0.1, freeze_statistics=True) if len(x) < 64 else {}
            train_supervised(tuned, x, y, tune_steps, 1e-3, **gentle)
            results["finetuned"].append(classify(tuned, test, test_labels))
            scratch = Classifier(fresh(), classes, args.widths[-1])
            results["scratch"].append(classify(train_supervised(scratch, x, y, scratch_steps, 2e-3), test, test_labels))
        row = {"per_class": per_class, "draws": args.draws}
        for name, values in results.items():
            mean = sum(values) / len(values)
            row[name] = round(mean, 4)
            row[name + "_std"] = round(math.sqrt(sum((v - mean) ** 2 for v in values) / len(values)), 4)
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    return rows


# ---------------------------------------------------------------- main

def arguments():
    sizes = lambda text: [int(n) for n in text.split(",")]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--batch-size", type=int, default=256)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--weight-decay", type=float, default=1e-2)
    p.add_argument("--warmup", type=int, default=20, help="steps")
    p.add_argument("--temperature", type=float, default=0.5)
    p.add_argument("--area", type=float, default=None, help="smallest area of a crop (grey 0.5, colour 0.2)")
    p.add_argument("--widths", type=sizes, default=None, help="32,64,128 for grey images, 64,128,256 for colour")
    p.add_argument("--projector", type=sizes, default=[128, 64])
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=0, help="0: PyTorch's own choice")
    p.add_argument("--channels-last", action="store_true", help="the other layout of convolutions; numbers stay the same")
    p.add_argument("--samples", type=int, default=0, help="unlabelled images used; 0: all")
    p.add_argument("--test-samples", type=int, default=0, help="0: all")
    p.add_argument("--time-limit", type=float, default=0, help="seconds of pre-training; the rate then falls with time")
    p.add_argument("--draws", type=int, default=5, help="draws of labelled images; 0 leaves few-label runs out")
    p.add_argument("--supervised-epochs", type=int, default=None, help="default: --epochs; 0 leaves it out")
    p.add_argument("--out", default=None, help="folder for encoder.safetensors")
    return p.parse_args()


def main():
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    keep_memory()
    torch.manual_seed(args.seed)
    images, labels, test, test_labels = load(args.data)
    if args.samples:
        chosen = torch.randperm(len(images))[:args.samples]
        images, labels = images[chosen], labels[chosen]
    if args.test_samples:
        test, test_labels = test[:args.test_samples], test_labels[:args.test_samples]
    channels, classes = images.shape[1], int(labels.max()) + 1
    args.widths = args.widths or ([32, 64, 128] if channels == 1 else [64, 128, 256])
    args.area = args.area or (0.5 if channels == 1 else 0.2)
    fresh = lambda: conv_net(channels, args.widths)
    encoder = fresh()
    untrained = copy.deepcopy(encoder)
    result = {"peer": "pytorch " + torch.__version__, "data": os.path.basename(os.path.normpath(args.data)),
              "samples": len(images), "test_samples": len(test), "classes": classes,
              "threads": torch.get_num_threads(), "seed": args.seed, "batch_size": args.batch_size, "lr": args.lr,
              "temperature": args.temperature, "area": args.area, "widths": args.widths, "projector": args.projector}
    result.update(pretrain(encoder, images, args))

    def probes(prefix, train, held):
        result[prefix + "knn"] = knn(train, labels, held, test_labels)
        result[prefix + "linear"] = linear_probe(train, labels, held, test_labels, classes)
        print(f"{prefix}knn {result[prefix + 'knn']:.4f}  {prefix}linear {result[prefix + 'linear']:.4f}",
              file=sys.stderr, flush=True)
    probes("", features(encoder, images), features(encoder, test))
    probes("raw_", images.flatten(1).float() / 255, test.flatten(1).float() / 255)
    set_batch_statistics(untrained, images)
    probes("random_", features(untrained, images), features(untrained, test))

    epochs = args.epochs if args.supervised_epochs is None else args.supervised_epochs
    result["supervised_all_labels"] = None
    if epochs:
        model = Classifier(fresh(), classes, args.widths[-1])
        train_supervised(model, images, labels, epochs * max(len(images) // 128, 1), 2e-3, 128)
        result["supervised_all_labels"] = classify(model, test, test_labels)
    result["few_labels"] = few_labels(fresh, encoder, (images, labels, test, test_labels, classes), args)
    result["parameters"] = sum(p.numel() for p in encoder.parameters())
    result["checkpoint"] = None
    if args.out:
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden"))
        from write_safetensors import save
        os.makedirs(args.out, exist_ok=True)
        result["checkpoint"] = os.path.join(args.out, "encoder.safetensors")
        save(result["checkpoint"], {n: t for n, t in encoder.state_dict().items()})
    print(json.dumps({k: round(v, 6) if isinstance(v, float) else v for k, v in result.items()}))


if __name__ == "__main__":
    main()
