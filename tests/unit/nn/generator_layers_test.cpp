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

/// A layer's output on numbers of one's own.
template <class Bound>
std::vector<double> output_of(const Bound& layer, const std::vector<double>& parameters, const std::vector<double>& x, const extents& in) {
  px::backend::reference be;
  px::comm::null alone;
  std::vector<double> y(static_cast<std::size_t>(nn::output_extents(layer, in).size()));
  const auto walk = [&](px::workspace& memory) {
    const px::context<px::backend::reference, double> ctx{&be, &memory, &alone};
    typename Bound::template cache<double> kept{};
    layer.forward(ctx, px::parameter_view<double>{parameters.data(), nullptr}, px::activations<const double>(px::tensor_view<const double>{x.data(), in}),
                  px::activations<double>(px::tensor_view<double>{y.data(), nn::output_extents(layer, in)}), kept);
  };
  px::workspace plan;
  walk(plan);
  px::buffer<std::byte> block(static_cast<index_t>(plan.peak()) + 64);
  px::workspace memory(block.data(), plan.peak() + 64);
  walk(memory);
  return y;
}
/// <spread(x), y> = <x, conv(y)> with the same numbers in the memory of both weights.
template <class Spread, class Conv, class In>
void check_adjoint(const Spread& spread, const Conv& conv, const In& shape) {
  const auto up = nn::bind(spread, shape);
  const auto down = nn::bind(conv, up.output());
  const extents in = static_cast<extents>(shape).prepend(2), out = nn::output_extents(up, in);
  REQUIRE(nn::output_extents(down, out) == in);
  const auto w = draw(px::segment_of(up).parameters, 5), x = draw(in.size(), 6), y = draw(out.size(), 7);
  REQUIRE(px::segment_of(down).parameters == px::segment_of(up).parameters);
  const auto made = output_of(up, w, x, in), seen = output_of(down, w, y, out);
  double a = 0, b = 0;
  for (std::size_t i = 0; i < y.size(); ++i) a += made[i] * y[i];
  for (std::size_t i = 0; i < x.size(); ++i) b += x[i] * seen[i];
  CHECK(std::fabs(a) > 0.1);
  CHECK(std::fabs(a - b) <= 1e-13 * static_cast<double>(y.size()));
}
}  // namespace

TEST_CASE("conv_transpose2d: the adjoint of conv2d with the same weights", "[nn][conv_transpose2d]") {
  using namespace nn;
  check_adjoint(conv_transpose2d<5, 4, stride<2>, padding<1>, no_bias>{}, conv2d<3, 4, stride<2>, padding<1>, no_bias>{}, px::image<3, 3, 4>{});
  check_adjoint(conv_transpose2d<4, 3, stride<2>, padding<1>, output_padding<1>, groups<2>, no_bias>{},
                conv2d<6, 3, stride<2>, padding<1>, groups<2>, no_bias>{}, px::image<6, 2, 3>{});
  check_adjoint(conv_transpose2d<2, 3, padding<1>, no_bias>{}, conv2d<7, 3, padding<1>, no_bias>{}, px::image<7, 5, 1>{});
}

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
