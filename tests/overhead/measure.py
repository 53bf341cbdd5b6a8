#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Instructions of a composed program against its hand-written twin: measure.py NAME COMPOSED TWIN [--limit 1.02]

Both run under `valgrind --tool=callgrind`, which counts between entry and return of their function `measured`; counts
do not depend on what else the machine does. Fails when the twin sees a header of the library, when the two print
different numbers, when a count is below 10^7, or when the ratio is above the limit.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

SHARED = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
TOLERANCE = 1e-5  # float against float, of the root mean square
LEAST = 10**7


def skip(reason):
    print(f"overhead: skipped, {reason}")
    sys.exit(0)


def includes(source, seen):
    for quote, name in SHARED.findall(source.read_text()):
        if "pretext" in name or (quote == "<" and name.startswith(("xsimd", "Eigen", "xtensor"))):
            sys.exit(f"{source.name} includes {name}: a twin stands alone")
        inner = source.parent / name
        if quote == '"' and inner not in seen:
            seen.add(inner)
            includes(inner, seen)


def run(valgrind, program):
    command = [valgrind, "--tool=callgrind", "--toggle-collect=measured", "--callgrind-out-file=/dev/null", str(program)]
    # Bound at start: the first call of a library's function would otherwise count the search for it.
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LD_BIND_NOW": "1", "LC_ALL": "C"})
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not counted:
        sys.exit(f"{program} failed under valgrind ({done.returncode}):\n{done.stderr[-2000:]}")
    return int(counted[1]), [line.split() for line in done.stdout.splitlines()]


def compare(composed, twin):
    """The largest difference, relative to the root mean square of its array."""
    if [line[0] for line in composed] != [line[0] for line in twin] or not composed:
        sys.exit("the two programs print different arrays")
    worst = 0.0
    for a, b in zip(composed, twin):
        size = max(float(b[1]), 1e-30)
        worst = max([worst] + [abs(float(x) - float(y)) / size for x, y in zip(a[1:], b[1:], strict=True)])
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("composed", type=pathlib.Path)
    parser.add_argument("twin", type=pathlib.Path)
    parser.add_argument("--limit", type=float, default=1.02)
    options = parser.parse_args()
    includes(pathlib.Path(__file__).resolve().parent / f"{options.name}_twin.cpp", set())
    valgrind = shutil.which("valgrind")
    if not valgrind:
        skip("there is no valgrind (sudo apt-get install valgrind)")
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    if not {"avx2", "fma"} <= flags:
        skip("this processor has no AVX2 with FMA")
    composed, numbers = run(valgrind, options.composed)
    twin, twin_numbers = run(valgrind, options.twin)
    worst, ratio = compare(numbers, twin_numbers), composed / twin
    print(f"{options.name}: composed {composed:,} instructions, by hand {twin:,}, ratio {ratio:.4f} (limit {options.limit}), "
          f"largest difference of the results {worst:.1e}")
    if not worst <= TOLERANCE:
        sys.exit(f"the results differ by more than {TOLERANCE}")
    if min(composed, twin) < LEAST:
        sys.exit(f"fewer than {LEAST:,} instructions: the programs are too small to compare")
    if ratio > options.limit:
        sys.exit("the composed program needs more instructions than the limit allows")


main()
