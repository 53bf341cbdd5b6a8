// SPDX-License-Identifier: BSD-3-Clause
#include "text_golden_support.hpp"

#include "pretext/check/layer.hpp"
#include "pretext/nn/recurrent.hpp"

using namespace layers_test;

namespace {
template <index_t D>
px::sequence<D> positions(index_t length) {
  return px::sequence<D>(extents(length, D));
}
void holds(const px::check::result& r) {
  INFO(r.text());
  CHECK(r.ok());
}
}  // namespace

TEST_CASE("lstm: value and gradients are PyTorch's", "[nn][recurrent][golden]") {
  check_text(nn::bind(nn::lstm<5>{}, positions<3>(5)), "lstm.one");
  check_text(nn::bind(nn::lstm<6, nn::layers<2>, nn::bidirectional>{}, positions<4>(5)), "lstm.deep");
  check_text(nn::bind(nn::lstm<4, nn::layers<2>, nn::bidirectional>{}, positions<3>(5)), "lstm.padded");
}

TEST_CASE("gru: value and gradients are PyTorch's", "[nn][recurrent][golden]") {
  check_text(nn::bind(nn::gru<5>{}, positions<3>(5)), "gru.one");
  check_text(nn::bind(nn::gru<3, nn::layers<3>>{}, positions<5>(5)), "gru.deep");
  check_text(nn::bind(nn::gru<4, nn::layers<2>, nn::bidirectional>{}, positions<3>(5)), "gru.padded");
}

TEST_CASE("lstm, gru: obey the laws of a layer, with padding, packed, with dropout", "[nn][recurrent][check]") {
  const std::vector<std::int32_t> lengths{4, 1, 2}, blocks{0, 0, 1, 1, 0, 0, 0, -1, 0, 1, 2, 2};
  const px::extent padded{.samples = 3, .length = 4, .lengths = lengths.data()}, packed{.samples = 3, .length = 4, .blocks = blocks.data()};
  holds(px::check::layer(nn::lstm<3, nn::layers<2>, nn::bidirectional>{.dropout = 0.3}, positions<2>(4)));
  holds(px::check::layer(nn::lstm<3, nn::bidirectional>{}, positions<2>(4), {.structure = &packed}));
  holds(px::check::layer(nn::gru<2, nn::layers<3>>{.dropout = 0.3}, positions<3>(4), {.structure = &padded}));
}

TEST_CASE("recurrent: names and shapes are PyTorch's", "[nn][recurrent]") {
  const auto table = table_of(nn::bind(nn::lstm<512, nn::layers<2>, nn::bidirectional>{}, positions<256>(128)));
  REQUIRE(table.parameters.size() == 16);
  CHECK(table.parameters[4].name == "weight_ih_l0_reverse");
  CHECK(table.parameters[9].name == "weight_hh_l1");
  CHECK(table.parameters[8].file_shape == extents(2048, 1024));
  CHECK(table.parameters[15].name == "bias_hh_l1_reverse");
  STATIC_REQUIRE(std::is_same_v<nn::output_t<nn::bound_t<nn::gru<7, nn::bidirectional>, px::sequence<3>>>, px::sequence<14>>);
}
