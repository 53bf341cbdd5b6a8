// SPDX-License-Identifier: BSD-3-Clause
#pragma once
// The smallest recipe that trains, for cases that change one thing of it.
#include <pretext/recipe/joint_embedding.hpp>

struct small_recipe : pretext::recipe::simclr {
  using input = pretext::image<1, 8, 8>;
  using encoder = pretext::nn::sequential<pretext::nn::conv2d<4, 3>, pretext::nn::relu, pretext::nn::global_avg_pool>;
  using head = pretext::nn::linear<4>;
  using views = pretext::augment::chain<pretext::augment::horizontal_flip>;
};

template <class Recipe>
void build() {
  pretext::train::trainer<Recipe, pretext::backend::reference> trainer({.batch_size = 2});
  static_cast<void>(trainer.planned_bytes());
}
