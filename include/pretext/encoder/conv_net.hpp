// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../nn/activation.hpp"
#include "../nn/batch_norm.hpp"
#include "../nn/conv2d.hpp"
#include "../nn/pool2d.hpp"
#include "../nn/sequential.hpp"

namespace pretext::encoder {

namespace detail {
template <int Block, class Done, index_t... Widths>
struct conv_net_layers;
template <int Block, class... Done>
struct conv_net_layers<Block, nn::sequential<Done...>> {
  using type = nn::sequential<Done..., nn::global_avg_pool>;
};
template <int Block, class... Done, index_t Width, index_t... Rest>
  requires(Block < 2)
struct conv_net_layers<Block, nn::sequential<Done...>, Width, Rest...>
    : conv_net_layers<Block + 1, nn::sequential<Done..., nn::conv2d<Width, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>>, Rest...> {};
template <int Block, class... Done, index_t Width, index_t... Rest>
  requires(Block >= 2)
struct conv_net_layers<Block, nn::sequential<Done...>, Width, Rest...>
    : conv_net_layers<Block + 1, nn::sequential<Done..., nn::conv2d<Width, 3, nn::no_bias>, nn::batch_norm, nn::relu>, Rest...> {};
}  // namespace detail

/// A small network for small pictures: for each width a 3x3 convolution, batch_norm and relu, the first two followed by
/// a halving max pool; then the mean over pixels. `conv_net<32, 64, 128>`: image<C, H, W> -> features<128>.
/// limits  H, W >= 4 with two widths or more
template <index_t... Widths>
using conv_net = typename detail::conv_net_layers<0, nn::sequential<>, Widths...>::type;

}  // namespace pretext::encoder
