// SPDX-License-Identifier: BSD-3-Clause
#include "layers_golden_support.hpp"

#include "pretext/nn/activation.hpp"
#include "pretext/nn/batch_norm.hpp"
#include "pretext/nn/layer_norm.hpp"
#include "pretext/nn/linear.hpp"
#include "pretext/nn/pool2d.hpp"
#include "pretext/nn/sequential.hpp"

using namespace layers_test;

namespace {
using any_picture = px::shape<px::dynamic, px::dynamic, px::dynamic>;
using any_features = px::shape<px::dynamic>;

template <class In>
In input_of(const std::string& name) {
  return In(sample_of(stored()[name + ".x"]));
}
template <index_t Out, class... O>
void check_linear(const std::string& name) {
  check_golden(nn::bind(nn::linear<Out, O...>{}, input_of<any_features>(name)), name);
}
template <class Spec>
void check_pools(const std::string& kind) {
  const auto cases = stored().cases(kind, ".x");
  CHECK(!cases.empty());
  for (const std::string& c : cases) check_golden(nn::bind(Spec{}, input_of<any_picture>(kind + c)), kind + c);
}
}  // namespace

TEST_CASE("linear: value and gradients are PyTorch's", "[nn][layers][linear][golden]") {
  check_linear<1>("linear.1x1x1");
  check_linear<3>("linear.1x7x3");
  check_linear<13>("linear.7x31x13");
  check_linear<33>("linear.5x13x33");
  check_linear<10>("linear.2x65x10");
  check_linear<5, nn::no_bias>("linear.3x8x5nobias");
  CHECK(stored().cases("linear.", ".weight").size() == 6);
}

TEST_CASE("layer_norm: value and gradients are PyTorch's", "[nn][layers][layer_norm][golden]") {
  for (const std::string c : {"row", "rows", "constant"})
    check_golden(nn::bind(nn::layer_norm{}, input_of<any_features>("layer_norm." + c)), "layer_norm." + c);
  check_golden(nn::bind(nn::layer_norm{}, input_of<px::shape<px::dynamic, 31>>("layer_norm.sequence")), "layer_norm.sequence");
}

TEST_CASE("layer_norm: a thousand added to the input costs digits, not the result", "[nn][layers][layer_norm][golden]") {
  const std::string name = "layer_norm.offset";
  given g;
  g.batch = stored()[name + ".x"].extents[0];
  g.x = stored()[name + ".x"].values;
  g.dy = stored()[name + ".dy"].values;
  for (const char* p : {"weight", "bias"}) g.named[p] = stored()[name + "." + p].values;
  const auto layer = nn::bind(nn::layer_norm{}, input_of<any_features>(name));
  simd be(2);
  CHECK(relative_error(run<double>(be, layer, extents(9), g).y, stored()[name + ".y"].values) <= 1e-10);
  // The mean of floats near 1000 is known to 6e-5 / 2: what a float can say of deviations of about 1.
  CHECK(relative_error(run<float>(be, layer, extents(9), g).y, stored()[name + ".y"].values) <= 1e-4);
}

TEST_CASE("relu, gelu: value and gradients are PyTorch's", "[nn][layers][golden]") {
  const any_features one(extents(1));
  const auto check = [&](const auto& spec, const std::string& name) {
    const golden::file& f = stored();
    given g;
    g.x = f[name + ".x"].values;
    g.dy = f[name + ".dy"].values;
    g.batch = static_cast<index_t>(g.x.size());
    made<double> expected;
    expected.y = f[name + ".y"].values;
    expected.dx = f[name + ".dx"].values;
    simd be(2);
    const auto layer = nn::bind(spec, one);
    check_equal(run<double>(be, layer, extents(1), g), expected);
    check_equal(run<float>(be, layer, extents(1), g), expected);
  };
  check(nn::relu{}, "relu.values");
  check(nn::gelu{}, "gelu.values");
}

TEST_CASE("pooling: value and gradients are PyTorch's", "[nn][layers][pool][golden]") {
  check_pools<nn::max_pool2d<2>>("max_pool2d.2s2p0");
  check_pools<nn::max_pool2d<3, nn::stride<2>, nn::padding<1>>>("max_pool2d.3s2p1");
  check_pools<nn::max_pool2d<3, nn::stride<1>, nn::padding<1>>>("max_pool2d.3s1p1");
  check_pools<nn::avg_pool2d<2>>("avg_pool2d.2s2p0");
  check_pools<nn::avg_pool2d<3, nn::stride<2>, nn::padding<1>>>("avg_pool2d.3s2p1");
  check_pools<nn::global_avg_pool>("global_avg_pool.");
}

TEST_CASE("flatten: a linear layer behind it loads PyTorch's weights as they are", "[nn][layers][flatten][golden]") {
  check_golden(nn::bind(nn::sequential<nn::flatten, nn::linear<6>>{}, input_of<px::image<3, 4, 5>>("flatten.linear")), "flatten.linear",
               px::run_mode::train, "1.");
}
