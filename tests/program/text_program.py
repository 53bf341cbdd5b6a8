# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the text programs share: runs of the program on small texts in a folder of their own."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = [None]


def main():
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} PROGRAM [unittest arguments]")
    PROGRAM[0] = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(module="__main__")


class Case(unittest.TestCase):
    SMALL = []  # options that make a run short

    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="pretext_text_"))
        self.addCleanup(shutil.rmtree, self.place)
        # A text with a rule and some noise.
        words = "one two three four five six seven eight nine ten".split()
        state, lines = 7, []
        for line in range(400):
            at = line * 3
            row = []
            for _ in range(9):
                state = (state * 1664525 + 1013904223) % 2**32
                at = at + 1 if state >> 24 > 40 else state >> 8
                row.append(words[at % 10])
            lines.append(" ".join(row) + ".")
        (self.place / "text.txt").write_text("\n".join(lines) + "\n")

    def run_program(self, *options):
        return subprocess.run([PROGRAM[0], *map(str, options)], cwd=self.place, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def train(self, *options, out="run"):
        """The numbers of the last line, and the run."""
        run = self.run_program("--data", "text.txt", *self.SMALL, "--quiet", "--out", out, *options)
        self.assertEqual(run.returncode, 0, run.stderr)
        lines = run.stdout.splitlines()
        self.assertEqual(len(lines), 1, run.stdout)
        return json.loads(lines[0]), run

    def model(self, out):
        return (self.place / out / "model.safetensors").read_bytes()

    def refuse(self, *options, words):
        run = self.run_program(*options)
        self.assertEqual((run.returncode, run.stdout), (2, ""), run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        for word in words:
            self.assertIn(word, run.stderr)

    # What both programs promise.
    def check_threads_and_seed(self):
        first, _ = self.train("--threads", 1, out="a")
        second, _ = self.train("--threads", 3, out="b")
        other, _ = self.train("--threads", 1, "--seed", 5, out="c")
        self.assertEqual(self.model("a"), self.model("b"))
        self.assertNotEqual(self.model("a"), self.model("c"))
        for r in (first, second):
            for name in ("seconds", "tokens_per_second", "checkpoint", "model", "file"):
                r.pop(name, None)
        self.assertEqual(first, second)

    def check_resume(self, steps, every):
        self.train("--steps", steps, "--checkpoint-every", every, out="whole")
        self.train("--steps", steps, "--checkpoint-every", every, out="part")
        newest = sorted((self.place / "part").glob("checkpoint-*"))
        self.assertGreater(len(newest), 1)
        newest[-1].unlink()
        (self.place / "part" / "model.safetensors").unlink()
        _, run = self.train("--steps", steps, "--checkpoint-every", every, "--resume", "part", out="part")
        self.assertIn("going on from step", run.stderr)
        self.assertEqual(self.model("whole"), self.model("part"))

    def check_bad_input(self):
        self.refuse("--dta", "x", words=["--dta"])
        self.refuse("--steps", "many", words=["--steps", "many"])
        self.refuse("--steps", "0", words=["--steps"])
        self.refuse("--data", words=["--data", "value"])
        self.refuse("--data", "nowhere.txt", words=["nowhere.txt"])
        self.refuse("--tokenizer", "letters", words=["letters"])
        self.refuse("--quiet=yes", words=["--quiet"])
        (self.place / "short.txt").write_text("too short\n")
        self.refuse("--data", "short.txt", words=["short.txt", "tokens"])
        (self.place / "file").write_text("")
        self.refuse("--data", "text.txt", *self.SMALL, "--quiet", "--out", "file/run", words=["file/run"])

    def check_help(self, options):
        run = self.run_program("--help")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        for option in options.split():
            self.assertIn(f"--{option} ", run.stdout)
