#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""pretext.hpp reaches every header that is not opt-in: check_umbrella.py PROJECT_ROOT

A header is opt-in when its first lines hold `// opt-in: <why>`; those must not be reached.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
base = (pathlib.Path(sys.argv[1]) / "include" / "pretext").resolve()


def reached(door):
    seen, todo = set(), [door]
    while todo:
        header = todo.pop()
        if header in seen or not header.is_file():
            continue
        seen.add(header)
        todo += [(header.parent / name).resolve() for name in INCLUDE.findall(header.read_text())]
    return seen


def opt_in(header):
    return any(line.startswith("// opt-in:") for line in header.read_text().splitlines()[:5])


seen = reached(base / "pretext.hpp")
faults = []
for header in sorted(base.rglob("*.hpp")):
    name = header.relative_to(base)
    if opt_in(header) and header in seen:
        faults.append(f"{name} is opt-in and yet pretext.hpp reaches it")
    if not opt_in(header) and header not in seen:
        faults.append(f"{name} is not reached by pretext.hpp; include it there, or say `// opt-in: <why>` on its second line")
print("\n".join(faults) or f"pretext.hpp reaches all {len(seen)} headers")
sys.exit(1 if faults else 0)
