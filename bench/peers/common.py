# SPDX-License-Identifier: BSD-3-Clause
"""What the speed peers share. Import it before torch: it reads the flags and sets what torch looks at when it loads.

A peer is a list of cases. Each has the name of a case of bench/run/<workload>.cpp, the same work (gflop, gbytes, items),
and variants: ways to do it in PyTorch, of which the fastest is what we compare with (--best). `check` computes the small
forms that our program has written (--export) and compares.
"""
import argparse
import ctypes
import json
import math
import os
import struct
import sys
import time


def parse():
    p = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=9, help="at least so many timed runs of a case")
    p.add_argument("--seconds", type=float, default=0.3, help="and at least so much time in them")
    p.add_argument("--only", default="", help="cases whose name contains this")
    p.add_argument("--variant", default="", help="only this variant; NAME,NAME,... tries several")
    p.add_argument("--pick", help="a JSON file that names one variant for each case; the others are not run")
    p.add_argument("--best", action="store_true", help="print the fastest variant of each case alone")
    p.add_argument("--check", metavar="DIR", help="compare with the results of our program; nothing is timed")
    p.add_argument("--compile", action="store_true", help="try torch.compile too, where it can help; it takes a minute a case")
    return p.parse_args()


options = parse()


def prepare_environment():
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA",
                 "MKL_ENABLE_INSTRUCTIONS"):
        os.environ.pop(name, None)  # each of them slows something down
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    if options.threads > 1:  # one thread is better off where the system puts it
        os.environ["OMP_PROC_BIND"] = "true"
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    try:  # freed memory is kept: without it page faults alone cost half of a step again
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)          # M_MMAP_MAX: no block has a mapping of its own
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        pass


prepare_environment()
import numpy  # noqa: E402
import torch  # noqa: E402

torch.set_flush_denormal(True)  # the far ends of a Gaussian kernel are denormal, and blur of 224 pixels 10 times as slow
torch.set_num_threads(options.threads)
torch.manual_seed(0)


def status_mb(field):
    try:
        with open("/proc/self/status") as f:
            for line in f:
                if line.startswith(field):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
    except OSError:
        pass


def read_safetensors(path):
    with open(path, "rb") as f:
        length = struct.unpack("<Q", f.read(8))[0]
        header, raw = json.loads(f.read(length)), f.read()
    return {name: torch.from_numpy(numpy.frombuffer(raw[e["data_offsets"][0]:e["data_offsets"][1]], {"F32": "<f4", "U8": "u1"}[e["dtype"]])
                                   .reshape(e["shape"]).copy())
            for name, e in header.items() if name != "__metadata__"}


def time_it(run):
    def once():
        begin = time.perf_counter()
        run()
        return 1000 * (time.perf_counter() - begin)
    once()
    warm = 0.0
    while warm < min(100.0, 300 * options.seconds):
        warm += once()
    times = []
    while len(times) < options.rounds or sum(times) < 1000 * options.seconds:
        times.append(once())
    times.sort()
    return times[len(times) // 2], times[0]


class Case:
    def __init__(self, name, variants, gflop=0.0, gbytes=0.0, items=0, slow=(), export=True):
        """variants: name -> a function that prepares and returns what is timed; slow ones run with --compile alone.
        export: whether our program writes this case for --check."""
        self.name, self.variants, self.export = name, variants, export
        self.work = {"gflop": gflop, "gbytes": gbytes, **({"items": items} if items else {})}
        self.slow = slow

    def wanted(self, pick):
        if pick is not None:
            return [pick[self.name]] if self.name in pick else []
        named = options.variant.split(",") if options.variant else list(self.variants)
        return [v for v in named if v in self.variants and (options.compile or options.variant or v not in self.slow)]


def measure(workload, cases):
    pick = json.load(open(options.pick)) if options.pick else None
    for case in cases:
        lines = []
        for variant in case.wanted(pick):
            try:
                before = status_mb("VmRSS:")
                forget_peak()
                median, least = time_it(case.variants[variant]())
            except (RuntimeError, NotImplementedError, AttributeError, TypeError) as e:
                print(f"{workload}: {case.name}: {variant} is not possible: {str(e).splitlines()[0]}", file=sys.stderr)
                continue
            lines.append({"workload": workload, "case": case.name, "peer": "pytorch", "variant": variant, "threads": options.threads,
                          "ms_median": median, "ms_min": least, **case.work, "rss_before_mb": before, "peak_rss_mb": status_mb("VmHWM:"),
                          "torch": torch.__version__})
        if options.best and lines:
            lines = [min(lines, key=lambda l: l["ms_median"])]
        for line in lines:
            print(json.dumps(line), flush=True)


def distance(ours, theirs):
    """max|d| / max|theirs|, infinite where something is not finite."""
    theirs = theirs.detach().double()
    if tuple(ours.shape) != tuple(theirs.shape):
        return math.inf
    d = (ours.double() - theirs).abs().max().item() / max(theirs.abs().max().item(), 1e-30)
    return d if math.isfinite(d) else math.inf


def verify(workload, cases, check):
    failed = 0
    for case in (c for c in cases if c.export):
        path = os.path.join(options.check, f"{workload}.{case.name.replace(' ', '_')}.safetensors")
        if not os.path.exists(path):
            print(f"{workload}: {case.name}: {path} is missing", file=sys.stderr)
            failed += 1
            continue
        for what, *found, tolerance in check(case.name, read_safetensors(path)):  # a tensor of each, or how far off
            off = distance(*found) if len(found) == 2 else found[0]
            verdict = "ok" if off <= tolerance else "WRONG"
            failed += not off <= tolerance
            print(f"{workload}: {case.name}: {what} off by {off:.2g}, allowed {tolerance:.2g}: {verdict}", flush=True)
    return failed


def main(workload, cases, check):
    cases = [c for c in cases if options.only in c.name]
    if options.check:
        sys.exit(1 if verify(workload, cases, check) else 0)
    measure(workload, cases)
