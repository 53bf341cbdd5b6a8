// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "../common/command_line.hpp"

/// The command line of 05_gan.
namespace gan_points {

using command_line::usage_error;

struct options {
  std::string data = "ring", loss = "nonsaturating", regularizer = "r1", out, resume, report;
  std::uint64_t steps = 8000, seed = 0, checkpoint_every = 0;
  long batch_size = 256, discriminator_steps = 0, samples = 10000;  // discriminator_steps 0: 5 for wgan_gp, else 1
  double lr = 1e-3, weight = -1, smoothing = 0, ema = 0.999;        // weight below 0: 1 for r1, 10 for gp
  int threads = 0;
  bool quiet = false, help = false;
};

inline constexpr const char* usage =
    "05_gan [options]: trains a generator of points in the plane against a discriminator\n"
    "  --data D               ring (8 Gaussians) or grid (25 Gaussians) (ring)\n"
    "  --loss L               minimax, nonsaturating, lsgan, hinge or wgan_gp (nonsaturating); wgan_gp means --regularizer gp\n"
    "  --regularizer R        none, r1 or gp (r1)\n"
    "  --weight X             of the regularizer (1 for r1, 10 for gp)\n"
    "  --smoothing X          data count as real with 1 - X; minimax, nonsaturating and lsgan (0)\n"
    "  --steps N              updates of the generator (8000)\n"
    "  --discriminator-steps N   updates of the discriminator for each (1; wgan_gp: 5)\n"
    "  --batch-size N         points per update (256)\n"
    "  --lr X                 learning rate of both (0.001)\n"
    "  --ema X                momentum of the averaged generator, which is the one that is measured (0.999)\n"
    "  --samples N            points to measure (10000)\n"
    "  --seed N               same seed, same result, for any number of threads (0)\n"
    "  --threads N            0: as many as there are cores (0)\n"
    "  --out DIR              where checkpoints go (none are written)\n"
    "  --resume DIR           go on from the newest checkpoint in DIR; checkpoints go there unless --out is given\n"
    "  --checkpoint-every N   steps between checkpoints (only at the end)\n"
    "  --report FILE.html     curves and a picture of the points\n"
    "  --quiet                no progress\n"
    "The last line is a JSON object.\n";

/// errors  usage_error: an unknown option, a missing or senseless value
inline options parse(int argc, char** argv) {
  using command_line::number;
  options o;
  bool regularizer_given = false, out_given = false;
  command_line::parse(argc, argv, [&](std::string_view name, auto&& take) {
    if (name == "--quiet") o.quiet = true;
    else if (name == "--help" || name == "-h") o.help = true;
    else if (name == "--data") o.data = take();
    else if (name == "--loss") o.loss = take();
    else if (name == "--regularizer") o.regularizer = take(), regularizer_given = true;
    else if (name == "--out") o.out = take(), out_given = true;
    else if (name == "--resume") o.resume = take();
    else if (name == "--report") o.report = take();
    else if (name == "--steps") o.steps = number<std::uint64_t>(name, take(), 1, 100000000);
    else if (name == "--discriminator-steps") o.discriminator_steps = number<long>(name, take(), 1, 1000);
    else if (name == "--batch-size") o.batch_size = number<long>(name, take(), 2, 1 << 20);
    else if (name == "--samples") o.samples = number<long>(name, take(), 1, 1L << 26);
    else if (name == "--lr") o.lr = number<double>(name, take(), 0, 1e6);
    else if (name == "--weight") o.weight = number<double>(name, take(), 0, 1e9);
    else if (name == "--smoothing") o.smoothing = number<double>(name, take(), 0, 0.5);
    else if (name == "--ema") o.ema = number<double>(name, take(), 0, 1);
    else if (name == "--seed") o.seed = number<std::uint64_t>(name, take(), 0, UINT64_MAX);
    else if (name == "--threads") o.threads = number<int>(name, take(), 0, 4096);
    else if (name == "--checkpoint-every") o.checkpoint_every = number<std::uint64_t>(name, take(), 1, UINT64_MAX);
    else return false;
    return true;
  });
  const auto one_of = [](const char* name, const std::string& value, std::initializer_list<const char*> allowed) {
    std::string all;
    for (const char* a : allowed) {
      if (value == a) return;
      all += all.empty() ? a : std::string(", ") + a;
    }
    throw usage_error(std::string(name) + " is \"" + value + "\"; use one of " + all);
  };
  one_of("--data", o.data, {"ring", "grid"});
  one_of("--loss", o.loss, {"minimax", "nonsaturating", "lsgan", "hinge", "wgan_gp"});
  one_of("--regularizer", o.regularizer, {"none", "r1", "gp"});
  if (o.loss == "wgan_gp" && !regularizer_given) o.regularizer = "gp";
  if (o.smoothing > 0 && (o.loss == "hinge" || o.loss == "wgan_gp"))
    throw usage_error("--smoothing has no meaning for --loss " + o.loss + "; leave it out");
  if (o.discriminator_steps == 0) o.discriminator_steps = o.loss == "wgan_gp" ? 5 : 1;
  if (o.weight < 0) o.weight = o.regularizer == "gp" ? 10 : 1;
  if (!o.resume.empty() && !out_given) o.out = o.resume;
  return o;
}

}  // namespace gan_points
