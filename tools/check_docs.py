#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every ```cpp snippet of README.md and docs/ is text that the tests compile: check_docs.py PROJECT_ROOT

A snippet must stand, word for word but for indentation, between `// [doc:name]` and `// [/doc:name]` (or the next mark)
in a file below tests/ or examples/. A fence ```cpp fragment is not checked: for a signature or three dots, nothing
that a reader would paste. Links to files of the project must lead somewhere, too.
"""
import pathlib
import re
import sys
import textwrap

root = pathlib.Path(sys.argv[1]).resolve()
FENCE = re.compile(r"^([ \t]*)```cpp[ \t]*([^\n]*)\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"^[ \t]*// \[(/?)doc:([\w./-]+)\][ \t]*$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")


def plain(text):
    lines = [line.rstrip() for line in textwrap.dedent(text).strip("\n").splitlines()]
    return "\n".join(lines).strip("\n")


compiled, faults, count = {}, [], 0
sources = [p for folder in ("tests", "examples") for p in (root / folder).rglob("*") if p.suffix in {".cpp", ".hpp", ".cu", ".txt"}]
for source in sorted(sources):
    text = source.read_text(errors="replace")
    marks = list(MARK.finditer(text))
    for mark, following in zip(marks, [*marks[1:], None]):
        if mark[1]:
            continue
        snippet = plain(text[mark.end() + 1:following.start() if following else len(text)])
        compiled[snippet] = f"{source.relative_to(root)} [doc:{mark[2]}]"

pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
for page in pages:
    if not page.is_file():
        continue
    name, text = page.relative_to(root), page.read_text()
    for fence in FENCE.finditer(text):
        if fence[2].strip() == "fragment":
            continue
        count += 1
        if plain(fence[3]) not in compiled:
            line = text.count("\n", 0, fence.start()) + 1
            faults.append(f"{name}:{line}: this snippet is compiled nowhere; put it between `// [doc:name]` marks in a test")
    without_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for link in LINK.finditer(without_code):
        if "://" not in link[1] and not link[1].startswith("mailto:") and not (page.parent / link[1]).exists():
            faults.append(f"{name}: the link {link[1]} leads nowhere")
print("\n".join(faults) or f"{count} snippets, each compiled by the tests")
sys.exit(1 if faults else 0)
