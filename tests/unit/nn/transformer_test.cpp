// SPDX-License-Identifier: BSD-3-Clause
#include "layers_support.hpp"

#include "pretext/check/layer.hpp"
#include "pretext/nn/repeat.hpp"
#include "pretext/nn/transformer_block.hpp"

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

TEST_CASE("attention: obeys the laws of a layer, with padding, packed, with dropped weights", "[nn][attention][check]") {
  const std::vector<std::int32_t> lengths{5, 1, 3}, blocks{0, 0, 1, 1, 1, 0, 0, 0, 0, 2, -1, -1, 0, 1, 2};
  const px::extent padded{.samples = 3, .length = 5, .lengths = lengths.data()}, packed{.samples = 3, .length = 5, .blocks = blocks.data()};
  holds(px::check::layer(nn::attention<2>{}, positions<6>(5)));
  holds(px::check::layer(nn::attention<2, nn::causal>{.dropout = 0.3}, positions<6>(5)));
  holds(px::check::layer(nn::attention<3, nn::rotary>{}, positions<6>(5), {.structure = &padded}));
  holds(px::check::layer(nn::attention<1, nn::causal, nn::rotary>{}, positions<4>(5), {.structure = &packed}));
}

TEST_CASE("transformer_block: obeys the laws of a layer", "[nn][transformer][check]") {
  const std::vector<std::int32_t> lengths{4, 2, 0};
  const px::extent padded{.samples = 3, .length = 4, .lengths = lengths.data()};
  holds(px::check::layer(nn::transformer_block<2, 5>{.dropout = 0.2, .attention_dropout = 0.1}, positions<4>(3)));
  holds(px::check::layer(nn::transformer_block<2, 6, nn::post_norm>{.dropout = 0.2}, positions<4>(4), {.structure = &padded}));
}

TEST_CASE("transformer_block: repeated, simd agrees with the reference", "[nn][transformer]") {
  using two = nn::repeat<2, nn::transformer_block<3, 17, nn::causal>>;
  for (const index_t batch : {1, 5}) check_layer(two{.block = {.dropout = 0.1, .attention_dropout = 0.1}}, positions<15>(7), batch);
}
