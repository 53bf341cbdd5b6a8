// SPDX-License-Identifier: BSD-3-Clause
#include "layers_support.hpp"

#include "pretext/nn/mlp.hpp"
#include "pretext/nn/parallel.hpp"
#include "pretext/nn/repeat.hpp"
#include "pretext/nn/residual.hpp"
#include "pretext/nn/tap.hpp"

using namespace layers_test;

TEST_CASE("mlp: gradients by differences, back ends, evaluation", "[nn][layers][mlp]") {
  check_layer(nn::mlp<13, 7>{}, px::features<11>{}, 5);
}
TEST_CASE("mlp_batch_norm: gradients by differences, back ends, evaluation", "[nn][layers][mlp]") {
  check_layer(nn::mlp_batch_norm<13, 7>{}, px::features<11>{}, 9);
}
TEST_CASE("residual: plain and with a shortcut of its own", "[nn][layers][residual]") {
  check_layer(nn::residual<nn::sequential<nn::linear<9>, nn::tanh>>{}, px::features<9>{}, 4);
  check_layer(nn::residual<nn::linear<5>, nn::linear<5, nn::no_bias>>{}, px::features<9>{}, 4);
}
TEST_CASE("repeat: a count in the type and one at run time", "[nn][layers][repeat]") {
  using block = nn::residual<nn::sequential<nn::linear<7>, nn::gelu>>;
  check_layer(nn::repeat<3, block>{}, px::features<7>{}, 3);
  nn::repeat<px::dynamic, block> deep;
  deep.count = 3;
  check_layer(deep, px::features<7>{}, 3);
}
TEST_CASE("parallel: branches joined along the channels", "[nn][layers][parallel]") {
  check_layer(nn::parallel<nn::linear<5>, nn::tanh, nn::linear<3>>{}, px::features<7>{}, 4);
}
TEST_CASE("tap: changes nothing until a gradient is given", "[nn][layers][tap]") {
  check_layer(nn::sequential<nn::tap<"h", nn::linear<5>>, nn::tanh>{}, px::features<7>{}, 4);
}
