// SPDX-License-Identifier: BSD-3-Clause
#include "layers_support.hpp"

#include "pretext/nn/activation.hpp"
#include "pretext/nn/batch_norm.hpp"
#include "pretext/nn/dropout.hpp"
#include "pretext/nn/identity.hpp"
#include "pretext/nn/layer_norm.hpp"
#include "pretext/nn/linear.hpp"

using namespace layers_test;

TEST_CASE("linear: gradients by differences, back ends, evaluation", "[nn][layers][linear]") {
  check_layer(nn::linear<13>{}, px::features<7>{}, 5);
  check_layer(nn::linear<33, nn::no_bias>{}, px::features<31>{}, 1);
  check_layer(nn::linear<5>{}, px::sequence<7>(extents(4, 7)), 3);
}
TEST_CASE("activations: gradients by differences, back ends, evaluation", "[nn][layers]") {
  check_layer(nn::relu{}, px::features<31>{}, 5);
  check_layer(nn::gelu{}, px::features<31>{}, 5);
  check_layer(nn::tanh{}, px::sequence<5>(extents(3, 5)), 2);
  check_layer(nn::identity{}, px::features<7>{}, 3);
}
TEST_CASE("batch_norm: gradients by differences, back ends, evaluation", "[nn][layers][batch_norm]") {
  check_layer(nn::batch_norm{}, px::features<13>{}, 9);
  check_layer(nn::batch_norm{}, px::image<5, 4, 3>{}, 6);
  check_layer(nn::batch_norm{}, px::shape<px::dynamic, px::dynamic, 33>(extents(2, 3, 33)), 4);
}
TEST_CASE("batch_norm: with constant statistics the gradient does not know the batch", "[nn][layers][batch_norm]") {
  const auto layer = nn::bind(nn::batch_norm{}, px::features<13>{});
  given g = random_values(layer, extents(13), 5);
  g.mode = px::run_mode::evaluate;
  check_gradients(layer, extents(13), g);
  check_back_ends(layer, extents(13), g);
}
TEST_CASE("layer_norm: gradients by differences, back ends, evaluation", "[nn][layers][layer_norm]") {
  check_layer(nn::layer_norm{}, px::features<31>{}, 5);
  check_layer(nn::layer_norm{}, px::sequence<7>(extents(3, 7)), 2);
}
TEST_CASE("dropout: gradients by differences, back ends, evaluation", "[nn][layers][dropout]") {
  check_layer(nn::dropout{}, px::features<31>{}, 5);
}
