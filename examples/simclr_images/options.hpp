// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../common/command_line.hpp"

/// The command line of 01_simclr_images.
namespace simclr_images {

using command_line::usage_error;

struct options {
  std::string data, test, format = "auto", encoder = "conv", out = ".", resume, log, report;
  std::uint64_t epochs = 0;  // 0: as the data set needs
  long batch_size = 256;
  double lr = 1e-3;
  double temperature = 0.2;
  std::uint64_t seed = 0;
  int threads = 0;
  long samples = 0;
  std::uint64_t checkpoint_every = 0;
  bool quiet = false, help = false;
};

inline constexpr const char* usage =
    "01_simclr_images [options]: learns an image encoder without labels (SimCLR) and measures it\n"
    "  --data PATH            IDX or CIFAR files (raw or .gz) or a folder of PNG/JPEG; without it: drawn glyphs\n"
    "  --test PATH            test part, where --data has none; else a fifth of the images is held out\n"
    "  --format F             auto, idx, cifar, folder or synthetic (auto)\n"
    "  --encoder E            conv or resnet18 (conv)\n"
    "  --epochs N             passes over the images (by data set)\n"
    "  --batch-size N         images per step (256)\n"
    "  --lr X                 learning rate (0.001)\n"
    "  --temperature X        of the contrastive loss (0.2)\n"
    "  --seed N               same seed, same result, for any number of threads (0)\n"
    "  --threads N            0: as many as there are cores (0)\n"
    "  --samples N            use at most N training images (all)\n"
    "  --out DIR              where encoder.safetensors and checkpoints go (.)\n"
    "  --resume DIR           go on from the newest checkpoint in DIR; outputs go there unless --out is given\n"
    "  --checkpoint-every N   steps between checkpoints (once an epoch)\n"
    "  --log FILE.jsonl       one line of numbers a step\n"
    "  --report FILE.html     pictures and curves\n"
    "  --quiet                no progress bar; skipped files and what --resume found are said even so\n";

/// errors  usage_error: an unknown option, a missing or senseless value
inline options parse(int argc, char** argv) {
  using command_line::number;
  options o;
  bool out_given = false;
  command_line::parse(argc, argv, [&](std::string_view name, auto&& take) {
    if (name == "--quiet") o.quiet = true;
    else if (name == "--help" || name == "-h") o.help = true;
    else if (name == "--data") o.data = take();
    else if (name == "--test") o.test = take();
    else if (name == "--format") o.format = take();
    else if (name == "--encoder") o.encoder = take();
    else if (name == "--out") o.out = take(), out_given = true;
    else if (name == "--resume") o.resume = take();
    else if (name == "--log") o.log = take();
    else if (name == "--report") o.report = take();
    else if (name == "--epochs") o.epochs = number<std::uint64_t>(name, take(), 1, 1000000);
    else if (name == "--batch-size") o.batch_size = number<long>(name, take(), 2, 1 << 20);
    else if (name == "--lr") o.lr = number<double>(name, take(), 0, 1e6);
    else if (name == "--temperature") o.temperature = number<double>(name, take(), 1e-3, 1e3);
    else if (name == "--seed") o.seed = number<std::uint64_t>(name, take(), 0, UINT64_MAX);
    else if (name == "--threads") o.threads = number<int>(name, take(), 0, 4096);
    else if (name == "--samples") o.samples = number<long>(name, take(), 2, 1L << 40);
    else if (name == "--checkpoint-every") o.checkpoint_every = number<std::uint64_t>(name, take(), 1, UINT64_MAX);
    else return false;
    return true;
  });
  if (!o.resume.empty() && !out_given) o.out = o.resume;
  if (o.encoder != "conv" && o.encoder != "resnet18")
    throw usage_error("--encoder is \"" + o.encoder + "\"; use conv or resnet18");
  return o;
}

}  // namespace simclr_images
