// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <pretext/encoder/resnet.hpp>
#include <pretext/recipe/joint_embedding.hpp>

/// The recipes of 01_simclr_images; a GPU program names the same ones.
namespace simclr_images {

namespace px = pretext;
namespace nn = pretext::nn;
namespace augment = pretext::augment;

/// What both networks share. Size and channels of the pictures are known when the data is: they are dynamic.
struct base : px::recipe::simclr {
  using input = px::image<px::dynamic, px::dynamic, px::dynamic>;
  using views = augment::chain<augment::random_resized_crop, augment::horizontal_flip,
                               augment::apply_with_probability<augment::color_jitter>, augment::grayscale>;
};

/// Three blocks of convolution, norm and relu; the widths are set by name (32, 64, 128 for grey pictures, twice that for
/// coloured ones).
struct conv : base {
  using encoder = nn::sequential<nn::conv2d<px::dynamic, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>,
                                 nn::conv2d<px::dynamic, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>,
                                 nn::conv2d<px::dynamic, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::global_avg_pool>;
};

/// Sets the three widths of `conv`.
inline void set_widths(conv::encoder& e, px::index_t first) {
  child<0>(e.layers).out = first;
  child<4>(e.layers).out = 2 * first;
  child<8>(e.layers).out = 4 * first;
}

/// ResNet-18 with the stem for small pictures, under torchvision's names.
struct resnet18 : base {
  using encoder = px::encoder::resnet18<px::encoder::cifar_stem>;
};

}  // namespace simclr_images
