#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compiles one .cu file for the architectures that are asked for, holds its kernels to their budgets, and runs the program.

compile_and_run.py NVCC SOURCE --out FOLDER --root PROJECT [--arch 80 90] [--budgets] [--system FOLDER] [--define NAME=VALUE]

Budgets, of every kernel: no spilled register, no array in local memory, registers for two blocks of its threads at least on a processor
(for one of a kernel over doubles, which take two registers each and are there for checks), static shared memory of at most 48 KiB. Of a file: CPU seconds and memory of its compilers for one architecture. What a line
`// ptx: KERNEL has INSTRUCTION` of the file asks for has to be in the PTX of at least one kernel of that name.
A program that finds no GPU ends with 77: it was compiled and linked, which is all that could be shown.
"""
import argparse
import pathlib
import re
import resource
import shutil
import subprocess
import sys

MOST_SECONDS, MOST_KB = 60, 3 * 1024 * 1024
REGISTERS_A_PROCESSOR = 65536
ENTRY = re.compile(r"Compiling entry function '(\w+)' for '(sm_\w+)'(.*?)(?=Compiling entry function|\Z)", re.S)

parser = argparse.ArgumentParser()
parser.add_argument("nvcc")
parser.add_argument("source", type=pathlib.Path)
parser.add_argument("--out", type=pathlib.Path, required=True)
parser.add_argument("--root", type=pathlib.Path, required=True)
parser.add_argument("--arch", nargs="+", default=["80", "90"])
parser.add_argument("--system", nargs="*", default=[])
parser.add_argument("--define", nargs="*", default=[])
parser.add_argument("--budgets", action="store_true")
o = parser.parse_args()

shutil.rmtree(o.out, ignore_errors=True)
o.out.mkdir(parents=True)
faults = []


def name_of(symbol):
    """The kernel struct's name in run_blocks_of<kernel<...>>: the first name that ends in _kernel."""
    found = re.search(r"\d+([a-z_]+_kernel)", symbol)
    return found[1] if found else symbol


def threads_of(ptx, symbol):
    found = re.search(r"\.entry " + re.escape(symbol) + r"\(.*?\.maxntid (\d+)", ptx, re.S)
    return int(found[1]) if found else 1024


program = o.out / "program"
command = [o.nvcc, "-std=c++20", "-O3", "-keep", "--keep-dir", str(o.out), "-Xptxas", "-v"]
command += ["-I", str(o.root / "include"), "-I", str(o.root / "tests")]
for a in o.arch:
    command += ["-gencode", f"arch=compute_{a},code=sm_{a}"]
for s in o.system:
    command += ["-isystem", s]
command += [f"-D{d}" for d in o.define] + [str(o.source), "-o", str(program), "-lcublasLt"]
made = subprocess.run(command, capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
log = made.stdout + made.stderr
if made.returncode != 0:
    print(log[-6000:])
    sys.exit("nvcc failed")
for line in log.splitlines():
    if "warning" in line.lower() and not any(s in line for s in o.system):
        faults.append(line)

if o.budgets:
    seconds = (used.ru_utime + used.ru_stime) / len(o.arch)
    if seconds > MOST_SECONDS or used.ru_maxrss > MOST_KB:
        faults.append(f"compiling took {seconds:.0f} s and {used.ru_maxrss // 1024} MB an architecture; "
                      f"{MOST_SECONDS} s and {MOST_KB // 1024} MB are allowed")
    print(f"{seconds:.1f} s of CPU an architecture, {used.ru_maxrss // 1024} MB at most")
    ptx = "\n".join(p.read_text(errors="replace") for p in sorted(o.out.rglob("*.ptx")))
    kernels = list(ENTRY.finditer(log))
    if not kernels:
        faults.append("ptxas told of no kernel")
    worst = {}
    for k in kernels:
        symbol, arch, text = k[1], k[2], k[3]
        name = f"{name_of(symbol)} on {arch}"
        registers = int(re.search(r"Used (\d+) registers", text)[1])
        shared = re.search(r"(\d+) bytes smem", text)
        frame, stores, loads = map(int, re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", text).groups())
        threads = threads_of(ptx, symbol)
        if stores or loads:
            faults.append(f"{name}: spills {stores} bytes ({symbol})")
        elif frame:
            faults.append(f"{name}: {frame} bytes of local memory ({symbol})")
        blocks = 1 if threads > 512 or "kernelId" in symbol else 2
        if registers * threads * blocks > REGISTERS_A_PROCESSOR:
            faults.append(f"{name}: {registers} registers for {threads} threads ({symbol})")
        if shared and int(shared[1]) > 48 * 1024:
            faults.append(f"{name}: {shared[1]} bytes of shared memory")
        worst[name] = max(worst.get(name, (0, 0)), (registers, int(shared[1]) if shared else 0))
    for name, (registers, shared) in sorted(worst.items()):
        print(f"  {name}: {registers} registers, {shared} bytes shared")
    for wanted in re.finditer(r"^// ptx: (\w+) has (\S+)$", o.source.read_text(), re.M):
        bodies = re.findall(r"\.entry \w*?\d" + wanted[1] + r"\w*\(.*?\n}", ptx, re.S)
        if not any(re.search(wanted[2], b) for b in bodies):
            faults.append(f"no {wanted[1]} of {len(bodies)} in the PTX has {wanted[2]}")

if faults:
    print("\n".join(faults))
    sys.exit(1)
ran = subprocess.run([str(program)], capture_output=True, text=True)
print(ran.stdout + ran.stderr)
sys.exit(0 if ran.returncode == 77 else ran.returncode)
