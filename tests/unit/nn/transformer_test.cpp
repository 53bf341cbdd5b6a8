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

TEST_CASE("transformer_block: another step drops other numbers, the same step the same", "[nn][transformer][dropout]") {
  const nn::transformer_block<1, 4> only_weights{.attention_dropout = 0.5}, only_sums{.dropout = 0.5};
  const auto at_step = [](const auto& spec, std::uint64_t step) {
    const auto layer = nn::bind(spec, positions<2>(6));
    const given g = random_values(layer, extents(6, 2), 2);
    px::parameter_table table = table_of(layer);
    px::buffer<float> parameters(table.parameter_extent);
    for (const auto& e : table.parameters) px::from_file_order(e, g.named.at(e.name).data(), parameters.data() + e.offset);
    const std::vector<float> x(g.x.begin(), g.x.end());
    std::vector<float> y(x.size());
    px::buffer<std::byte> block(1 << 16);
    px::workspace memory(block.data(), 1 << 16);
    px::comm::null alone;
    px::step_inputs inputs{};
    inputs.step = step;
    reference be;
    const px::moving_key key(px::rng::key{.seed = 3}.with_purpose(px::rng::purpose::dropout), &inputs, px::moving_key::by::step_as_sample);
    const px::context<reference, float> ctx{&be, &memory, &alone, &inputs, key};
    typename std::remove_cvref_t<decltype(layer)>::template cache<float> kept{};
    layer.forward(ctx, px::parameter_view<float>{parameters.data(), nullptr}, px::activations<const float>(px::tensor_view<const float>{x.data(), {2, 6, 2}}),
                  px::activations<float>(px::tensor_view<float>{y.data(), {2, 6, 2}}), kept);
    return y;
  };
  CHECK(at_step(only_weights, 1) == at_step(only_weights, 1));
  CHECK(at_step(only_weights, 1) != at_step(only_weights, 2));
  CHECK(at_step(only_sums, 1) == at_step(only_sums, 1));
  CHECK(at_step(only_sums, 1) != at_step(only_sums, 2));
}
