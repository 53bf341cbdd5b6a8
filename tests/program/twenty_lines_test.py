#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The program of the README does what its lines say: twenty_lines_test.py PROGRAM [unittest arguments]

256 pictures, one batch: twenty epochs are twenty steps, some seconds. Needs nothing but Python's own library.
"""
import gzip
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None
SIDE, CLASSES, TRAIN, TEST, EPOCHS = 28, 4, 256, 40, 20
ENCODER = {  # torch's names, as nn.Sequential would count, and the sizes in the README's lines
    "0.weight": [32, 1, 3, 3], "0.bias": [32], "4.weight": [64, 32, 3, 3], "4.bias": [64], **{
        f"{place}.{name}": shape for place, width in ((1, 32), (5, 64))
        for name, shape in {"weight": [width], "bias": [width], "running_mean": [width], "running_var": [width],
                            "num_batches_tracked": []}.items()}}


def picture(label, number):
    """Stripes, thin or broad by the class, across or along by it too; their place and brightness by the number."""
    width, along, place, bright = (2, 5)[label % 2], label // 2, number * 7 % 11, 150 + number * 13 % 100
    return bytes(bright if ((x if along else y) + place) // width % 2 else number * (x + 3 * y) % 40
                 for y in range(SIDE) for x in range(SIDE))


def idx(extents, payload):
    return gzip.compress(bytes([0, 0, 8, len(extents)]) + struct.pack(f">{len(extents)}I", *extents) + payload, mtime=0)


class Case(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="pretext_twenty_lines_"))
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)

    def write(self, part, count, label_of):
        pictures = b"".join(picture(i % CLASSES, i if part == "train" else 1000 + i) for i in range(count))
        (self.place / f"{part}-images-idx3-ubyte.gz").write_bytes(idx([count, SIDE, SIDE], pictures))
        (self.place / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx([count], bytes(map(label_of, range(count)))))

    def run_it(self):
        return subprocess.run([PROGRAM], cwd=self.place, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=800)

    def test_it_trains_probes_and_leaves_its_files(self):
        self.write("train", TRAIN, lambda i: i % CLASSES)
        self.write("t10k", TEST, lambda i: i % CLASSES)
        given = {p.name for p in self.place.iterdir()}
        run = self.run_it()
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)  # the probe is right on more than 90 % of the test images
        self.assertEqual(run.stdout, "")
        lines = run.stderr.splitlines()  # no terminal: plain lines, how many depends on the time between them
        epochs = [int(re.fullmatch(rf"epoch (\d+)/{EPOCHS}", line.split(":")[0])[1]) for line in lines]
        self.assertEqual(epochs, sorted(set(epochs)))
        self.assertEqual(epochs[-1], EPOCHS)
        losses = [float(line.split("loss=")[1].split(",")[0]) for line in lines]
        self.assertLess(losses[-1], losses[0] - 0.3)

        self.assertEqual({p.name for p in self.place.iterdir()} - given, {"run", "run.html", "encoder.safetensors"})
        self.assertEqual(sorted(p.name for p in (self.place / "run").iterdir()),
                         [f"checkpoint-{n:09}.safetensors" for n in (EPOCHS - 1, EPOCHS)])
        page = (self.place / "run.html").read_text()
        self.assertTrue(page.lower().startswith("<!doctype html"))
        self.assertIn("<svg", page)
        encoder = (self.place / "encoder.safetensors").read_bytes()
        size = struct.unpack("<Q", encoder[:8])[0]
        table = {name: entry for name, entry in json.loads(encoder[8:8 + size]).items() if name != "__metadata__"}
        self.assertEqual({name: entry["shape"] for name, entry in table.items()}, ENCODER)
        self.assertEqual(8 + size + max(entry["data_offsets"][1] for entry in table.values()), len(encoder))

    def test_without_data_it_says_which_file_is_missing(self):
        run = self.run_it()
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("pretext[io.", run.stderr)
        self.assertIn("train-images-idx3-ubyte.gz", run.stderr)
        self.assertEqual(list(self.place.iterdir()), [])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: twenty_lines_test.py PROGRAM [unittest arguments]")
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
