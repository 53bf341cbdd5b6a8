// SPDX-License-Identifier: BSD-3-Clause
// Layers of generators and discriminators: laws of layers, and the second derivatives that gradient penalties need.
#include "../backend/tangent_support.hpp"
#include "pretext/check/layer.hpp"
#include "pretext/nn/activation.hpp"
#include "pretext/nn/conv_transpose2d.hpp"
#include "pretext/nn/group_norm.hpp"
#include "pretext/nn/sequential.hpp"
#include "pretext/nn/spectral_norm.hpp"
#include "pretext/nn/upsample.hpp"

using namespace tangent_test;

namespace {
template <class Spec, class In>
void check_laws(const Spec& spec, const In& shape) {
  const px::check::result found = px::check::layer(spec, shape);
  INFO(found.text());
  if (!found.ok()) std::puts(found.text().c_str());
  CHECK(found.ok());
}
}  // namespace

TEST_CASE("conv_transpose2d: the laws of layers, and its tangent", "[nn][conv_transpose2d]") {
  check_laws(nn::conv_transpose2d<3, 4, nn::stride<2>>{}, px::image<2, 3, 4>{});
  check_laws(nn::conv_transpose2d<4, 3, nn::stride<2>, nn::groups<2>, nn::output_padding<1>, nn::no_bias>{}, px::image<6, 2, 3>{});
  check_laws(nn::conv_transpose2d<2, 1>{}, px::image<1, 1, 1>{});
  check_tangent(nn::sequential<nn::conv_transpose2d<3, 4, nn::stride<2>>, nn::tanh, nn::conv_transpose2d<2, 3>>{}, px::image<2, 3, 2>{}, 2);
}
TEST_CASE("upsample2d: the laws of layers, and its tangent", "[nn][upsample2d]") {
  check_laws(nn::upsample2d<2>{}, px::image<3, 3, 4>{});
  check_laws(nn::upsample2d<3>{}, px::image<1, 1, 2>{});
  check_laws(nn::upsample2d<2, nn::interpolation::bilinear>{}, px::image<3, 3, 4>{});
  check_laws(nn::upsample2d<3, nn::interpolation::bilinear>{}, px::image<2, 1, 5>{});
  check_tangent(nn::sequential<nn::conv2d<2, 3>, nn::tanh, nn::upsample2d<2, nn::interpolation::bilinear>, nn::conv2d<1, 3>, nn::tanh>{},
                px::image<1, 3, 3>{}, 2);
}
TEST_CASE("group_norm, instance_norm: the laws of layers, and their tangents", "[nn][group_norm]") {
  check_laws(nn::group_norm<2>{}, px::image<6, 3, 4>{});
  check_laws(nn::group_norm<3>{}, px::features<12>{});
  check_laws(nn::instance_norm{}, px::image<3, 2, 3>{});
  check_tangent(nn::sequential<nn::conv2d<4, 3>, nn::group_norm<2>, nn::tanh>{}, px::image<2, 3, 3>{}, 2);
}
TEST_CASE("spectral_norm: the laws of layers once the iteration has settled, and its tangent", "[nn][spectral_norm]") {
  // u and v are constants of the gradient, which is that of the value where they no longer move.
  check_laws(nn::spectral_norm<nn::linear<4>>{.iterations = 400}, px::features<6>{});
  check_laws(nn::spectral_norm<nn::conv2d<3, 3, nn::no_bias>>{.iterations = 400}, px::image<2, 4, 4>{});
  check_tangent(nn::sequential<nn::spectral_norm<nn::linear<5>>, nn::tanh, nn::spectral_norm<nn::linear<1>>>{}, px::features<3>{}, 4);
}
