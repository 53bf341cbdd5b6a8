// SPDX-License-Identifier: BSD-3-Clause
#include "layers_golden_support.hpp"

#include "pretext/nn/activation.hpp"
#include "pretext/nn/conv_transpose2d.hpp"
#include "pretext/nn/group_norm.hpp"
#include "pretext/nn/spectral_norm.hpp"
#include "pretext/nn/upsample.hpp"

using namespace layers_test;

namespace {
const golden::file& generators() {
  static const golden::file f("generators");
  return f;
}
template <class In, class Spec>
void check(const Spec& spec, const std::string& name) {
  check_golden(nn::bind(spec, In(sample_of(generators()[name + ".x"]))), name, px::run_mode::train, "", true, generators());
}
template <index_t C>
using picture = px::shape<px::dynamic, px::dynamic, C>;
}  // namespace

TEST_CASE("conv_transpose2d: value and gradients are PyTorch's", "[nn][conv_transpose2d][golden]") {
  using namespace nn;
  check<picture<3>>(conv_transpose2d<5, 4, stride<2>>{}, "conv_transpose2d.4s2p1o0g1");
  check<px::image<4, 1, 1>>(conv_transpose2d<3, 4, padding<0>>{}, "conv_transpose2d.4s1p0o0g1");
  check<picture<4>>(conv_transpose2d<6, 3, stride<2>, padding<1>, output_padding<1>, groups<2>>{}, "conv_transpose2d.3s2p1o1g2");
  check<picture<5>>(conv_transpose2d<2, 3, no_bias>{}, "conv_transpose2d.3s1p1o0g1");
}
TEST_CASE("upsample2d: value and gradients are PyTorch's", "[nn][upsample2d][golden]") {
  check<picture<3>>(nn::upsample2d<2>{}, "upsample2d.nearest2");
  check<picture<3>>(nn::upsample2d<3>{}, "upsample2d.nearest3");
  check<picture<3>>(nn::upsample2d<2, nn::interpolation::bilinear>{}, "upsample2d.bilinear2");
  check<picture<3>>(nn::upsample2d<3, nn::interpolation::bilinear>{}, "upsample2d.bilinear3");
}
TEST_CASE("group_norm, instance_norm: value and gradients are PyTorch's", "[nn][group_norm][golden]") {
  check<picture<6>>(nn::group_norm<2>{}, "group_norm.picture");
  check<px::features<12>>(nn::group_norm<3>{}, "group_norm.row");
  check<picture<4>>(nn::group_norm<1>{}, "group_norm.pixel");
  check<picture<3>>(nn::instance_norm{}, "instance_norm.picture");
}
TEST_CASE("spectral_norm: value, gradients and the next vectors are PyTorch's", "[nn][spectral_norm][golden]") {
  check<px::features<5>>(nn::spectral_norm<nn::linear<4>>{}, "spectral_norm.linear");
  check<px::image<2, 4, 3>>(nn::spectral_norm<nn::conv2d<4, 3>>{}, "spectral_norm.conv2d");
}
TEST_CASE("leaky_relu, sigmoid, tanh: value and gradients are PyTorch's", "[nn][activation][golden]") {
  const auto check_values = [](const auto& spec, const std::string& name) {
    given g;
    g.x = generators()[name + ".x"].values, g.dy = generators()[name + ".dy"].values, g.batch = static_cast<index_t>(g.x.size());
    made<double> expected;
    expected.y = generators()[name + ".y"].values, expected.dx = generators()[name + ".dx"].values;
    simd be(1);
    const auto layer = nn::bind(spec, px::features<1>{});
    check_equal(run<double>(be, layer, extents(1), g), expected);
    check_equal(run<float>(be, layer, extents(1), g), expected);
  };
  check_values(nn::leaky_relu<1, 5>{}, "leaky_relu.values");
  check_values(nn::sigmoid{}, "sigmoid.values");
  check_values(nn::tanh{}, "tanh.values");
}
