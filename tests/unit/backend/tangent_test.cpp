// SPDX-License-Identifier: BSD-3-Clause
#include "tangent_support.hpp"

#include "pretext/nn/activation.hpp"
#include "pretext/nn/conv2d.hpp"
#include "pretext/nn/dropout.hpp"
#include "pretext/nn/layer_norm.hpp"
#include "pretext/nn/linear.hpp"
#include "pretext/nn/pool2d.hpp"
#include "pretext/nn/residual.hpp"
#include "pretext/nn/sequential.hpp"

using namespace tangent_test;

TEST_CASE("tangent: products move as differences of their gradients say", "[backend][tangent]") {
  check_tangent(nn::linear<3>{}, px::features<5>{}, 4);
  check_tangent(nn::conv2d<4, 3>{}, px::image<3, 5, 6>{}, 2);
  check_tangent(nn::conv2d<6, 3, nn::stride<2>, nn::groups<2>, nn::no_bias>{}, px::image<4, 7, 5>{}, 3);
}
TEST_CASE("tangent: functions of one number", "[backend][tangent]") {
  check_tangent(nn::sequential<nn::linear<7>, nn::tanh, nn::linear<1>>{}, px::features<2>{}, 5);
  check_tangent(nn::sequential<nn::linear<7>, nn::sigmoid, nn::linear<3>>{}, px::features<3>{}, 1);
  check_tangent(nn::sequential<nn::linear<7>, nn::gelu, nn::linear<3>>{}, px::features<3>{}, 5);
  check_tangent(nn::sequential<nn::linear<13>, nn::relu, nn::linear<13>, nn::leaky_relu<1, 5>, nn::linear<1>>{}, px::features<2>{}, 31);
  check_tangent(nn::sequential<nn::conv2d<5, 3>, nn::leaky_relu<>, nn::conv2d<3, 3, nn::stride<2>>, nn::tanh>{}, px::image<2, 6, 5>{}, 3);
}
TEST_CASE("tangent: layer_norm, whose statistics move too", "[backend][tangent]") {
  check_tangent(nn::layer_norm{}, px::features<7>{}, 3);
  check_tangent(nn::sequential<nn::linear<8>, nn::layer_norm, nn::tanh, nn::linear<2>>{}, px::features<3>{}, 5);
}
TEST_CASE("tangent: pooling, flattening, dropout, sums of two ways", "[backend][tangent]") {
  check_tangent(nn::sequential<nn::conv2d<3, 3>, nn::tanh, nn::avg_pool2d<2>, nn::conv2d<2, 3>, nn::global_avg_pool>{}, px::image<2, 6, 4>{}, 3);
  check_tangent(nn::sequential<nn::conv2d<3, 3>, nn::tanh, nn::max_pool2d<2>, nn::tanh, nn::flatten, nn::linear<1>>{}, px::image<2, 6, 4>{}, 3);
  check_tangent(nn::sequential<nn::linear<9>, nn::dropout, nn::tanh, nn::linear<2>>{}, px::features<4>{}, 5);
  check_tangent(nn::sequential<nn::residual<nn::sequential<nn::linear<4>, nn::tanh, nn::linear<4>>>, nn::relu, nn::linear<2>>{}, px::features<4>{}, 7);
}
