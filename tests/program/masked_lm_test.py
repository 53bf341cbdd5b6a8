#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The command line of 02_masked_lm: masked_lm_test.py PROGRAM [unittest arguments]"""
import json
import math

from text_program import Case, main


class MaskedLm(Case):
    SMALL = ["--steps", 6, "--batch-size", 2, "--length", 16, "--vocabulary", 300]

    def test_numbers_of_a_run(self):
        for model in ("lstm", "bilstm", "bert"):
            r, _ = self.train("--model", model, "--report", "page.html", "--steps", 40, "--batch-size", 8, out=model)
            self.assertEqual((r["data"], r["model"], r["steps"]), ("text.txt", model, 40))
            self.assertLess(r["loss_last"], r["loss_first"])
            self.assertGreaterEqual(r["masked_accuracy"], r["untrained_accuracy"])
            self.assertLess(r["perplexity"], 0.8 * math.exp(r["loss_first"]))
            self.assertGreater(r["both_bigram_accuracy"], r["left_bigram_accuracy"])
            self.assertGreater(r["left_bigram_accuracy"], r["unigram_accuracy"])
            self.assertTrue(r["perplexity"] > 1 and r["tokens_per_second"] > 0)
            self.assertIn("both neighbours", (self.place / "page.html").read_text())
        with open(self.place / "bert" / "model.safetensors", "rb") as f:
            header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        self.assertEqual(header["bert.encoder.layer.3.attention.self.query.weight"]["shape"], [256, 256])
        self.assertEqual(header["cls.predictions.bias"]["shape"], [r["vocabulary"]])

    def test_every_tokenizer(self):
        for tokenizer in ("characters", "bytes", "bpe"):
            r, _ = self.train("--model", "bert", "--tokenizer", tokenizer, out=tokenizer)
            self.assertLessEqual(r["vocabulary"], 300)

    def test_threads_and_seed(self):
        self.check_threads_and_seed()

    def test_resume(self):
        self.check_resume(6, 2)

    def test_bad_input(self):
        self.check_bad_input()
        self.refuse("--model", "gpt", words=["gpt"])
        self.refuse("--model", "bert", "--length", "200", words=["200", "128"])

    def test_help_names_every_option(self):
        self.check_help("data model tokenizer vocabulary length hide steps batch-size lr seed threads out resume checkpoint-every log report quiet")


if __name__ == "__main__":
    main()
