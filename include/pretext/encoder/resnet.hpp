// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../nn/activation.hpp"
#include "../nn/batch_norm.hpp"
#include "../nn/conv2d.hpp"
#include "../nn/pool2d.hpp"
#include "../nn/repeat.hpp"
#include "../nn/residual.hpp"
#include "../nn/sequential.hpp"

/// Residual networks with torchvision's parameter names, so that its files load: conv1, bn1, layer1.0.conv1, ...,
/// layer2.0.downsample.0. The result is the pooled features, without the classifier fc.
/// source  He et al. 2016, arXiv:1512.03385; stride on the bottleneck's 3x3 as torchvision; starts from N(0, 2 / fan_out)
namespace pretext::encoder {

/// 7x7 by 2 and a max pool by 2: for pictures of some hundred pixels.
using imagenet_stem =
    nn::sequential<nn::named<"conv1", nn::conv2d<64, 7, nn::stride<2>, nn::padding<3>, nn::no_bias, nn::kaiming_fan_out>>,
                   nn::named<"bn1", nn::batch_norm>, nn::named<"relu", nn::relu>,
                   nn::named<"maxpool", nn::max_pool2d<3, nn::stride<2>, nn::padding<1>>>>;
/// 3x3 by 1 and no pool: for pictures of 28 to 64 pixels (Chen et al. 2020, arXiv:2002.05709, appendix B.9).
using cifar_stem = nn::sequential<nn::named<"conv1", nn::conv2d<64, 3, nn::no_bias, nn::kaiming_fan_out>>,
                                  nn::named<"bn1", nn::batch_norm>, nn::named<"relu", nn::relu>>;

namespace detail {

template <index_t Out, index_t Kernel, index_t Stride>
using resnet_conv = nn::conv2d<Out, Kernel, nn::stride<Stride>, nn::no_bias, nn::kaiming_fan_out>;

template <class Main, class Shortcut>
using resnet_sum = nn::sequential<nn::named<"", nn::residual<nn::named<"", Main>, Shortcut>>, nn::named<"relu", nn::relu>>;

/// Two 3x3 convolutions.
template <index_t Width, index_t Stride>
struct basic {
  static constexpr index_t out = Width;
  using main = nn::sequential<nn::named<"conv1", resnet_conv<Width, 3, Stride>>, nn::named<"bn1", nn::batch_norm>, nn::named<"relu", nn::relu>,
                              nn::named<"conv2", resnet_conv<Width, 3, 1>>, nn::named<"bn2", nn::batch_norm>>;
};
/// 1x1, 3x3 and 1x1 to four times the width.
template <index_t Width, index_t Stride>
struct bottleneck {
  static constexpr index_t out = 4 * Width;
  using main = nn::sequential<nn::named<"conv1", resnet_conv<Width, 1, 1>>, nn::named<"bn1", nn::batch_norm>, nn::named<"relu1", nn::relu>,
                              nn::named<"conv2", resnet_conv<Width, 3, Stride>>, nn::named<"bn2", nn::batch_norm>, nn::named<"relu2", nn::relu>,
                              nn::named<"conv3", resnet_conv<4 * Width, 1, 1>>, nn::named<"bn3", nn::batch_norm>>;
};

template <class Block, index_t Stride>
using changing_block =
    resnet_sum<typename Block::main,
               nn::named<"downsample", nn::sequential<resnet_conv<Block::out, 1, Stride>, nn::batch_norm>>>;
template <class Block>
using keeping_block = resnet_sum<typename Block::main, nn::identity>;

/// Blocks of one width: the first may change channels and size, the others are one block repeated.
template <template <index_t, index_t> class Block, index_t Width, index_t Stride, index_t Count, bool Changes>
struct stage {
  using type = nn::sequential<nn::named<"0", changing_block<Block<Width, Stride>, Stride>>,
                              nn::named<"", nn::repeat<Count - 1, keeping_block<Block<Width, 1>>, 1>>>;
};
template <template <index_t, index_t> class Block, index_t Width, index_t Stride, index_t Count>
struct stage<Block, Width, Stride, Count, false> {
  using type = nn::repeat<Count, keeping_block<Block<Width, 1>>>;
};

template <class Stem, template <index_t, index_t> class Block, index_t A, index_t B, index_t C, index_t D>
using resnet = nn::sequential<nn::named<"", Stem>, nn::named<"layer1", typename stage<Block, 64, 1, A, Block<64, 1>::out != 64>::type>,
                              nn::named<"layer2", typename stage<Block, 128, 2, B, true>::type>,
                              nn::named<"layer3", typename stage<Block, 256, 2, C, true>::type>,
                              nn::named<"layer4", typename stage<Block, 512, 2, D, true>::type>,
                              nn::named<"avgpool", nn::global_avg_pool>>;

}  // namespace detail

/// image<3, H, W> -> features<512>; 11,689,512 parameters with the 1000-class fc
template <class Stem = imagenet_stem>
using resnet18 = detail::resnet<Stem, detail::basic, 2, 2, 2, 2>;
/// image<3, H, W> -> features<512>; 21,797,672 parameters with fc
template <class Stem = imagenet_stem>
using resnet34 = detail::resnet<Stem, detail::basic, 3, 4, 6, 3>;
/// image<3, H, W> -> features<2048>; 25,557,032 parameters with fc
template <class Stem = imagenet_stem>
using resnet50 = detail::resnet<Stem, detail::bottleneck, 3, 4, 6, 3>;

}  // namespace pretext::encoder
