// SPDX-License-Identifier: BSD-3-Clause
#include "text_golden_support.hpp"

#include "pretext/nn/repeat.hpp"
#include "pretext/nn/sequential.hpp"
#include "pretext/nn/transformer_block.hpp"

using namespace layers_test;

namespace {
template <index_t D>
px::sequence<D> positions(index_t length) {
  return px::sequence<D>(extents(length, D));
}
}  // namespace

TEST_CASE("transformer_block: value and gradients are those of nn.TransformerEncoderLayer", "[nn][transformer][golden]") {
  check_text(nn::bind(nn::transformer_block<2, 20>{}, positions<8>(5)), "block.pre_gelu");
  check_text(nn::bind(nn::transformer_block<2, 20, nn::post_norm, nn::relu>{}, positions<8>(5)), "block.post_relu");
  check_text(nn::bind(nn::transformer_block<2, 20, nn::post_norm>{}, positions<8>(5)), "block.post_gelu_padded");
}

TEST_CASE("transformer_block: BERT's layer and GPT-2's block, in their names and layouts", "[nn][transformer][golden]") {
  check_text(nn::bind(nn::transformer_block<4, 48, nn::post_norm, nn::names::bert>{}, positions<32>(6)), "bert.layer");
  check_text(nn::bind(nn::transformer_block<3, 0, nn::causal, nn::gelu_tanh, nn::names::gpt2>{}, positions<12>(7)), "gpt2.block");
}

TEST_CASE("gelu_tanh: value and gradient are PyTorch's", "[nn][golden]") {
  check_text(nn::bind(nn::gelu_tanh{}, px::features<105>{}), "gelu_tanh.values");
}

TEST_CASE("transformer_block: a stack of GPT-2's has the names and the count of its checkpoint", "[nn][transformer]") {
  using stack = nn::sequential<nn::named<"h", nn::repeat<12, nn::transformer_block<12, 0, nn::causal, nn::gelu_tanh, nn::names::gpt2>>>,
                               nn::named<"ln_f", nn::layer_norm>>;
  const auto table = table_of(nn::bind(stack{}, positions<768>(1024)));
  // GPT-2: 124,439,808 with its two tables of 50257 and 1024 rows.
  CHECK(table.parameter_count() == 124439808 - (50257 + 1024) * 768);
  const auto entry = [&](std::string_view name) {
    for (const auto& e : table.parameters)
      if (e.name == name) return e;
    FAIL(std::string(name));
    return px::parameter_entry{};
  };
  CHECK(entry("h.11.attn.c_attn.weight").file_shape == extents(768, 2304));
  CHECK(entry("h.0.mlp.c_proj.weight").file_shape == extents(3072, 768));
  CHECK(entry("h.3.ln_2.bias").what == px::role::bias);
  CHECK(entry("ln_f.weight").what == px::role::scale);
}

TEST_CASE("transformer_block: a stack of BERT's has the names and the count of its checkpoint", "[nn][transformer]") {
  using stack = nn::named<"bert.encoder.layer", nn::repeat<12, nn::transformer_block<12, 0, nn::post_norm, nn::names::bert>>>;
  const auto table = table_of(nn::bind(nn::sequential<stack>{}, positions<768>(512)));
  // BertForMaskedLM: 109,514,298, of which embeddings, their norm, and the head (dense, norm, bias) are not here.
  CHECK(table.parameter_count() == 109514298 - (30522 + 512 + 2) * 768 - 2 * 768 - (768 * 768 + 768 + 2 * 768 + 30522));
  bool found = false;
  for (const auto& e : table.parameters) found = found || e.name == "bert.encoder.layer.7.attention.self.key.weight";
  CHECK(found);
}
