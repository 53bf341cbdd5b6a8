#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes include/pretext/tokenizer/unicode_tables.hpp: unicode_tables.py PROJECT_ROOT [--check | --probe]

The values are those of Python's unicodedata 14.0.0 (Python 3.11), corrected by tools/unicode_reference.txt to what
Hugging Face's `tokenizers` 0.23.3 answers: its libraries follow several versions of Unicode (categories of punctuation
and marks of version 8, decompositions of 12, lower case of 17), and equal ids are the contract. --probe asks the
installed `tokenizers` about every code point and rewrites that file; --check compares the header and writes nothing.
"""
import pathlib
import sys
import unicodedata

root = pathlib.Path(sys.argv[1])
mode = sys.argv[2] if len(sys.argv) > 2 else ""
reference = root / "tools" / "unicode_reference.txt"
header = root / "include" / "pretext" / "tokenizer" / "unicode_tables.hpp"
if unicodedata.unidata_version != "14.0.0":
    print(f"skipped: this Python has Unicode {unicodedata.unidata_version}, the corrections are to 14.0.0")
    sys.exit(0)

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
DROPPED, SPACE, PUNCTUATION, MARK, LETTER, NUMBER, IDEOGRAPH = 1, 2, 4, 8, 16, 32, 64
NAMES = {"dropped": DROPPED, "punctuation": PUNCTUATION, "mark": MARK, "letter": LETTER, "number": NUMBER}
WHITE = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
CJK = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF),
       (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]


def flags_of(c):
    s, g = chr(c), unicodedata.category(chr(c))
    flags = DROPPED if c in (0, 0xFFFD) or (g in ("Cc", "Cf", "Co") and s not in "\t\n\r") else 0
    flags |= SPACE if c in WHITE else 0
    flags |= PUNCTUATION if g[0] == "P" or (c < 128 and c > 32 and not s.isalnum() and c != 127) else 0
    flags |= MARK if g == "Mn" else 0
    flags |= LETTER if g[0] == "L" else NUMBER if g[0] == "N" else 0
    return flags | (IDEOGRAPH if any(a <= c <= b for a, b in CJK) else 0)


flags = {c: flags_of(c) for c in POINTS}
order = {c: unicodedata.combining(chr(c)) for c in POINTS}
lower = {c: chr(c).lower() for c in POINTS}
parts = {c: unicodedata.normalize("NFD", chr(c)) for c in POINTS}


def ranges(points):
    out = []
    for c in points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return " ".join(f"{a:X}-{b:X}" if a != b else f"{a:X}" for a, b in out)


def points(text):
    for r in text.split():
        a, _, b = r.partition("-")
        yield from range(int(a, 16), int(b or a, 16) + 1)


def probe():
    import tokenizers
    from tokenizers import normalizers, pre_tokenizers
    bert = lambda **on: normalizers.BertNormalizer(**({"clean_text": False, "handle_chinese_chars": False, "strip_accents": False,
                                                       "lowercase": False} | on)).normalize_str
    clean, cjk, strip, low, nfd = (bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True), bert(lowercase=True),
                                   normalizers.NFD().normalize_str)
    words, bytes_ = pre_tokenizers.BertPreTokenizer().pre_tokenize_str, pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    assert tokenizers.__version__ == "0.23.3", "say the new version in the docstring, the header and the pages"
    found = {name: ([], []) for name in NAMES}
    lines = []
    for c in POINTS:
        s = chr(c)
        seen = {"dropped": clean(f"a{s}b") == "ab", "punctuation": len(words(f"a{s}b")) == 3,
                "letter": len(bytes_(f"a{s}")) == 1, "number": len(bytes_(f"1{s}")) == 1}
        whole = nfd(s)
        # What is left of its decomposition tells whether its first part is a mark; the parts are asked about on their own.
        seen["mark"] = strip(s) == "" if whole == s else bool(flags[c] & MARK)
        for name, yes in seen.items():
            if yes != bool(flags[c] & NAMES[name]):
                found[name][0 if yes else 1].append(c)
        assert (len(words(f"a{s}b")) == 2) == (c in WHITE), hex(c)
        assert (clean(f"a{s}b") == "a b") == (c in WHITE and not seen["dropped"]), hex(c)
        assert (cjk(s) != s) == bool(flags[c] & IDEOGRAPH), hex(c)
        if low(s) != lower[c]:
            lines.append(f"lower {c:X} " + " ".join(f"{ord(x):X}" for x in low(s)))
        if whole != parts[c]:
            lines.append(f"parts {c:X} " + " ".join(f"{ord(x):X}" for x in whole))
    unordered = [c for c in POINTS if order[c] and parts[c] == chr(c) and
                 nfd(f"x{chr(c)}\u0334") == f"x{chr(c)}\u0334" and nfd(f"x\u0345{chr(c)}") == f"x\u0345{chr(c)}"]
    lines.append("unordered " + ranges(unordered))
    for name, (more, less) in found.items():
        lines += [f"{name} + {ranges(more)}"] if more else []
        lines += [f"{name} - {ranges(less)}"] if less else []
    reference.write_text("# Where `tokenizers` 0.23.3 differs from Unicode 14.0.0; written by unicode_tables.py --probe\n" +
                         "\n".join(lines) + "\n")


if mode == "--probe":
    probe()
for line in reference.read_text().splitlines():
    word, *rest = line.split()
    if word in NAMES:
        for c in points(" ".join(rest[1:])):
            flags[c] = flags[c] | NAMES[word] if rest[0] == "+" else flags[c] & ~NAMES[word]
    elif word in ("lower", "parts"):
        (lower if word == "lower" else parts)[int(rest[0], 16)] = "".join(chr(int(x, 16)) for x in rest[1:])
    elif word == "unordered":
        for c in points(" ".join(rest)):
            order[c] = 0

HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic
digest = 0xCBF29CE484222325
for c in POINTS:
    for value in (flags[c], order[c], *map(ord, lower[c]), *map(ord, parts[c])):
        digest = (digest ^ value) * 0x100000001B3 & (1 << 64) - 1

# A run of equal (flags, order), begun at a code point; a surrogate continues the run.
runs, orders = [], []
for c in POINTS:
    if not runs or runs[-1][1] != flags[c]:
        runs.append((c, flags[c]))
    if not orders or orders[-1][1] != order[c]:
        orders.append((c, order[c]))
# Lower case: runs of code points one or two apart whose lower case lies at an equal distance.
cases, special = [], None
for c in POINTS:
    if lower[c] == chr(c):
        continue
    if len(lower[c]) > 1:
        assert c == 0x130 and special is None
        special = lower[c]
        continue
    delta = ord(lower[c]) - c
    last = cases[-1] if cases else None
    if last and last[3] == delta and ((last[1] == last[0] and c - last[1] in (1, 2)) or (last[1] != last[0] and c - last[1] == last[2])):
        last[2] = c - last[1]
        last[1] = c
    else:
        cases.append([c, c, 1, delta])
assert special == "i\u0307"
split = [c for c in POINTS if parts[c] != chr(c) and c not in HANGUL]
flat, at = [], []
for c in split:
    at.append(len(flat))
    flat += map(ord, parts[c])
at.append(len(flat))


def table(kind, name, values, comment):
    text, line = f"/// {comment}\ninline constexpr {kind} {name}[] = {{\n", "   "
    for v in values:
        piece = f" {v},"
        if len(line) + len(piece) > 148:
            text, line = text + line + "\n", "   "
        line += piece
    return text + line + "\n};\n"


text = f"""// SPDX-License-Identifier: BSD-3-Clause
// opt-in: tables of Unicode, for programs that read text
#pragma once

#include <cstdint>

/// Written by tools/unicode_tables.py from Unicode 14.0.0, corrected to what `tokenizers` 0.23.3 answers; see there.
namespace pretext::tokenizer::unicode::tables {{

/// FNV-1a over (flags, order, lower case, decomposition) of every code point but the surrogates.
inline constexpr std::uint64_t digest = 0x{digest:016X};

{table("std::uint32_t", "flags", (f"0x{c << 8 | f:X}" for c, f in runs), "Code point << 8 | flags, for the points from there on.")}
{table("std::uint32_t", "orders", (f"0x{c << 8 | f:X}" for c, f in orders), "Code point << 8 | canonical combining class, from there on.")}
struct case_run {{
  std::uint32_t first, last, step;
  std::int32_t distance;
}};
{table("case_run", "cases", ("{0x%X, 0x%X, %d, %d}" % tuple(r) for r in cases), "Code points whose lower case lies at a distance; U+0130, which has two, is not here.")}
{table("std::uint32_t", "composed", (f"0x{c:X}" for c in split), "Code points that decompose (NFD, all the way), Hangul aside.")}
{table("std::uint16_t", "parts_begin", at, "Where the parts of each begin.")}
{table("std::uint32_t", "parts", (f"0x{c:X}" for c in flat), "The parts, one after another.")}
}}  // namespace pretext::tokenizer::unicode::tables
"""
if mode == "--check":
    same = header.read_text() == text
    print("the tables are those of the script" if same else f"{header} is not what the script writes")
    sys.exit(0 if same else 1)
header.parent.mkdir(exist_ok=True)
header.write_text(text)
print(f"{len(runs)} runs of flags, {len(orders)} of orders, {len(cases)} of cases, {len(split)} decompositions, {len(text)} bytes")
