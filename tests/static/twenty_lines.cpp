// SPDX-License-Identifier: BSD-3-Clause
// The program of the README, compiled as it stands there.
// [doc:twenty_lines]
#include <pretext/pretext.hpp>
namespace px = pretext;

struct my_simclr : px::recipe::simclr {                       // a recipe reads like a method's table in a paper
  using input     = px::image<1, 28, 28>;                     // per-sample shape: part of the type, never the batch size
  using encoder   = px::nn::sequential<px::nn::conv2d<32, 3>, px::nn::batch_norm, px::nn::relu, px::nn::max_pool2d<2>,
                                       px::nn::conv2d<64, 3>, px::nn::batch_norm, px::nn::relu, px::nn::global_avg_pool>;
  using head      = px::nn::mlp<128, 64>;                     // projector: sizes that follow from the input are inferred
  using views     = px::augment::chain<px::augment::random_resized_crop, px::augment::horizontal_flip, px::augment::color_jitter>;
  using objective = px::objective::nt_xent<px::similarity::cosine>;
  using optimizer = px::optimizer::adamw;
};

int main() {
  auto images = px::data::idx("train-images-idx3-ubyte.gz");
  auto test = px::data::idx("t10k-images-idx3-ubyte.gz");
  px::trainer<my_simclr, px::backend::simd<>> trainer({.objective = {.temperature = 0.2f}, .batch_size = 256, .epochs = 20});
  trainer.fit(images, px::report::progress_bar{}, px::report::html("run.html"), px::train::checkpoint("run/"));
  auto quality = px::eval::linear_probe(trainer.encoder(), images, test);
  px::io::save_safetensors("encoder.safetensors", trainer.encoder());
  return quality.accuracy > 0.9 ? 0 : 1;
}
// [doc:end]
