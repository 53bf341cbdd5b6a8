// SPDX-License-Identifier: BSD-3-Clause
#include "layers_support.hpp"

#include "pretext/nn/conv2d.hpp"
#include "pretext/nn/linear.hpp"
#include "pretext/nn/activation.hpp"
#include "pretext/nn/batch_norm.hpp"
#include "pretext/nn/pool2d.hpp"
#include "pretext/nn/residual.hpp"
#include "pretext/nn/sequential.hpp"

using namespace layers_test;

TEST_CASE("sequential: a convolutional network on pictures of a size known at run time", "[nn][layers][sequential]") {
  using net = nn::sequential<nn::conv2d<8, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>,
                             nn::residual<nn::sequential<nn::conv2d<12, 3, nn::no_bias>, nn::batch_norm>, nn::conv2d<12, 1>>, nn::relu,
                             nn::global_avg_pool, nn::linear<7>>;
  check_layer(net{}, px::shape<px::dynamic, px::dynamic, 3>(extents(7, 9, 3)), 5);
}
