// SPDX-License-Identifier: BSD-3-Clause
#include "layers_support.hpp"

#include "pretext/nn/conv2d.hpp"
#include "pretext/nn/pool2d.hpp"

using namespace layers_test;

TEST_CASE("conv2d: gradients by differences, back ends, evaluation", "[nn][layers][conv2d]") {
  check_layer(nn::conv2d<5, 3>{}, px::image<3, 6, 7>{}, 3);
  check_layer(nn::conv2d<6, 3, nn::stride<2>, nn::no_bias>{}, px::image<4, 7, 5>{}, 2);
  check_layer(nn::conv2d<8, 3, nn::groups<2>, nn::padding<0>>{}, px::image<4, 5, 5>{}, 2);
  check_layer(nn::conv2d<7, 3, nn::groups<7>>{}, px::image<7, 4, 5>{}, 3);
}
TEST_CASE("conv2d: a picture whose size is known at run time", "[nn][layers][conv2d]") {
  const px::shape<px::dynamic, px::dynamic, 3> in(extents(7, 4, 3));
  check_layer(nn::conv2d<5, 3, nn::stride<2>>{}, in, 2);
}
TEST_CASE("pooling: gradients by differences, back ends, evaluation", "[nn][layers][pool]") {
  check_layer(nn::max_pool2d<2>{}, px::image<5, 6, 5>{}, 3);
  check_layer(nn::max_pool2d<3, nn::stride<2>, nn::padding<1>>{}, px::image<3, 7, 6>{}, 2);
  check_layer(nn::avg_pool2d<3, nn::stride<2>, nn::padding<1>>{}, px::image<3, 7, 6>{}, 2);
  check_layer(nn::global_avg_pool{}, px::image<7, 5, 3>{}, 3);
  check_layer(nn::max_pool2d<2>{}, px::shape<px::dynamic, px::dynamic, px::dynamic>(extents(5, 6, 33)), 2);
}
TEST_CASE("flatten: gradients by differences, back ends, evaluation", "[nn][layers][flatten]") {
  check_layer(nn::flatten{}, px::image<3, 5, 4>{}, 2);
  check_layer(nn::flatten{}, px::shape<3, 4>{}, 2);
}
