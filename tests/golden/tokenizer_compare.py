# SPDX-License-Identifier: BSD-3-Clause
"""Compares with `tokenizers` itself, which has to be installed: tokenizer_compare.py FOLDER-OF-REAL-DATA [STRINGS [SEED]]

Fuzzed Unicode strings through the published BERT and GPT-2 vocabularies, ids and offsets. Needs g++.
"""
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

data, count, seed = pathlib.Path(sys.argv[1]), int((sys.argv + ["", "100000"])[2] or 100000), int((sys.argv + ["", "", "1"])[3] or 1)
here = pathlib.Path(__file__).parent
rnd = random.Random(seed)
corpus = (data / "tinyshakespeare" / "input.txt").read_text() + (data / "xquad_en" / "xquad.en.json").read_text()
ODD = [9, 10, 13, 32, 32, 32, 0xA0, 0x3000, 0x2003, 0x200B, 0xFEFF, 0xFFFD, 0, 0x85, 0x1C, 0x130, 0x131, 0x3A3, 0x3C2, 0xDF, 0x1E9E]


def point():
    r = rnd.random()
    if r < .3:
        return rnd.randrange(32, 127)
    if r < .4:
        return rnd.choice(ODD)
    if r < .55:
        return rnd.randrange(0x80, 0x600)
    if r < .65:
        return rnd.randrange(0x300, 0x370)
    if r < .85:
        c = rnd.randrange(0x600, 0x10000)
        return c if not 0xD800 <= c < 0xE000 else 0x41
    return rnd.randrange(0x10000, 0x110000)


def fuzzed():
    at = rnd.randrange(len(corpus) - 300)
    r = rnd.random()
    if r < .3:
        return corpus[at:at + rnd.randrange(1, 300)]
    s = "".join(chr(point()) for _ in range(rnd.randrange(40)))
    if r < .5:
        s = list(s + corpus[at:at + 40])
        rnd.shuffle(s)
        s = "".join(s)
    if r > .8:
        at = rnd.randrange(len(s) + 1)
        s = s[:at] + rnd.choice(["[MASK]", "[SEP]", "<|endoftext|>", "[CLS]", "[mask]", "'ll", "'S", " 's", "  ", "\n\n"]) + s[at:]
    if r > .95:  # marks that move in NFD, some of which stay
        s = "".join(rnd.choice("ab\u0301\u0327\u0323\u0345\u302e\U0001d1655 ") for _ in range(rnd.randrange(60)))
    return "x" * rnd.randrange(90, 300) if r > .98 else s


def built(folder):
    program = pathlib.Path(folder, "dump")
    subprocess.run(["g++", "-std=c++20", "-O2", f"-I{here.parent.parent / 'include'}", str(here / "tokenizer_dump.cpp"), "-o", str(program)], check=True)
    return program


def compare(program, kind, folder):
    reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
    strings = [fuzzed() for _ in range(count)]
    given = b"".join(struct.pack("<I", len(b)) + b for b in (s.encode() for s in strings))
    found = subprocess.run([str(program), kind, str(folder)], input=given, stdout=subprocess.PIPE, check=True).stdout
    at = other_ids = other_offsets = 0
    for begin in range(0, count, 1000):
        for s, e in zip(strings[begin:begin + 1000], reference.encode_batch(strings[begin:begin + 1000], add_special_tokens=False)):
            n, = struct.unpack_from("<I", found, at)
            values = struct.unpack_from(f"<{3 * n}i", found, at + 4)
            at += 4 + 12 * n
            if list(values[0::3]) != e.ids:
                other_ids += 1
                if other_ids < 6:
                    print("ids", repr(s), list(values[0::3]), e.ids)
            elif list(zip(values[1::3], values[2::3])) != e.offsets:
                other_offsets += 1
    print(f"{kind}: {count} strings, {other_ids} with other ids, {other_offsets} with the same ids and other offsets", flush=True)
    return other_ids == 0


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    lines = (data / "vocab" / "bert-base-uncased-vocab.txt").read_text().split("\n")[:-1]
    bert = Tokenizer(models.WordPiece({t: i for i, t in enumerate(lines)}, unk_token="[UNK]"))
    bert.normalizer, bert.pre_tokenizer, bert.decoder = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    bert.post_processor = processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))
    bert.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    merges = [tuple(m.split(" ")) for m in (data / "vocab" / "gpt2-vocab.bpe").read_text().split("\n")[1:-1]]
    gpt2 = Tokenizer(models.BPE(json.loads((data / "vocab" / "gpt2-encoder.json").read_text()), merges))
    gpt2.pre_tokenizer, gpt2.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    gpt2.add_special_tokens(["<|endoftext|>"])
    program = built(scratch)
    good = True
    for kind, t in (("wordpiece", bert), ("bpe", gpt2)):
        folder = scratch / kind
        folder.mkdir()
        t.save(str(folder / "tokenizer.json"))
        good = compare(program, kind, folder) and good
sys.exit(0 if good else 1)
