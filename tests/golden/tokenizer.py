# SPDX-License-Identifier: BSD-3-Clause
"""Writes tokenizer/: what Hugging Face's `tokenizers` 0.23.3 makes of texts. Run: python3 tests/golden/tokenizer.py [DATA]

  wordpiece.json, bpe.json  two small tokenizers that it trained on tokenizer_corpus.txt and saved
  strings.json              texts (fuzzed Unicode among them), their ids, offsets in characters and decoded texts
  pairs.json                pairs of texts cut to a length
  corpora.json              with DATA, the folder of real data: hashes of the ids of whole files by the published vocabularies
"""
import json
import pathlib
import random
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, decoders, processors, trainers

here = pathlib.Path(__file__).parent
out = here / "tokenizer"
out.mkdir(exist_ok=True)
corpus = str(here / "tokenizer_corpus.txt")
text = pathlib.Path(corpus).read_text()


def bert(t, cls, sep):
    t.normalizer, t.pre_tokenizer, t.decoder = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    t.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", cls), ("[SEP]", sep)])
    return t


def words_of(line):
    return pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normalizers.BertNormalizer().normalize_str(line))


# The reference numbers the "##x" of single characters in the order of a hash table, another one every time. As special
# tokens they have the numbers given here, and every merge that follows is the same.
letters = sorted({c for word, _ in words_of(text) for c in word})
special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + ["##" + c for c in letters]
trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
bert(trained, 2, 3).train([corpus], trainers.WordPieceTrainer(vocab_size=len(special) + len(letters) + 400, special_tokens=special, show_progress=False))
# Anew from its vocabulary, so that "##x" is no added token.
wordpiece = bert(Tokenizer(models.WordPiece(trained.get_vocab(), unk_token="[UNK]")), 2, 3)
wordpiece.add_special_tokens(special[:5])
wordpiece.save(str(out / "wordpiece.json"))

bpe = Tokenizer(models.BPE())
bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
bpe.train([corpus], trainers.BpeTrainer(vocab_size=900, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                        show_progress=False))
bpe.save(str(out / "bpe.json"))

random.seed(5)
ODD = [0, 9, 10, 13, 0x1C, 0x7F, 0x85, 0xA0, 0xAD, 0x130, 0x131, 0x149, 0x1C5, 0x1E9E, 0x200B, 0x200D, 0x2028, 0x202E, 0x2003, 0x3000, 0x37E,
       0x340, 0x344, 0x387, 0x3A3, 0x3C2, 0x1F87, 0x1FEF, 0x2126, 0x212B, 0x2F800, 0xF900, 0xFB01, 0xFEFF, 0xFFFC, 0xFFFD, 0xE000, 0xAC00, 0xD7A3,
       0x1100, 0x9FFF, 0x3400, 0x2B820, 0x2B920, 0x2CEAF, 0x2CEB0, 0x10FFFF, 0x1D15E, 0x1D7CE, 0x1F1E6, 0x0BCB, 0x0E33, 0x166D, 0x1C89]


def point():
    r = random.random()
    if r < .3:
        return random.randrange(32, 127)
    if r < .45:
        return random.choice(ODD)
    if r < .6:
        return random.randrange(0x80, 0x600)
    if r < .7:
        return random.randrange(0x300, 0x370)
    if r < .9:
        return random.choice([*range(0x600, 0xD800, 37), *range(0xE000, 0x10000, 41)])
    return random.randrange(0x10000, 0x110000)


def fuzzed():
    s = "".join(chr(point()) for _ in range(random.randrange(1, 24)))
    at = random.randrange(len(text) - 40)
    mixed = list(s + text[at:at + random.randrange(30)])
    if random.random() < .5:
        random.shuffle(mixed)
    s = "".join(mixed)
    if random.random() < .2:
        at = random.randrange(len(s) + 1)
        s = s[:at] + random.choice(["[MASK]", "[mask]", "<|endoftext|>", "[SEP]", "'ll", "'S", " 's", "  ", "\n\n"]) + s[at:]
    return s


strings = ["", " ", "\n", "a", "Hello, world!", "naïve café", "don't $5.00", "a[MASK]b [mask]", " Hello world", "I'll  go\n\n now", "x'S 123abc",
           "naïve 你好 🙂", "a\u200bb", "ΑΣ", "x" * 100, "x" * 101, "e\u0301\u0323x", "<|endoftext|>a<|endoftext|>", "a  b", "a \n b", "\t\ta", "''s",
           "1½Ⅷ²", "can't won't I'd", "\u3000\u3000a", *text.splitlines(), *(fuzzed() for _ in range(250))]
rows = []
for s in strings:
    w, b = wordpiece.encode(s, add_special_tokens=False), bpe.encode(s, add_special_tokens=False)
    rows.append({"text": s, "wordpiece": w.ids, "wordpiece_offsets": [x for o in w.offsets for x in o], "bpe": b.ids,
                 "bpe_offsets": [x for o in b.offsets for x in o], "decoded": wordpiece.decode(w.ids, skip_special_tokens=False)})
write = lambda name, value: (out / name).write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("},{", "},\n{") + "\n")
write("strings.json", rows)

pairs = []
for strategy in ("longest_first", "only_first", "only_second"):
    for length in (3, 4, 7, 8, 9, 16, 31):
        for a, b in ((0, 1), (1, 0), (12, 7), (7, 12), (5, 5), (1, 30), (30, 1), (13, 13)):
            first, second = " ".join("abcdefgh"[i % 8] for i in range(a)), " ".join("stuvwxyz"[i % 8] for i in range(b))
            wordpiece.enable_truncation(length, strategy=strategy)
            wordpiece.enable_padding(length=12, pad_id=0, pad_token="[PAD]")
            try:
                e = wordpiece.encode(first, second)
                pairs.append({"first": first, "second": second, "strategy": strategy, "length": length, "ids": e.ids, "types": e.type_ids,
                              "used": sum(e.attention_mask)})
            except BaseException:
                pairs.append({"first": first, "second": second, "strategy": strategy, "length": length})
write("pairs.json", pairs)

if len(sys.argv) > 1:
    data = pathlib.Path(sys.argv[1])
    lines = (data / "vocab" / "bert-base-uncased-vocab.txt").read_text().split("\n")[:-1]
    real_bert = bert(Tokenizer(models.WordPiece({t: i for i, t in enumerate(lines)}, unk_token="[UNK]")), 101, 102)
    real_bert.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    merges = [tuple(m.split(" ")) for m in (data / "vocab" / "gpt2-vocab.bpe").read_text().split("\n")[1:-1]]
    real_gpt2 = Tokenizer(models.BPE(json.loads((data / "vocab" / "gpt2-encoder.json").read_text()), merges))
    real_gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    real_gpt2.add_special_tokens(["<|endoftext|>"])
    files = ["tinyshakespeare/input.txt", "wikitext-2/valid.txt", "wikitext-2/test.txt", "xquad_en/xquad.en.json", "banking77/train.csv",
             "ud_english_ewt/en_ewt-ud-dev.conllu", "sotu"]
    hashes = []
    for name in files:
        place = data / name
        texts = [p.read_bytes().decode() for p in (sorted(place.glob("*.txt")) if place.is_dir() else [place])]
        row = {"file": name}
        for key, t in (("bert", real_bert), ("gpt2", real_gpt2)):
            h, ids = 0xCBF29CE484222325, [i for s in texts for i in t.encode(s, add_special_tokens=False).ids]
            for i in ids:
                h = (h ^ i) * 0x100000001B3 & (1 << 64) - 1
            row[key], row[key + "_count"] = f"{h:016x}", len(ids)
        hashes.append(row)
    write("corpora.json", hashes)
