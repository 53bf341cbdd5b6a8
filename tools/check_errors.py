#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every error id in the headers has its heading in docs/errors/, and every heading its id: check_errors.py PROJECT_ROOT

An id is used where include/ or examples/ hold "area.123" in a string or pretext[area.123]. A heading is a line
`## area.123 ...` of docs/errors/area.md. `## area.123 (retired)` is an id of the past, which nothing may use again.
docs/errors.md must name every page.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
USED = re.compile(r'pretext\[([a-z_]+\.\d{3})\]|"([a-z_]+\.\d{3})"')
HEADING = re.compile(r"^#{2,3} +`?(?:pretext\[)?([a-z_]+\.\d{3})\b\]?`?(.*)$", re.MULTILINE)
EXAMPLE = re.compile(r"^\s*//.*$", re.MULTILINE)  # a comment may show an id that it does not raise

used = {}
for folder in ("include", "examples"):
    for source in sorted((root / folder).rglob("*")):
        if source.suffix in {".hpp", ".cuh", ".cpp", ".cu"}:
            for match in USED.finditer(EXAMPLE.sub("", source.read_text())):
                used.setdefault(match[1] or match[2], source.relative_to(root))

faults, documented, retired = [], {}, set()
index = (root / "docs" / "errors.md").read_text()
for page in sorted((root / "docs" / "errors").glob("*.md")):
    if f"errors/{page.name}" not in index:
        faults.append(f"docs/errors.md does not name errors/{page.name}")
    text = page.read_text()
    headings = list(HEADING.finditer(text))
    for here, following in zip(headings, [*headings[1:], None]):
        number = here[1]
        if number in documented:
            faults.append(f"{number} has two headings: {documented[number]} and docs/errors/{page.name}")
        documented[number] = f"docs/errors/{page.name}"
        if "(retired)" in here[2]:
            retired.add(number)
        if number.split(".")[0] != page.stem:
            faults.append(f"{number} stands in docs/errors/{page.name}, not in {number.split('.')[0]}.md")
        body = text[here.end():following.start() if following else len(text)]
        if len(body.split()) < 5:
            faults.append(f"{number} in docs/errors/{page.name} says neither cause nor what to do")
for number, where in sorted(used.items()):
    if number not in documented:
        faults.append(f"{number}, used in {where}, has no heading in docs/errors/{number.split('.')[0]}.md")
    if number in retired:
        faults.append(f"{number} is retired and used in {where}")
for number, where in sorted(documented.items()):
    if number not in used and number not in retired:
        faults.append(f"{number} in {where} is used nowhere; mark its heading (retired)")
print("\n".join(faults) or f"{len(used)} error ids, each with its heading")
sys.exit(1 if faults else 0)
