#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A header includes only from its own folder and from folders above it: check_includes.py PROJECT_ROOT

Also: every quoted include names a file that exists, every header starts with the licence line and has #pragma once, and
no header includes the library through <pretext/...> (which would find another copy that is installed).
"""
import pathlib
import re
import sys

# Top to bottom; see "The folders" in docs/design.md. A row's folders may include each other's files only downwards.
ORDER = ["core", "comm", "backend", "precision", "concepts", "io", "tokenizer", "data", "augment", "nn", "encoder", "similarity", "target",
         "objective", "optimizer", "schedule", "generate", "train", "method", "recipe", "eval", "report", "check"]
ANYBODY = {"config.hpp", "version.hpp", "fwd.hpp"}   # at the top, for everybody
DOORS = {"pretext.hpp", "cuda.cuh"}                  # at the top, for users only
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def faults(root):
    base = (root / "include" / "pretext").resolve()
    for header in sorted([*base.rglob("*.hpp"), *base.rglob("*.cuh")]):
        place = header.relative_to(base)
        text = header.read_text()
        if not text.startswith("// SPDX-License-Identifier: BSD-3-Clause\n"):
            yield f"{place}: the first line is not the licence line"
        if "#pragma once" not in text:
            yield f"{place}: no #pragma once"
        folder = place.parts[0] if len(place.parts) > 1 else ""
        if folder and folder not in ORDER:
            yield f"{place}: the folder {folder}/ has no place in the order (docs/design.md, tools/check_includes.py)"
            continue
        for kind, name in INCLUDE.findall(text):
            if kind == "<":
                if name.startswith("pretext/"):
                    yield f"{place}: <{name}> should be a relative include in quotes"
                continue
            target = (header.parent / name).resolve()
            if not target.is_file() or not target.is_relative_to(base):
                yield f'{place}: "{name}" is no file of the library'
                continue
            wanted = target.relative_to(base)
            if len(wanted.parts) == 1:
                if wanted.name in DOORS and place.name not in DOORS:
                    yield f"{place}: includes {wanted}, the door for users"
                elif folder and wanted.name not in ANYBODY | DOORS:
                    yield f"{place}: includes {wanted}, which is not in the list of headers for everybody"
            elif folder and ORDER.index(wanted.parts[0]) > ORDER.index(folder):
                yield f"{place}: looks down at {wanted} ({wanted.parts[0]}/ is below {folder}/)"


found = list(faults(pathlib.Path(sys.argv[1])))
print("\n".join(found) or "every header looks only up")
sys.exit(1 if found else 0)
