// SPDX-License-Identifier: BSD-3-Clause
// The networks of 01_simclr_images run on kernels of the SIMD back end alone: a fallback would not compile.
#include <pretext/backend/simd/simd.hpp>
#include <pretext/backend/strict.hpp>
#include <pretext/data/synthetic.hpp>
#include <pretext/train/trainer.hpp>

#include "../../examples/simclr_images/recipe.hpp"

template <class Recipe>
void train() {
  pretext::train::trainer<Recipe, pretext::backend::strict<pretext::backend::simd<>>> trainer({.batch_size = 4});
  trainer.fit(pretext::data::glyphs({.count = 8}));
}

int main() {
  train<simclr_images::conv>();
  train<simclr_images::resnet18>();
}
