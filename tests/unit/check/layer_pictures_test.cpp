// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/layer.hpp>
#include <pretext/nn/activation.hpp>
#include <pretext/nn/batch_norm.hpp>
#include <pretext/nn/conv2d.hpp>
#include <pretext/nn/pool2d.hpp>
#include <pretext/nn/residual.hpp>
#include <pretext/nn/sequential.hpp>

#include "support/catch.hpp"

namespace px = pretext;
namespace nn = pretext::nn;

TEST_CASE("check::layer: the library's layers of pictures obey every law", "[check][layer]") {
  using picture = px::image<4, 6, 5>;
  const auto holds = [](const px::check::result& r) {
    INFO(r.text());
    CHECK(r.ok());
  };
  holds(px::check::layer(nn::conv2d<6, 3, nn::stride<2>, nn::groups<2>>{}, picture{}));
  holds(px::check::layer(nn::conv2d<5, 1, nn::no_bias>{}, picture{}));
  holds(px::check::layer(nn::batch_norm{}, picture{}));
  holds(px::check::layer(nn::max_pool2d<3, nn::stride<2>, nn::padding<1>>{}, picture{}));
  holds(px::check::layer(nn::avg_pool2d<2>{}, picture{}));
  holds(px::check::layer(nn::global_avg_pool{}, picture{}));
  holds(px::check::layer(nn::flatten{}, picture{}));
  holds(px::check::layer(nn::residual<nn::sequential<nn::conv2d<4, 3>, nn::relu>>{}, picture{}));
  holds(px::check::layer(nn::residual<nn::conv2d<8, 3, nn::stride<2>>, nn::conv2d<8, 1, nn::stride<2>>>{}, picture{}));
}
