#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The command line of 01_simclr_images, as later work relies on it: simclr_images_test.py PROGRAM [unittest arguments]

Tiny generated data: IDX (raw and .gz), CIFAR records, folders of PNG files. Needs nothing but Python's own library.
"""
import gzip
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

PROGRAM = None
NUMBERS = ["seconds", "images_per_second", "loss_first", "loss_last"]
ACCURACIES = ["knn", "linear", "raw_knn", "raw_linear", "random_knn", "random_linear", "supervised_all_labels"]


class Noise:
    """A linear congruential generator: the same bytes everywhere."""

    def __init__(self, seed):
        self.state = seed

    def byte(self):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return self.state >> 24


def picture(label, seed, height=8, width=8, channels=1):
    """A bright bar whose place is the class, in noise."""
    noise = Noise(1000 * seed + label)
    return bytes(min(255, noise.byte() // 4 + (180 if y * 3 // height == label % 3 else 0))
                 for y in range(height) for x in range(width) for c in range(channels))


def idx(extents, payload):
    return bytes([0, 0, 8, len(extents)]) + struct.pack(f">{len(extents)}I", *extents) + payload


def idx_pair(n, first=0, side=8):
    labels = bytes(i % 3 for i in range(n))
    return idx([n, side, side], b"".join(picture(labels[i], first + i, side, side) for i in range(n))), idx([n], labels)


def png(height, width, channels, pixels):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    step = width * channels
    rows = b"".join(b"\0" + pixels[y * step:(y + 1) * step] for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Case(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="pretext_program_"))
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)

    def put(self, name, content):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def idx_folder(self, n=24, tests=12, compressed=False, folder="idx"):
        for part, count, first in (("train", n, 0), ("t10k", tests, 500)):
            images, labels = idx_pair(count, first)
            for name, content in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
                self.put(f"{folder}/{name}" + (".gz" if compressed else ""), gzip.compress(content, mtime=0) if compressed else content)
        return self.place / folder

    def png_folder(self, name, n=24, classes=3, sizes=((8, 8),), channels=3):
        for i in range(n):
            height, width = sizes[i % len(sizes)]
            label = i % 3
            folder = f"{name}/{'abc'[label]}" if classes else name
            self.put(f"{folder}/{i:03}.png", png(height, width, channels, picture(label, i, height, width, channels)))
        return self.place / name

    def run_program(self, *arguments, seconds=120):
        return subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.place, capture_output=True, text=True, timeout=seconds,
                              stdin=subprocess.DEVNULL, check=False)

    def train(self, *arguments, out="out", threads=2, epochs=1, batch=12):
        run = self.run_program("--epochs", epochs, "--batch-size", batch, "--threads", threads, "--out", self.place / out, *arguments)
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout.splitlines()[-1])
        self.check_fields(result)
        self.assertTrue((self.place / out / "encoder.safetensors").is_file())
        return result, run

    def check_fields(self, r):
        self.assertIsInstance(r["data"], str)
        for name in ("samples", "classes", "epochs", "parameters"):
            self.assertIs(type(r[name]), int, name)
        for name in NUMBERS:
            self.assertTrue(r[name] is None or isinstance(r[name], (int, float)), name)
        for name in ACCURACIES:
            value = r[name]
            self.assertTrue(value is None or 0 <= value <= 1, (name, value))
            self.assertEqual(value is None, r["classes"] < 2, name)
        self.assertIsInstance(r["few_labels"], list)
        for row in r["few_labels"]:
            self.assertIn(row["per_class"], (1, 10, 100))
            for name in ("scratch", "linear", "finetuned"):
                self.assertTrue(0 <= row[name] <= 1)
        self.assertTrue(pathlib.Path(self.place / r["checkpoint"]).is_file(), r["checkpoint"])

    def refuse(self, *arguments, words=()):
        """Exit status 2 and one sentence on standard error, no result on standard output."""
        run = self.run_program(*arguments)
        self.assertEqual(run.returncode, 2, (run.stdout, run.stderr))
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertTrue(run.stderr.endswith("\n"))
        self.assertGreater(len(run.stderr), 20)
        self.assertFalse(run.stdout.strip().endswith("}"), run.stdout)
        for word in words:
            self.assertIn(word, run.stderr)
        return run.stderr

    def leftovers(self):
        return [str(p) for p in self.place.rglob("*") if ".pretext-" in p.name]


class Formats(Case):
    def test_idx_raw_and_compressed_give_the_same_encoder(self):
        self.idx_folder(n=36)
        self.idx_folder(n=36, compressed=True, folder="idx_gz")
        a, _ = self.train("--data", "idx", out="a")
        b, _ = self.train("--data", "idx_gz", out="b")
        self.assertEqual((a["samples"], a["classes"], a["epochs"]), (36, 3, 1))
        self.assertEqual([row["per_class"] for row in a["few_labels"]], [1, 10])
        self.assertEqual((self.place / "a/encoder.safetensors").read_bytes(), (self.place / "b/encoder.safetensors").read_bytes())
        for name in ACCURACIES + ["loss_first", "loss_last", "few_labels"]:
            self.assertEqual(a[name], b[name], name)
        self.assertGreater(a["raw_linear"], 0.9)  # a bar in a third of the picture is easy
        self.assertGreater(a["images_per_second"], 0)

    def test_idx_files_by_name_with_a_test_file(self):
        self.idx_folder()
        r, _ = self.train("--data", "idx/train-images-idx3-ubyte", "--test", "idx/t10k-images-idx3-ubyte")
        self.assertEqual((r["samples"], r["classes"]), (24, 3))

    def test_cifar_records(self):
        records = b"".join(bytes([i % 3]) + picture(i % 3, i, 32, 32, 3) for i in range(20))
        self.put("cifar/data_batch_1.bin", records)
        self.put("cifar/test_batch.bin", records[:3073 * 8])
        r, _ = self.train("--data", "cifar", batch=10)
        self.assertEqual((r["samples"], r["classes"]), (20, 10))

    def test_cifar_file_alone_is_split(self):
        self.put("some.bin.gz", gzip.compress(b"".join(bytes([i % 10]) + picture(i % 3, i, 32, 32, 3) for i in range(30)), mtime=0))
        r, _ = self.train("--data", "some.bin.gz", batch=10)
        self.assertEqual((r["samples"], r["classes"]), (24, 10))

    def test_folder_with_class_subfolders_is_split(self):
        self.png_folder("shapes")
        r, _ = self.train("--data", "shapes")
        self.assertEqual((r["samples"], r["classes"]), (19, 3))

    def test_flat_folder_of_mixed_sizes_has_no_accuracies(self):
        self.png_folder("flat", n=20, classes=0, sizes=((8, 8), (40, 33), (13, 21), (1, 1)), channels=1)
        r, run = self.train("--data", "flat", batch=8)
        self.assertEqual((r["samples"], r["classes"], r["few_labels"]), (16, 0, []))
        self.assertNotIn("nan", run.stdout.lower())

    def test_broken_files_among_good_ones_are_listed_and_skipped(self):
        self.png_folder("shapes", n=30)
        good = png(8, 8, 3, picture(0, 0, 8, 8, 3))
        for name, content in (("empty.png", b""), ("text.jpg", b"hello"), ("cut.png", good[:40]), ("notes.txt", b"notes")):
            self.put(f"shapes/a/{name}", content)
        r, run = self.train("--data", "shapes")
        self.assertEqual(r["samples"], 24)
        self.assertIn("4 files skipped", run.stderr)
        for name in ("empty.png", "text.jpg", "cut.png", "notes.txt"):
            self.assertIn(name, run.stderr)

    def test_format_can_be_forced_and_synthetic_needs_no_data(self):
        self.idx_folder()
        self.train("--data", "idx", "--format", "idx")
        r, _ = self.train("--format", "synthetic", "--samples", 40, out="drawn", batch=20)
        self.assertEqual(r["samples"], 40)
        self.refuse("--data", "idx", "--format", "cifar", words=["idx"])
        self.refuse("--data", "idx", "--format", "jpeg", words=["jpeg"])

    def test_samples_limits_the_images(self):
        self.idx_folder()
        r, _ = self.train("--data", "idx", "--samples", 18, batch=6)
        self.assertEqual(r["samples"], 18)
        r, _ = self.train("--data", "idx", "--samples", 1000, out="more")
        self.assertEqual(r["samples"], 24)


class BadInput(Case):
    def test_wrong_options(self):
        self.refuse("--dta", "x", words=["--dta"])
        self.refuse("surplus", words=["surplus"])
        self.refuse("--epochs", "many", words=["--epochs", "many"])
        self.refuse("--epochs", "0", words=["--epochs"])
        self.refuse("--epochs", "-3", words=["--epochs"])
        self.refuse("--epochs", "2x", words=["2x"])
        self.refuse("--batch-size", "1", words=["--batch-size"])
        self.refuse("--lr", "nan", words=["--lr"])
        self.refuse("--lr", "inf", words=["--lr"])
        self.refuse("--temperature", "0", words=["--temperature"])
        self.refuse("--seed", "99999999999999999999999", words=["--seed"])
        self.refuse("--threads", "-1", words=["--threads"])
        self.refuse("--samples", "", words=["--samples"])
        self.refuse("--data", "", words=["--data"])
        self.refuse("--encoder", "resnet999", words=["resnet999"])
        self.refuse("--data", words=["--data", "value"])
        self.refuse("--quiet=yes", words=["--quiet"])

    def test_help_names_every_option(self):
        run = self.run_program("--help")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        for option in ("data test format encoder epochs batch-size lr temperature seed threads samples out resume "
                       "checkpoint-every log report quiet").split():
            self.assertIn(f"--{option} ", run.stdout)

    def test_paths_that_hold_nothing(self):
        self.refuse("--data", "nowhere", words=["nowhere"])
        (self.place / "void").mkdir()
        self.refuse("--data", "void", words=["void"])
        self.put("broken/a.png", b"")
        self.put("broken/b.jpg", b"hello")
        self.refuse("--data", "broken", words=["broken"])
        self.idx_folder()
        self.refuse("--data", "idx", "--test", "nowhere", words=["nowhere"])

    def test_files_that_lie(self):
        images, labels = idx_pair(12)
        self.put("t/train-images-idx3-ubyte", images[:-1])
        self.refuse("--data", "t/train-images-idx3-ubyte", words=["train-images-idx3-ubyte"])
        self.refuse("--data", "t", words=["train-images-idx3-ubyte"])
        self.put("l/train-images-idx3-ubyte", images)
        self.put("l/train-labels-idx1-ubyte", idx([11], bytes(11)))
        self.refuse("--data", "l", words=["12", "11"])
        self.put("g/train-images-idx3-ubyte.gz", gzip.compress(images)[:-9])
        self.refuse("--data", "g", words=["train-images-idx3-ubyte.gz"])
        self.put("e/train-images-idx3-ubyte", b"")
        self.refuse("--data", "e", words=["train-images-idx3-ubyte"])
        self.put("odd.bin", bytes(3072))
        self.refuse("--data", "odd.bin", words=["odd.bin"])

    def test_too_little_data(self):
        images, labels = idx_pair(1)
        self.put("one/train-images-idx3-ubyte", images)
        self.refuse("--data", "one", "--epochs", 1)
        images, labels = idx_pair(12)
        self.put("few/train-images-idx3-ubyte", images)
        self.put("few/train-labels-idx1-ubyte", idx([12], bytes(range(100, 112))))
        self.refuse("--data", "few", "--epochs", 1, "--out", "out", words=["class"])
        self.put("same/train-images-idx3-ubyte", images)
        self.put("same/train-labels-idx1-ubyte", idx([12], bytes([1] * 12)))
        self.refuse("--data", "same", "--epochs", 1, "--out", "out", words=["one class"])
        self.assertFalse((self.place / "out").exists(), "nothing is written before the data is found good")

    def test_outputs_that_cannot_be_written(self):
        self.idx_folder()
        self.put("file", b"x")
        train = ("--data", "idx", "--epochs", 1, "--batch-size", 12, "--quiet")
        self.refuse(*train, "--out", "file/out", words=["file/out"])
        self.refuse(*train, "--out", "file", words=["file"])
        self.refuse(*train, "--out", "out", "--log", "file/log.jsonl", words=["file/log.jsonl"])
        self.refuse(*train, "--out", "out", "--report", "file/run.html", words=["file/run.html"])
        self.assertEqual(self.leftovers(), [])


class Outputs(Case):
    def test_quiet_prints_no_progress(self):
        self.idx_folder()
        _, run = self.train("--data", "idx", "--quiet")
        self.assertEqual(run.stderr, "")
        _, run = self.train("--data", "idx", out="loud")
        self.assertNotEqual(run.stderr, "")
        self.assertNotIn("\x1b", run.stderr)  # not a terminal: plain lines
        self.assertNotIn("\r", run.stderr)

    def test_report_is_one_file_and_the_log_has_a_line_a_step(self):
        self.idx_folder()
        self.train("--data", "idx", "--report", "run.html", "--log", "run.jsonl", epochs=2)
        page = (self.place / "run.html").read_text()
        self.assertTrue(page.lstrip().lower().startswith("<!doctype html"))
        for match in re.finditer(r'(?:src|href|xlink:href|action|data)\s*=\s*"([^"]*)"', page):
            self.assertTrue(match[1].startswith(("data:", "#")), match[1])
        self.assertIsNone(re.search(r"@import|url\((?!['\"]?(?:data:|#))|<link|<iframe|https?://(?!www\.w3\.org/)", page))
        for word in ("SimCLR", "Linear probe", "Embeddings", "Views", "Nearest neighbours", "optimizer.rate"):
            self.assertIn(word, page)
        lines = [json.loads(line) for line in (self.place / "run.jsonl").read_text().splitlines()]
        self.assertEqual([r["step"] for r in lines if "loss" in r and "step" in r][:4], [1, 2, 3, 4])

    def test_report_and_log_may_lie_in_the_new_output_folder(self):
        self.idx_folder()
        self.train("--data", "idx", "--report", "new/run/report.html", "--log", "new/run/log.jsonl", out="new/run")
        self.assertEqual(sorted(p.name for p in (self.place / "new/run").iterdir()),
                         ["checkpoint-000000002.safetensors", "encoder.safetensors", "log.jsonl", "report.html"])

    def test_same_seed_gives_the_same_bytes_for_any_number_of_threads(self):
        self.idx_folder()
        encoders = []
        for threads, seed in ((1, 5), (3, 5), (2, 6)):
            self.train("--data", "idx", "--seed", seed, out=f"t{threads}", threads=threads)
            encoders.append((self.place / f"t{threads}/encoder.safetensors").read_bytes())
        self.assertEqual(encoders[0], encoders[1])
        self.assertNotEqual(encoders[0], encoders[2])

    def test_encoder_file_has_torch_names_and_only_the_encoder(self):
        self.idx_folder()
        r, _ = self.train("--data", "idx")
        content = (self.place / "out/encoder.safetensors").read_bytes()
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + size])
        header.pop("__metadata__")
        self.assertEqual(header["0.weight"]["shape"], [32, 1, 3, 3])
        self.assertIn("1.running_mean", header)
        self.assertEqual(header["1.num_batches_tracked"]["dtype"], "I64")
        trained = 0
        for name, entry in header.items():
            elements = 1
            for extent in entry["shape"]:
                elements *= extent
            trained += 0 if "running" in name or "num_batches" in name else elements
        self.assertEqual(trained, r["parameters"])

    def test_resnet18(self):
        self.png_folder("flat", n=10, classes=0)
        r, _ = self.train("--data", "flat", "--encoder", "resnet18", batch=4)
        self.assertGreater(r["parameters"], 11000000)


class Resume(Case):
    def setUp(self):
        super().setUp()
        self.idx_folder()

    def encoder(self, out):
        return (self.place / out / "encoder.safetensors").read_bytes()

    def test_an_empty_folder_starts_over_and_says_so(self):
        (self.place / "run").mkdir()
        _, run = self.train("--data", "idx", "--resume", "run", out="run")
        self.assertIn("starting over", run.stderr)
        self.train("--data", "idx", out="plain")
        self.assertEqual(self.encoder("run"), self.encoder("plain"))

    def test_a_finished_run_rewrites_its_outputs(self):
        first, _ = self.train("--data", "idx", out="run")
        before = self.encoder("run")
        os.remove(self.place / "run/encoder.safetensors")
        again, run = self.train("--data", "idx", "--resume", "run", "--report", "run.html", out="run")
        self.assertIn("step 2", run.stderr)
        self.assertEqual(self.encoder("run"), before)
        self.assertTrue((self.place / "run.html").is_file())
        for name in ACCURACIES + ["few_labels", "checkpoint", "loss_first", "loss_last"]:
            self.assertEqual(first[name], again[name], name)
        self.assertIsInstance(again["loss_first"], float)
        self.assertNotEqual(again["loss_first"], again["loss_last"])
        third, _ = self.train("--data", "idx", "--resume", "run", "--quiet", out="run")
        self.assertEqual([again["loss_first"], again["loss_last"]], [third["loss_first"], third["loss_last"]])

    def test_quiet_still_says_what_was_found_and_what_was_skipped(self):
        self.png_folder("shapes", n=30)
        self.put("shapes/a/text.jpg", b"hello")
        _, run = self.train("--data", "shapes", "--quiet", out="run")
        self.assertEqual(len(run.stderr.splitlines()), 2, run.stderr)
        self.assertIn("text.jpg", run.stderr)
        _, run = self.train("--data", "shapes", "--quiet", "--resume", "run", out="run")
        self.assertEqual(len(run.stderr.splitlines()), 3, run.stderr)
        self.assertIn("going on from step 2", run.stderr)
        os.makedirs(self.place / "void")
        _, run = self.train("--data", "idx", "--quiet", "--resume", "void", out="other")
        self.assertIn("starting over", run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn("are said even so", self.run_program("--help").stdout)

    def test_outputs_go_to_the_resumed_folder_unless_out_is_given(self):
        self.train("--data", "idx", out="run")
        os.remove(self.place / "run/encoder.safetensors")
        run = self.run_program("--data", "idx", "--epochs", 1, "--batch-size", 12, "--resume", "run")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue((self.place / "run/encoder.safetensors").is_file())

    def test_more_epochs_are_allowed_and_go_on(self):
        self.train("--data", "idx", out="run")
        r, run = self.train("--data", "idx", "--resume", "run", out="run", epochs=2, threads=1)
        self.assertIn("going on from step 2", run.stderr)
        self.assertEqual(r["epochs"], 2)
        whole, _ = self.train("--data", "idx", out="whole", epochs=2)
        for name in ("loss_first", "loss_last"):  # those of the whole run, not of its second part
            self.assertEqual(r[name], whole[name], name)
        self.assertTrue(r["checkpoint"].endswith("checkpoint-000000004.safetensors"), r["checkpoint"])

    def test_other_settings_are_errors_that_name_them(self):
        self.train("--data", "idx", out="run")
        files = {p: p.read_bytes() for p in (self.place / "run").iterdir()}
        run = ("--data", "idx", "--epochs", 2, "--batch-size", 12, "--quiet", "--resume", "run")
        self.refuse(*run, "--lr", "0.5", words=["rate", "0.001", "0.5"])
        self.refuse(*run, "--seed", "4", words=["seed"])
        self.refuse(*run, "--temperature", "0.7", words=["temperature", "0.7"])
        self.refuse(*run, "--batch-size", "6", words=["batch_size", "12", "6"])
        self.refuse(*run, "--samples", "18", words=["samples", "24", "18"])
        self.refuse(*run, "--encoder", "resnet18", words=["another recipe"])
        self.assertEqual(files, {p: p.read_bytes() for p in (self.place / "run").iterdir()})

    def test_a_damaged_checkpoint_is_passed_over(self):
        self.train("--data", "idx", "--checkpoint-every", 1, out="run", epochs=2)
        expected = self.encoder("run")
        newest = sorted((self.place / "run").glob("checkpoint-*"))[-1]
        newest.write_bytes(newest.read_bytes()[:-100])
        _, run = self.train("--data", "idx", "--resume", "run", "--checkpoint-every", 1, out="run", epochs=2)
        self.assertIn(newest.name, run.stderr)
        self.assertIn("going on from step 3", run.stderr)
        self.assertEqual(self.encoder("run"), expected)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: simclr_images_test.py PROGRAM [unittest arguments]")
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
