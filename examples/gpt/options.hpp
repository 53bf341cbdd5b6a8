// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../common/command_line.hpp"

/// The command line of 03_gpt.
namespace gpt {

using command_line::usage_error;

struct options {
  std::string data, tokenizer = "characters", out = ".", resume, log, report, prompt;
  long vocabulary = 512;
  std::uint64_t steps = 2000;
  long batch_size = 12;
  double lr = 1e-3, dropout = 0, temperature = 0.8;
  long top_k = 0, sample = 400;
  std::uint64_t seed = 0, checkpoint_every = 0;
  int threads = 0;
  bool quiet = false, help = false;
};

inline constexpr const char* usage =
    "03_gpt [options]: trains a small GPT-2 (4 blocks of width 128, 64 positions) on a text and lets it write\n"
    "  --data PATH            a text, or a folder of .txt files; without it: this project's own pages and headers\n"
    "  --tokenizer T          characters, bytes, or bpe, which is trained on the text (characters)\n"
    "  --vocabulary N         tokens of bpe (512)\n"
    "  --steps N              training steps (2000)\n"
    "  --batch-size N         windows of 64 tokens a step (12)\n"
    "  --lr X                 learning rate (0.001)\n"
    "  --dropout X            on what every block adds (0)\n"
    "  --sample N             tokens to write at the end (400)\n"
    "  --prompt TEXT          what the sample begins with (a line end)\n"
    "  --temperature X        of the sample; 0 takes the likeliest token (0.8)\n"
    "  --top-k N              draw among the N likeliest tokens; 0: among all (0)\n"
    "  --seed N               same seed, same result, for any number of threads (0)\n"
    "  --threads N            0: as many as there are cores (0)\n"
    "  --out DIR              where model.safetensors and checkpoints go (.)\n"
    "  --resume DIR           go on from the newest checkpoint in DIR; outputs go there unless --out is given\n"
    "  --checkpoint-every N   steps between checkpoints (at the end)\n"
    "  --log FILE.jsonl       one line of numbers a step\n"
    "  --report FILE.html     curves and samples\n"
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
    else if (name == "--tokenizer") o.tokenizer = take();
    else if (name == "--vocabulary") o.vocabulary = number<long>(name, take(), 258, 1 << 16);
    else if (name == "--steps") o.steps = number<std::uint64_t>(name, take(), 1, 1000000000);
    else if (name == "--batch-size") o.batch_size = number<long>(name, take(), 1, 1 << 16);
    else if (name == "--lr") o.lr = number<double>(name, take(), 0, 1e6);
    else if (name == "--dropout") o.dropout = number<double>(name, take(), 0, 0.999);
    else if (name == "--sample") o.sample = number<long>(name, take(), 0, 1 << 20);
    else if (name == "--prompt") o.prompt = take();
    else if (name == "--temperature") o.temperature = number<double>(name, take(), 0, 1e3);
    else if (name == "--top-k") o.top_k = number<long>(name, take(), 0, 1 << 20);
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
  if (o.tokenizer != "characters" && o.tokenizer != "bytes" && o.tokenizer != "bpe")
    throw usage_error("--tokenizer is \"" + o.tokenizer + "\"; use characters, bytes or bpe");
  return o;
}

}  // namespace gpt
