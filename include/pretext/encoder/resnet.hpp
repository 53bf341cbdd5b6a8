// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>

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

/// 7x7 by 2 and a max pool by 2: for pictures of some hundred pixels. A stem starts with a convolution, which the network
/// makes 64 wide.
using imagenet_stem =
    nn::sequential<nn::named<"conv1", nn::conv2d<dynamic, 7, nn::stride<2>, nn::padding<3>, nn::no_bias, nn::kaiming_fan_out>>,
                   nn::named<"bn1", nn::batch_norm>, nn::named<"relu", nn::relu>,
                   nn::named<"maxpool", nn::max_pool2d<3, nn::stride<2>, nn::padding<1>>>>;
/// 3x3 by 1 and no pool: for pictures of 28 to 64 pixels (Chen et al. 2020, arXiv:2002.05709, appendix B.9).
using cifar_stem = nn::sequential<nn::named<"conv1", nn::conv2d<dynamic, 3, nn::no_bias, nn::kaiming_fan_out>>,
                                  nn::named<"bn1", nn::batch_norm>, nn::named<"relu", nn::relu>>;

namespace detail {

// Widths are values and pictures have dynamic sizes, so that equal blocks of different widths are one type: a deeper or
// wider network costs the compiler little more than a shallow one.
using any_picture = shape<dynamic, dynamic, dynamic>;

template <index_t Kernel, index_t Stride>
using resnet_conv = nn::conv2d<dynamic, Kernel, nn::stride<Stride>, nn::no_bias, nn::kaiming_fan_out>;

/// Two 3x3 convolutions.
struct basic {
  static constexpr index_t expansion = 1;
  template <index_t Stride>
  using main = nn::sequential<nn::named<"conv1", resnet_conv<3, Stride>>, nn::named<"bn1", nn::batch_norm>, nn::named<"relu", nn::relu>,
                              nn::named<"conv2", resnet_conv<3, 1>>, nn::named<"bn2", nn::batch_norm>>;
  template <class Main>
  static constexpr void widen(Main& m, index_t width) {
    child<0>(m.layers).out = default_value(width);
    child<3>(m.layers).out = default_value(width);
  }
};
/// 1x1, 3x3 and 1x1 to four times the width.
struct bottleneck {
  static constexpr index_t expansion = 4;
  template <index_t Stride>
  using main = nn::sequential<nn::named<"conv1", resnet_conv<1, 1>>, nn::named<"bn1", nn::batch_norm>, nn::named<"relu1", nn::relu>,
                              nn::named<"conv2", resnet_conv<3, Stride>>, nn::named<"bn2", nn::batch_norm>, nn::named<"relu2", nn::relu>,
                              nn::named<"conv3", resnet_conv<1, 1>>, nn::named<"bn3", nn::batch_norm>>;
  template <class Main>
  static constexpr void widen(Main& m, index_t width) {
    child<0>(m.layers).out = default_value(width);
    child<3>(m.layers).out = default_value(width);
    child<6>(m.layers).out = default_value(4 * width);
  }
};

template <class Main, class Shortcut>
using resnet_sum = nn::sequential<nn::named<"", nn::residual<nn::named<"", Main>, Shortcut>>, nn::named<"relu", nn::relu>>;
template <class Block, index_t Stride>
using changing_block = resnet_sum<typename Block::template main<Stride>,
                                  nn::named<"downsample", nn::sequential<resnet_conv<1, Stride>, nn::batch_norm>>>;
template <class Block>
using keeping_block = resnet_sum<typename Block::template main<1>, nn::identity>;

template <class Block, class Sum>
constexpr void widen_block(Sum& block, index_t width) {
  auto& sum = child<0>(block.layers);
  Block::widen(sum.main, width);
  if constexpr (requires { sum.shortcut.layers; }) child<0>(sum.shortcut.layers).out = default_value(Block::expansion * width);
}

/// Blocks of one width: the first may change channels and size, the others are one block repeated, at most `Most` times.
template <class Block, index_t Stride, index_t Most, bool Changes>
struct stage {
  using type = nn::sequential<nn::named<"0", changing_block<Block, Stride>>, nn::named<"", nn::repeat<dynamic, keeping_block<Block>, 1, Most>>>;
  static constexpr void set(type& s, index_t width, index_t count) {
    widen_block<Block>(child<0>(s.layers), width);
    widen_block<Block>(child<1>(s.layers).block, width);
    child<1>(s.layers).count = default_value(count - 1);
  }
};
template <class Block, index_t Stride, index_t Most>
struct stage<Block, Stride, Most, false> {
  using type = nn::repeat<dynamic, keeping_block<Block>, 0, Most>;
  static constexpr void set(type& s, index_t width, index_t count) {
    widen_block<Block>(s.block, width);
    s.count = default_value(count);
  }
};

}  // namespace detail

/// A stem, four stages of A, B, C and D blocks with 64, 128, 256 and 512 channels (times the block's expansion), and the
/// mean over pixels. Any number of input channels.
/// shapes  x (B, H, W, C), y (B, 512 expansion)
/// errors  pretext[encoder.101] the input is no picture; pretext[encoder.102] the last width was changed; pretext[encoder.103] a
///         stage of one block
template <class Stem, class Block, index_t A, index_t B, index_t C, index_t D>
struct resnet {
  static constexpr const char* name = "resnet";
  static constexpr index_t width = 512 * Block::expansion;
  static_assert(A >= 2 && B >= 2 && C >= 2 && D >= 2, "pretext[encoder.103] resnet: every stage has at least two blocks");
  static constexpr index_t most = std::max({A, B, C, D});
  using first_stage = detail::stage<Block, 1, most, Block::expansion != 1>;
  using later_stage = detail::stage<Block, 2, most, true>;
  using network = nn::sequential<nn::named<"", Stem>, nn::named<"layer1", typename first_stage::type>, nn::named<"layer2", typename later_stage::type>,
                                 nn::named<"layer3", typename later_stage::type>, nn::named<"layer4", typename later_stage::type>,
                                 nn::named<"avgpool", nn::global_avg_pool>>;
  network layers = widened();

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    network::fields(self.layers, visit);
  }

  template <class In>
  struct bound : nn::bound_t<network, detail::any_picture> {
    static_assert(In::rank == 3, "pretext[encoder.101] resnet expects image<C, H, W>");
    using inner = nn::bound_t<network, detail::any_picture>;
    using spec_type = resnet;
    using input_shape = In;

    constexpr bound() = default;
    constexpr bound(const resnet& s, const In& in) : inner(s.layers, detail::any_picture(static_cast<extents>(in))) {
      expects(inner::output()[0] == width, "encoder.102", "resnet: the width of the last stage is part of its type; leave it as it is");
    }
    constexpr features<width> output() const { return {}; }
    constexpr extents output_extents(const extents& in) const { return {in[0], width}; }
  };

 private:
  static constexpr network widened() {
    network n{};
    child<0>(child<0>(n.layers).layers).out = default_value(64);
    first_stage::set(child<1>(n.layers), 64, A);
    later_stage::set(child<2>(n.layers), 128, B);
    later_stage::set(child<3>(n.layers), 256, C);
    later_stage::set(child<4>(n.layers), 512, D);
    return n;
  }
};

/// image<3, H, W> -> features<512>; 11,689,512 parameters with the 1000-class fc
template <class Stem = imagenet_stem>
using resnet18 = resnet<Stem, detail::basic, 2, 2, 2, 2>;
/// image<3, H, W> -> features<512>; 21,797,672 parameters with fc
template <class Stem = imagenet_stem>
using resnet34 = resnet<Stem, detail::basic, 3, 4, 6, 3>;
/// image<3, H, W> -> features<2048>; 25,557,032 parameters with fc
template <class Stem = imagenet_stem>
using resnet50 = resnet<Stem, detail::bottleneck, 3, 4, 6, 3>;

}  // namespace pretext::encoder
