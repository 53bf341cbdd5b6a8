// SPDX-License-Identifier: BSD-3-Clause
// A whole training program for a GPU, as a user writes it, within the budgets of compile time and memory.
#include <pretext/cuda.cuh>
#include <pretext/data/synthetic.hpp>

#include <cstdio>

#include "device.cuh"

namespace px = pretext;

struct my_simclr : px::recipe::simclr {
  using input = px::image<1, 28, 28>;
  using encoder = px::nn::sequential<px::nn::conv2d<32, 3>, px::nn::batch_norm, px::nn::relu, px::nn::max_pool2d<2>, px::nn::conv2d<64, 3>,
                                     px::nn::batch_norm, px::nn::relu, px::nn::global_avg_pool>;
  using head = px::nn::mlp<128, 64>;
  using views = px::augment::chain<px::augment::random_resized_crop, px::augment::horizontal_flip, px::augment::color_jitter>;
  using objective = px::objective::nt_xent<px::similarity::cosine>;
  using optimizer = px::optimizer::adamw;
};

int main() {
  if (!cuda_test::has_device("a training program")) return cuda_test::skipped;
  const auto images = px::data::glyphs({.count = 4000, .size = 28, .channels = 1});
  const auto test = px::data::glyphs({.count = 1000, .seed = 1, .size = 28, .channels = 1});
  px::trainer<my_simclr, px::backend::cuda<>> trainer({.objective = {.temperature = 0.2f}, .batch_size = 256, .epochs = 8});
  std::fputs(px::train::describe<px::trainer<my_simclr, px::backend::cuda<>>>(trainer.settings(), trainer.backend()).text().c_str(), stdout);
  const double before = px::eval::linear_probe(trainer.encoder(), images, test).accuracy;
  trainer.fit(images, px::report::html("run.html"), px::train::checkpoint("run/"));
  const double after = px::eval::linear_probe(trainer.encoder(), images, test).accuracy;
  px::io::save_safetensors("encoder.safetensors", trainer.encoder());
  std::printf("loss %.3f, %.0f images a second, linear probe %.3f before and %.3f after\n", static_cast<double>(trainer.report().loss),
              static_cast<double>(trainer.report().samples_per_second), before, after);
  return after > before && trainer.report().finite ? 0 : 1;
}
