// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../common/command_line.hpp"

/// The command line of 02_masked_lm.
namespace masked_lm {

using command_line::usage_error;

struct options {
  std::string data, model = "bilstm", tokenizer = "words", out = ".", resume, log, report;
  long vocabulary = 10000, length = 64, batch_size = 32;
  std::uint64_t steps = 1000;
  double lr = 1e-3, share = 0.15;
  std::uint64_t seed = 0, checkpoint_every = 0;
  int threads = 0;
  bool quiet = false, help = false;
};

inline constexpr const char* usage =
    "02_masked_lm [options]: trains a network to say the hidden words of a text\n"
    "  --data PATH            a text, or a folder of .txt files; without it: this project's own pages and headers\n"
    "  --model M              lstm, bilstm or bert (bilstm)\n"
    "  --tokenizer T          words, characters, bytes, or bpe, which is trained on the text (words)\n"
    "  --vocabulary N         words, or tokens of bpe (10000)\n"
    "  --length N             tokens of a sample, at most 128 for bert (64)\n"
    "  --hide X               share of the tokens that are hidden (0.15)\n"
    "  --steps N              training steps (1000)\n"
    "  --batch-size N         samples a step (32)\n"
    "  --lr X                 learning rate (0.001)\n"
    "  --seed N               same seed, same result, for any number of threads (0)\n"
    "  --threads N            0: as many as there are cores (0)\n"
    "  --out DIR              where model.safetensors and checkpoints go (.)\n"
    "  --resume DIR           go on from the newest checkpoint in DIR; outputs go there unless --out is given\n"
    "  --checkpoint-every N   steps between checkpoints (at the end)\n"
    "  --log FILE.jsonl       one line of numbers a step\n"
    "  --report FILE.html     curves and figures\n"
    "  --quiet                no progress bar; what --resume found is said even so\n";

/// errors  usage_error: an unknown option, a missing or senseless value
inline options parse(int argc, char** argv) {
  using command_line::number;
  options o;
  bool out_given = false;
  command_line::parse(argc, argv, [&](std::string_view name, auto&& take) {
    if (name == "--quiet") o.quiet = true;
    else if (name == "--help" || name == "-h") o.help = true;
    else if (name == "--data") o.data = take();
    else if (name == "--model") o.model = take();
    else if (name == "--tokenizer") o.tokenizer = take();
    else if (name == "--vocabulary") o.vocabulary = number<long>(name, take(), 260, 1 << 20);
    else if (name == "--length") o.length = number<long>(name, take(), 2, 1 << 16);
    else if (name == "--hide") o.share = number<double>(name, take(), 0.01, 0.9);
    else if (name == "--steps") o.steps = number<std::uint64_t>(name, take(), 1, 1000000000);
    else if (name == "--batch-size") o.batch_size = number<long>(name, take(), 1, 1 << 16);
    else if (name == "--lr") o.lr = number<double>(name, take(), 0, 1e6);
    else if (name == "--seed") o.seed = number<std::uint64_t>(name, take(), 0, UINT64_MAX);
    else if (name == "--threads") o.threads = number<int>(name, take(), 0, 4096);
    else if (name == "--out") o.out = take(), out_given = true;
    else if (name == "--resume") o.resume = take();
    else if (name == "--checkpoint-every") o.checkpoint_every = number<std::uint64_t>(name, take(), 1, UINT64_MAX);
    else if (name == "--log") o.log = take();
    else if (name == "--report") o.report = take();
    else return false;
    return true;
  });
  if (!o.resume.empty() && !out_given) o.out = o.resume;
  if (o.model != "lstm" && o.model != "bilstm" && o.model != "bert") throw usage_error("--model is \"" + o.model + "\"; use lstm, bilstm or bert");
  if (o.tokenizer != "words" && o.tokenizer != "characters" && o.tokenizer != "bytes" && o.tokenizer != "bpe")
    throw usage_error("--tokenizer is \"" + o.tokenizer + "\"; use words, characters, bytes or bpe");
  if (o.model == "bert" && o.length > 128) throw usage_error("--length is " + std::to_string(o.length) + "; bert has 128 positions here");
  return o;
}

}  // namespace masked_lm
