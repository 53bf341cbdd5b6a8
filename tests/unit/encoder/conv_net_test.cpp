// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/encoder/conv_net.hpp"

#include "network.hpp"
#include "support/catch.hpp"

namespace {
using namespace network;
namespace nn = pretext::nn;
using small = px::encoder::conv_net<32, 64, 128>;

static_assert(std::is_same_v<px::encoder::conv_net<5>, nn::sequential<nn::conv2d<5, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>,
                                                                     nn::global_avg_pool>>);
static_assert(std::is_same_v<nn::output_t<nn::bound_t<small, px::image<3, 32, 32>>>, px::features<128>>);
static_assert(std::is_same_v<nn::output_t<nn::bound_t<small, px::image<3, px::dynamic, px::dynamic>>>, px::features<128>>);
}  // namespace

TEST_CASE("conv_net: blocks, names and sizes are those of the same network in PyTorch", "[encoder][conv_net]") {
  const runner<small, px::image<1, 28, 28>> r;
  std::vector<std::string> names;
  for (const auto& e : r.table.parameters) names.push_back(e.name);
  CHECK(names == std::vector<std::string>{"0.weight", "1.weight", "1.bias", "4.weight", "5.weight", "5.bias", "8.weight", "9.weight", "9.bias"});
  CHECK(r.table.parameter_count() == 9 * (32 + 32 * 64 + 64 * 128) + 2 * (32 + 64 + 128));
  std::vector<std::pair<std::string, std::string>> pools;
  for (const auto& l : r.table.layers)
    if (l.second.starts_with("max_pool2d")) pools.push_back(l);
  REQUIRE(pools.size() == 2);  // after the first two blocks only
  CHECK(pools[0].first == "3");
  CHECK(pools[1].first == "7");
}

TEST_CASE("conv_net: its features are those of its blocks one after the other", "[encoder][conv_net]") {
  runner<px::encoder::conv_net<4, 6>, px::image<1, 8, 8>> whole;
  whole.fill_by_formula();
  const std::vector<double> x = golden::uniform("x", 3 * 64);
  const auto h = whole.run({3, 8, 8, 1}, x, px::run_mode::train);
  runner<nn::sequential<nn::conv2d<4, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>>, px::image<1, 8, 8>> first;
  first.fill_by_formula();
  runner<nn::sequential<nn::conv2d<6, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>, nn::global_avg_pool>, px::image<4, 4, 4>> second;
  for (std::size_t i = 0; i < second.table.parameters.size(); ++i) {
    const auto& e = second.table.parameters[i];
    const auto& w = whole.table.parameters[i + first.table.parameters.size()];
    for (index_t k = 0; k < e.size; ++k) second.parameters[static_cast<std::size_t>(e.offset + k)] = whole.parameters[static_cast<std::size_t>(w.offset + k)];
  }
  CHECK(second.run({3, 4, 4, 4}, first.run({3, 8, 8, 1}, x, px::run_mode::train), px::run_mode::train) == h);
}

TEST_CASE("conv_net: in evaluation a sample's features do not depend on its batch", "[encoder][conv_net]") {
  runner<px::encoder::conv_net<4, 6, 8>, px::image<1, 8, 8>> r;
  const std::vector<double> x = golden::uniform("x", 5 * 64);
  const auto all = r.run({5, 8, 8, 1}, x, px::run_mode::evaluate);
  for (index_t i = 0; i < 5; ++i) {
    const auto one = r.run({1, 8, 8, 1}, {x.begin() + 64 * i, x.begin() + 64 * (i + 1)}, px::run_mode::evaluate);
    CHECK(std::equal(one.begin(), one.end(), all.begin() + 8 * i));
  }
}
