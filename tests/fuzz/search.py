#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Looks for inputs that break a reader: search.py --root DIR --compiler clang++-19 --folder BUILD [options] NAME SECONDS

Builds tests/fuzz/fuzz_NAME.cpp with libFuzzer and both sanitizers, starts from its corpus, and prints what it did. What
it found lies in BUILD/NAME afterwards: the corpus that grew, and the input that crashed. Exit status 77, skipped, where
the compiler has no fuzzer runtime (Debian: libclang-rt-19-dev).
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--root", required=True)
parser.add_argument("--compiler", required=True)
parser.add_argument("--folder", required=True)
parser.add_argument("--system", action="append", default=[], help="an include folder whose warnings do not count")
parser.add_argument("--define", action="append", default=[])
parser.add_argument("--link", action="append", default=[], help="a library, such as z")
parser.add_argument("--max-len", type=int, default=4096)
parser.add_argument("name")
parser.add_argument("seconds", type=int)
options = parser.parse_args()

SANITIZE = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined"]
fuzz = pathlib.Path(options.root, "tests", "fuzz")
place = pathlib.Path(options.folder, options.name)
place.mkdir(parents=True, exist_ok=True)

with tempfile.TemporaryDirectory() as scratch:
    empty = pathlib.Path(scratch, "empty.cpp")
    empty.write_text('extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }\n')
    trial = subprocess.run([options.compiler, *SANITIZE, str(empty), "-o", str(pathlib.Path(scratch, "empty"))],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
if trial.returncode != 0:
    print(f"skipped: {options.compiler} cannot link a fuzzer (Debian: apt-get install libclang-rt-19-dev)\n{trial.stdout}")
    sys.exit(77)

program = place / "search"
command = [options.compiler, "-std=c++20", "-O1", "-g", *SANITIZE, f"-I{pathlib.Path(options.root, 'include')}",
           *[part for d in options.system for part in ("-isystem", d)], *[f"-D{d}" for d in options.define],
           str(fuzz / f"fuzz_{options.name}.cpp"), *[f"-l{name}" for name in options.link], "-o", str(program)]
if subprocess.run(command).returncode != 0:
    sys.exit("the target does not compile")
grown, crashes = place / "corpus", place / "crashes"
for folder in (grown, crashes):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
run = subprocess.run([str(program), f"-max_total_time={options.seconds}", f"-max_len={options.max_len}", "-timeout=120",
                      "-rss_limit_mb=3000", "-print_final_stats=1", f"-artifact_prefix={crashes}{os.sep}", str(grown),
                      str(fuzz / "corpus" / options.name)],
                     env={**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=0:max_allocation_size_mb=2048"},
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
found = re.search(r"stat::number_of_executed_units: *(\d+)", run.stdout)
rate = re.search(r"stat::average_exec_per_sec: *(\d+)", run.stdout)
if run.returncode != 0:
    print(run.stdout[-6000:])
    print(f"{options.name}: the input that did it lies in {crashes}; mend, and add it to tests/fuzz/corpus/{options.name}")
    sys.exit(1)
if not found or int(found[1]) < 1000:
    sys.exit(f"{options.name}: too few runs to say anything\n{run.stdout[-2000:]}")
print(f"{options.name}: {found[1]} inputs, {rate[1] if rate else '?'} a second, {len(list(grown.iterdir()))} of them reached something new")
