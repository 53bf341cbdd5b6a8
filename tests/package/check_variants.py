#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The copies of a program made by pretext_add_variants share no code: check_variants.py BUILD_DIR [VALGRIND]

Looks at the machine code of each copy, then runs the program as each variant, and once on a processor without AVX-512
(valgrind emulates one: an AVX-512 instruction on the way would be an illegal instruction there).
"""
import os
import pathlib
import re
import subprocess
import sys

build = pathlib.Path(sys.argv[1])
valgrind = sys.argv[2] if len(sys.argv) > 2 else ""
app = build / "app"
YMM = re.compile(r"%ymm\d")
AVX512 = re.compile(r"%zmm\d|%[xy]mm(1[6-9]|2\d|3[01])\b|\{%k\d\}|%k[0-7]\b")
faults = []


def say(condition, text):
    if not condition:
        faults.append(text)


def output(*command):
    return subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE, check=True).stdout


def run(variant, *arguments, under=()):
    environment = {k: v for k, v in os.environ.items() if k != "PRETEXT_ARCH"}
    if variant:
        environment["PRETEXT_ARCH"] = variant
    return subprocess.run([*under, str(app), *arguments], env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


for variant in ("baseline", "avx2", "avx512"):
    part = build / "app.variants" / f"{variant}.o"
    visible = [line.split()[-1] for line in output("nm", "--extern-only", "--defined-only", part).splitlines()]
    say(visible == [f"pretext_main_{variant}"], f"{variant}: visible symbols are {visible}")
    groups = output("readelf", "--section-groups", part)
    say("COMDAT" not in groups, f"{variant}: has section groups that the linker would merge")
    code = output("objdump", "-d", "--no-show-raw-insn", part)
    say("product_sum" in code, f"{variant}: the function under test is not there")
    say(variant != "baseline" or not YMM.search(code), "baseline: has 256-bit instructions")
    say(variant == "baseline" or YMM.search(code) or AVX512.search(code), f"{variant}: has no wide instructions at all")
    say(variant == "avx512" or not AVX512.search(code), f"{variant}: has AVX-512 instructions")
    say(variant != "avx512" or AVX512.search(code), "avx512: has no AVX-512 instructions")
    headers = output("objdump", "-h", part)
    say(f"pretext_init_{variant}" in headers, f"{variant}: its dynamic initialisers have no section of their own")
    say(" .init_array " not in headers, f"{variant}: has initialisers that run before it is chosen")

# Run as each: the unit's own answer, the shared unit's answer, the dynamic initialisers of this copy only (64 + 1 values).
flags = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
has = {"baseline": True, "avx2": " avx2 " in flags and " fma " in flags,
       "avx512": all(f" avx512{x} " in flags for x in ("f", "cd", "bw", "dq", "vl"))}
for variant, there in has.items():
    done = run(variant)
    if there:
        say(done.returncode == 0, f"{variant}: exit status {done.returncode}: {done.stderr}")
        say(done.stdout == f"{variant}|577|65|baseline 16.000000|1\n", f"{variant}: printed {done.stdout!r}")
        say(run(variant, "fail").returncode == 3, f"{variant}: main's return value is lost")
    else:
        say(done.returncode == 2 and "cannot run" in done.stderr, f"{variant}: not here, and no sentence: {done.stderr!r}")
        print(f"not run: {variant}, which this processor has not")
best = [v for v, there in has.items() if there][-1]
for name in ("", "auto"):
    say(run(name).stdout.startswith(best + "|"), f"PRETEXT_ARCH={name!r} does not choose {best}")
done = run("sse9")
say(done.returncode == 2 and "avx512 avx2 baseline" in done.stderr, f"an unknown name: {done.returncode}, {done.stderr!r}")

if valgrind:
    under = (valgrind, "--tool=none", "-q", "--error-exitcode=9")
    done = run("", under=under)
    say(done.returncode == 0 and done.stdout.startswith("avx2|"), f"without AVX-512: {done.returncode} {done.stdout!r} {done.stderr!r}")
    done = run("avx512", under=under)
    say(done.returncode == 2 and "cannot run" in done.stderr, f"avx512 without AVX-512: {done.returncode} {done.stderr!r}")
else:
    print("not run: the program on a processor without AVX-512 (no valgrind)")

print("\n".join(faults) or "the variants stay apart")
sys.exit(1 if faults else 0)
