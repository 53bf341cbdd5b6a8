#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a compiler, without making code, over sources that must compile or must fail with a given sentence.

  compile_cases.py --root DIR --compiler g++ compiles [--all-headers] [--code=-O2] PATTERN...
  compile_cases.py --root DIR --compiler g++ fails PATTERN...

`fails`: each case says `// expect: REGEX`. Compiled plainly (its twin) it must compile; with -DPRETEXT_KO it must fail,
and the first error of the compiler must match REGEX. Checking only the text would accept a compiler that merely
mentions it; checking only the failure would accept a typing mistake.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

EXPECT = re.compile(r"^// expect: (.+?)\s*$", re.MULTILINE)
FIRST_INCLUDE = re.compile(r"\A(?:\s*//.*\n|\s*\n)*#include (.+?)[ ]*$", re.MULTILINE)  # with nothing but comments before it
ERROR = re.compile(r"\b(?:fatal )?error\b\s*(?:#\d+)?\s*:", re.IGNORECASE)


class Compiler:
    def __init__(self, options):
        self.name = options.compiler
        root = pathlib.Path(options.root)
        self.nvcc = pathlib.Path(self.name).name.startswith("nvcc")
        includes = [f"-I{root / 'include'}", f"-I{root / 'tests'}"]
        includes += [part for d in options.system for part in ("-isystem", str(d))]  # nvcc does not take the two as one word
        defines = [f"-D{d}" for d in options.define]
        if self.nvcc:
            self.flags = ["-std=c++20", "-x", "cu", "-c", "-o", os.devnull]
        else:
            self.flags = ["-std=c++20", "-x", "c++", *(["-c", "-o", os.devnull, *options.code] if options.code else ["-fsyntax-only"])]
            if not options.no_warnings:
                self.flags += ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
        self.flags += includes + defines
        self.environment = {**os.environ, "LC_ALL": "C"}  # the word "error" is translated elsewhere
        self.first = None, []  # an include, and how to have it precompiled

    def precompile(self, sources, scratch):
        """Reads the header that most of the sources begin with once and not twice for each of them."""
        firsts = collections.Counter(m[1] for s in sources if (m := FIRST_INCLUDE.search(pathlib.Path(s).read_text())))
        include, uses = firsts.most_common(1)[0] if firsts else ("", 0)
        if self.nvcc or uses < 4:
            return
        header = pathlib.Path(scratch, "first.hpp")
        header.write_text(f"#include {include}\n")
        clang = "clang" in pathlib.Path(self.name).name
        made = pathlib.Path(f"{header}.{'pch' if clang else 'gch'}")
        flags = ["c++-header" if f == "c++" else f for f in self.flags if f != "-fsyntax-only"]
        if subprocess.run([self.name, *flags, "-o", str(made), str(header)], env=self.environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0:
            self.first = include, ["-include-pch", str(made)] if clang else ["-include", str(header)]

    def run(self, source, *more):
        include, before = self.first
        m = FIRST_INCLUDE.search(pathlib.Path(source).read_text())
        if m and m[1] == include:
            more = (*before, *more)
        done = subprocess.run([self.name, *self.flags, *more, str(source)], env=self.environment, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout


def first_error(text):
    for line in text.splitlines():
        if ERROR.search(line):
            return line
    return ""


def head(text, lines=25):
    rows = text.splitlines()
    return "\n".join("    " + r for r in rows[:lines]) + ("\n    ..." if len(rows) > lines else "")


def check_compiles(compiler, source):
    status, text = compiler.run(source)
    return "" if status == 0 else f"does not compile:\n{head(text)}"


def check_fails(compiler, source):
    expected = EXPECT.findall(pathlib.Path(source).read_text())
    if len(expected) != 1:
        return f"needs exactly one line `// expect: REGEX`, has {len(expected)}"
    status, text = compiler.run(source)
    if status != 0:
        return f"the twin (without PRETEXT_KO) must compile and does not:\n{head(text)}"
    status, text = compiler.run(source, "-DPRETEXT_KO")
    if status == 0:
        return "compiles with PRETEXT_KO and must not"
    error = first_error(text)
    if not re.search(expected[0], error):
        return f"the first error is not /{expected[0]}/ but:\n{head(error or text)}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--system", action="append", default=[], help="an include folder whose warnings do not count")
    parser.add_argument("--define", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-warnings", action="store_true")
    parser.add_argument("--code", action="append", default=[], help="make code, with this option: some warnings need the optimiser")
    parser.add_argument("--all-headers", action="store_true", help="also one unit that includes every header")
    parser.add_argument("what", choices=["compiles", "fails"])
    parser.add_argument("patterns", nargs="+")
    options = parser.parse_args()

    root = pathlib.Path(options.root)
    compiler = Compiler(options)
    sources = sorted({p for pattern in options.patterns for p in root.glob(pattern)})
    with tempfile.TemporaryDirectory() as scratch:
        empty = pathlib.Path(scratch, "empty.cpp")
        empty.write_text("int main() {}\n")
        fault = check_compiles(compiler, empty)
        if fault:  # else every case would "fail as it should"
            print(f"the empty program {fault}")
            return 1
        if options.all_headers:
            unit = pathlib.Path(scratch, "all_headers.cpp")
            headers = sorted(p.relative_to(root / "include") for p in (root / "include").rglob("*.hpp"))
            unit.write_text("".join(f'#include "{h}"\n' for h in headers) + "int main() {}\n")
            sources.append(unit)
        if options.what == "fails":
            compiler.precompile(sources, scratch)
        check = check_compiles if options.what == "compiles" else check_fails
        failed = 0
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for source, fault in zip(sources, pool.map(lambda s: check(compiler, s), sources)):
                name = source.relative_to(root) if source.is_relative_to(root) else source.name
                print(f"{'FAILED' if fault else 'ok    '} {name}" + (f": {fault}" if fault else ""), flush=True)
                failed += bool(fault)
        print(f"{len(sources) - failed} of {len(sources)} as they should be ({compiler.name})")
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
