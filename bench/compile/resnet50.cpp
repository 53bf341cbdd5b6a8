// SPDX-License-Identifier: BSD-3-Clause
// A whole program around resnet50: one step of SimCLR on pictures of 32x32. What deeper networks cost the compiler.
#include <pretext/pretext.hpp>
namespace px = pretext;

struct deep_simclr : px::recipe::simclr {
  using input = px::image<3, 32, 32>;
  using encoder = px::encoder::resnet50<px::encoder::cifar_stem>;
};

int main() {
  const auto images = px::data::in_memory(std::vector<std::uint8_t>(8 * 32 * 32 * 3), 8, 32, 32, 3);
  px::trainer<deep_simclr, px::backend::simd<>> trainer({.batch_size = 8, .epochs = 1});
  px::data::prefetching_loader loader(images, px::data::epoch_sampler(images.size(), {.batch_size = 8}), 0, 1, 0);
  return trainer.step(trainer.family().batch_of(*loader.next())).loss > 0 ? 0 : 1;
}
