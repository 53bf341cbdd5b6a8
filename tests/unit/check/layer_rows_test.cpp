// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/layer.hpp>
#include <pretext/nn/activation.hpp>
#include <pretext/nn/dropout.hpp>
#include <pretext/nn/identity.hpp>
#include <pretext/nn/layer_norm.hpp>
#include <pretext/nn/linear.hpp>
#include <pretext/nn/mlp.hpp>
#include <pretext/nn/parallel.hpp>
#include <pretext/nn/repeat.hpp>
#include <pretext/nn/residual.hpp>
#include <pretext/nn/sequential.hpp>
#include <pretext/nn/tap.hpp>

#include "support/catch.hpp"

namespace px = pretext;
namespace nn = pretext::nn;

TEST_CASE("check::layer: the library's layers of rows obey every law", "[check][layer]") {
  using row = px::features<6>;
  const auto holds = [](const px::check::result& r) {
    INFO(r.text());
    CHECK(r.ok());
  };
  holds(px::check::layer(nn::linear<3>{}, row{}));
  holds(px::check::layer(nn::linear<3, nn::no_bias>{}, px::sequence<4>(px::extents(3, 4))));
  holds(px::check::layer(nn::layer_norm{}, row{}));
  holds(px::check::layer(nn::relu{}, row{}));
  holds(px::check::layer(nn::gelu{}, row{}));
  holds(px::check::layer(nn::tanh{}, row{}));
  holds(px::check::layer(nn::dropout{.rate = 0.4}, row{}));
  holds(px::check::layer(nn::identity{}, row{}));
  holds(px::check::layer(nn::mlp_batch_norm<5, 3>{}, row{}));
  holds(px::check::layer(nn::repeat<3, nn::residual<nn::linear<6>>>{}, row{}));
  holds(px::check::layer(nn::parallel<nn::linear<2>, nn::sequential<nn::tanh, nn::linear<3>>>{}, row{}));
  holds(px::check::layer(nn::sequential<nn::tap<"h", nn::linear<4>>, nn::tanh, nn::linear<2>>{}, row{}));
}
