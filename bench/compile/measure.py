#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Seconds and peak memory of compiling typical programs, cold, at -O2 without -march.

  measure.py [--compiler g++] [--runs 3] [NAME...]      prints a table of the programs in programs.json
  measure.py --gate [NAME...]                           also: exit status 1 where one is over its budget
  measure.py --headers [PATTERN...]                     every header alone, dearest last: where the time goes

Time is the compiler's own processor time: waiting for a processor is not the library's cost. It still moves by half
with what the neighbours of a shared machine do, and from machine to machine. So a yardstick (`yardstick` in
programs.json) is compiled before and after every run, and what is gated is the time on a machine on which the yardstick
takes the seconds given there: the middle of the runs' processor time / yardstick's time * those seconds. Memory is the
largest process of the compiler. A program named with `ratio_to` is measured with its partner, and their quotient
is gated.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def compile_once(command, source, directory):
    """(wall seconds, processor seconds, peak MB, exit status, output) of one compiler run."""
    log = pathlib.Path(directory, "log")
    with open(log, "w") as out:
        begin = time.monotonic()
        child = os.fork()
        if child == 0:  # a process of its own, so that its children's peak is not an earlier program's
            status = subprocess.run([*command, str(source)], stdout=out, stderr=subprocess.STDOUT, cwd=directory).returncode
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            pathlib.Path(directory, "usage").write_text(f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss / 1024}")
            os._exit(1 if status else 0)
        _, status = os.waitpid(child, 0)
        wall = time.monotonic() - begin
    processor, peak = map(float, pathlib.Path(directory, "usage").read_text().split())
    return wall, processor, peak, status, log.read_text()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--system", action="append", default=["/usr/include/eigen3"])
    parser.add_argument("--list", default=str(HERE / "programs.json"))
    parser.add_argument("--headers", action="store_true")
    parser.add_argument("--json", help="write the measured figures to this file")
    options = parser.parse_args()

    if not shutil.which(options.compiler):
        print(f"no compiler {options.compiler}")
        return 2
    include = ROOT / "include"
    listed = json.loads(pathlib.Path(options.list).read_text())
    yardstick = listed["yardstick"]
    if options.headers:
        patterns = options.names or ["pretext/**/*.hpp"]
        found = sorted({p.relative_to(include) for pattern in patterns for p in include.glob(pattern)})
        programs = [{"name": str(h), "text": [f"#include <{h}>"]} for h in found]
        options.names = []
    else:
        programs = listed["programs"]
    unknown = set(options.names) - {p["name"] for p in programs}
    if unknown:
        print(f"{options.list} has no program {', '.join(sorted(unknown))}")
        return 2
    # Caches in front of the compiler would measure themselves.
    os.environ["CCACHE_DISABLE"] = "1"
    compiler = [options.compiler, "-std=c++20", "-O2", "-c", "-o", os.devnull, "-x", "c++", f"-I{ROOT / 'include'}",
                *[f"-isystem{d}" for d in options.system]]

    def compile_or_leave(name, source, directory):
        *figures, status, text = compile_once(compiler, source, directory)
        if status:
            print(f"{name:28} does not compile:\n{text[:4000]}")
            sys.exit(1)
        return figures

    measured, over, tools = {}, [], []
    print(f"{options.compiler} -std=c++20 -O2, {options.runs} runs; seconds: processor time where "
          f"{yardstick['name']} takes {yardstick['seconds']} s")
    print(f"{'program':28} {'CPU s':>8} {'seconds':>8} {'peak MB':>8}   budget")
    for program in programs:
        name = program["name"]
        needed = {name} | {p["name"] for p in programs if p.get("ratio_to") == name}
        if options.names and not needed & set(options.names):
            continue
        with tempfile.TemporaryDirectory() as directory:
            if "file" in program:
                source = ROOT / program["file"]
                if not source.exists():
                    print(f"{name:28} {'-':>8} {'-':>8} {'-':>8}   {program['file']} is not there")
                    if options.gate and not program.get("optional"):
                        over.append(f"{name}: {program['file']} is not there")
                    continue
            else:
                source = pathlib.Path(directory, "program.cpp")
                source.write_text("\n".join(program["text"]) + "\n")
            ruler = pathlib.Path(directory, "yardstick.cpp")
            ruler.write_text("\n".join(yardstick["text"]) + "\n")
            measure_ruler = lambda: compile_or_leave(yardstick["name"], ruler, directory)[1]
            runs, before = [], measure_ruler()
            for _ in range(min(options.runs, program.get("runs", options.runs))):
                wall, processor, peak = compile_or_leave(name, source, directory)
                after = measure_ruler()
                runs.append((wall, processor, processor / ((before + after) / 2) * yardstick["seconds"], peak))
                tools.append(after)
                before = after
        wall, processor, _, peak = (min(column) for column in zip(*runs))
        seconds = statistics.median(run[2] for run in runs)
        measured[name] = {"wall_s": round(wall, 3), "cpu_s": round(processor, 3), "seconds": round(seconds, 3),
                          "peak_mb": round(peak, 1)}
        budget = []
        for key, value, unit in (("seconds", seconds, "s"), ("megabytes", peak, "MB")):
            if key in program:
                budget.append(f"{program[key]} {unit}")
                if value > program[key]:
                    over.append(f"{name}: {value:.2f} {unit} is over {program[key]} {unit}")
        if "ratio_to" in program and program["ratio_to"] in measured:
            ratio = seconds / measured[program["ratio_to"]]["seconds"]
            budget.append(f"{ratio:.2f} of {program['ratio']} times {program['ratio_to']}")
            if ratio > program["ratio"]:
                over.append(f"{name}: compiles {ratio:.2f} times slower than {program['ratio_to']}, over {program['ratio']}")
        print(f"{name:28} {processor:8.2f} {seconds:8.2f} {peak:8.0f}   {', '.join(budget)}", flush=True)
    if tools:
        print(f"{yardstick['name']} took {min(tools):.2f} to {max(tools):.2f} s here")
    if options.headers:
        print("\nby processor seconds:")
        for name, figures in sorted(measured.items(), key=lambda item: item[1]["cpu_s"]):
            print(f"{figures['cpu_s']:8.2f} s {figures['peak_mb']:6.0f} MB  {name}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"compiler": options.compiler, "programs": measured}, indent=1) + "\n")
    if over:
        print("\nOver budget:\n  " + "\n  ".join(over))
    return 1 if options.gate and over else 0


if __name__ == "__main__":
    sys.exit(main())
