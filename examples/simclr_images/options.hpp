// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

/// The command line of 01_simclr_images. Thirty lines here instead of an option library: the program is compiled once per
/// instruction set, and every copy would carry that library.
namespace simclr_images {

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

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

namespace detail {
template <class Number>
Number number(std::string_view name, std::string_view text, Number least, Number most) {
  Number value{};
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (bad != std::errc{} || end != text.data() + text.size() || !(value >= least) || !(value <= most))
    throw usage_error(std::string(name) + " is \"" + std::string(text) + "\", which is no number that makes sense there; see --help");
  return value;
}
}  // namespace detail

/// errors  usage_error: an unknown option, a missing or senseless value
inline options parse(int argc, char** argv) {
  options o;
  bool out_given = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i], value;
    const std::size_t equals = name.find('=');
    bool has_value = equals != std::string_view::npos;
    if (has_value) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    if (name == "--quiet" || name == "--help" || name == "-h") {
      if (has_value) throw usage_error("option " + std::string(name) + " takes no value; see --help");
      (name == "--quiet" ? o.quiet : o.help) = true;
      continue;
    }
    const auto take = [&] {
      if (!has_value) {
        if (++i >= argc) throw usage_error("option " + std::string(name) + " needs a value; see --help");
        value = argv[i];
      }
      // An unset variable of a script must not silently mean the drawn glyphs.
      if (value.empty()) throw usage_error("option " + std::string(name) + " has an empty value; see --help");
      return std::string(value);
    };
    if (name == "--data") o.data = take();
    else if (name == "--test") o.test = take();
    else if (name == "--format") o.format = take();
    else if (name == "--encoder") o.encoder = take();
    else if (name == "--out") o.out = take(), out_given = true;
    else if (name == "--resume") o.resume = take();
    else if (name == "--log") o.log = take();
    else if (name == "--report") o.report = take();
    else if (name == "--epochs") o.epochs = detail::number<std::uint64_t>(name, take(), 1, 1000000);
    else if (name == "--batch-size") o.batch_size = detail::number<long>(name, take(), 2, 1 << 20);
    else if (name == "--lr") o.lr = detail::number<double>(name, take(), 0, 1e6);
    else if (name == "--temperature") o.temperature = detail::number<double>(name, take(), 1e-3, 1e3);
    else if (name == "--seed") o.seed = detail::number<std::uint64_t>(name, take(), 0, UINT64_MAX);
    else if (name == "--threads") o.threads = detail::number<int>(name, take(), 0, 4096);
    else if (name == "--samples") o.samples = detail::number<long>(name, take(), 2, 1L << 40);
    else if (name == "--checkpoint-every") o.checkpoint_every = detail::number<std::uint64_t>(name, take(), 1, UINT64_MAX);
    else throw usage_error("there is no option " + std::string(name) + "; see --help");
  }
  if (!o.resume.empty() && !out_given) o.out = o.resume;
  if (o.encoder != "conv" && o.encoder != "resnet18")
    throw usage_error("--encoder is \"" + o.encoder + "\"; use conv or resnet18");
  return o;
}

}  // namespace simclr_images
