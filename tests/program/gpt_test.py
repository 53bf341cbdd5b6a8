#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The command line of 03_gpt: gpt_test.py PROGRAM [unittest arguments]"""
import json

from text_program import Case, main


class Gpt(Case):
    SMALL = ["--steps", 12, "--batch-size", 2, "--sample", 20]

    def test_numbers_of_a_run(self):
        r, _ = self.train("--report", "page.html", "--log", "log.jsonl", "--steps", 60, "--batch-size", 8)
        self.assertEqual(r["data"], "text.txt")
        self.assertEqual((r["steps"], r["parameters"]), (60, r["vocabulary"] * 128 + 64 * 128 + 4 * (12 * 128 * 128 + 13 * 128) + 256))
        self.assertLess(r["loss_last"], r["loss_first"])
        self.assertLess(r["validation_loss"], r["unigram_loss"])
        self.assertTrue(0 < r["accuracy"] <= 1 and r["perplexity"] > 1 and r["tokens_per_second"] > 0)
        self.assertEqual(len(r["sample"]), 21)
        steps = [line for line in map(json.loads, (self.place / "log.jsonl").read_text().splitlines()) if "loss" in line and "step" in line]
        self.assertEqual(len({line["step"] for line in steps}), 60)
        self.assertIn("On the last tenth", (self.place / "page.html").read_text())
        with open(self.place / "run" / "model.safetensors", "rb") as f:
            header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        self.assertEqual(header["transformer.wpe.weight"]["shape"], [64, 128])
        self.assertEqual(header["transformer.h.3.attn.c_attn.weight"]["shape"], [128, 384])

    def test_runs_on_nothing_and_every_tokenizer(self):
        run = self.run_program("--steps", 2, "--batch-size", 1, "--sample", 0, "--quiet", "--out", "own")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertGreater(json.loads(run.stdout)["tokens"], 100000)
        for tokenizer, words in (("bytes", 260), ("bpe", 300)):
            r, _ = self.train("--tokenizer", tokenizer, "--vocabulary", 300, out=tokenizer)
            self.assertTrue(258 < r["vocabulary"] <= words)
        self.assertTrue((self.place / "bpe" / "tokenizer.json").exists())

    def test_greedy_sample_follows_the_prompt(self):
        r, _ = self.train("--prompt", "one two", "--temperature", 0)
        self.assertTrue(r["sample"].startswith("one two"))

    def test_threads_and_seed(self):
        self.check_threads_and_seed()

    def test_resume(self):
        self.check_resume(12, 5)

    def test_bad_input(self):
        self.check_bad_input()

    def test_help_names_every_option(self):
        self.check_help("data tokenizer vocabulary steps batch-size lr dropout sample prompt temperature top-k seed threads out resume "
                        "checkpoint-every log report quiet")


if __name__ == "__main__":
    main()
