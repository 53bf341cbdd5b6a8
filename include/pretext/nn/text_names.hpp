// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../backend/ops/matrix.hpp"
#include "../core/extent.hpp"
#include "../core/parameters.hpp"

/// Under which names, in which layout and from which values the parameters of transformer layers are kept, so that published
/// checkpoints fit. One's own is one more such struct.
namespace pretext::nn::names {

/// Names of a product's weight and bias.
struct product {
  std::string_view weight, bias;
};

/// PyTorch's nn.MultiheadAttention and nn.TransformerEncoderLayer: q, k and v in one matrix.
struct pytorch {
  static constexpr const char* name = "pytorch";
  static constexpr product qkv[] = {{"in_proj_weight", "in_proj_bias"}};
  static constexpr product out = {"out_proj.weight", "out_proj.bias"};
  static constexpr std::string_view attention = "self_attn", norm1 = "norm1", norm2 = "norm2";
  static constexpr product up = {"linear1.weight", "linear1.bias"}, down = {"linear2.weight", "linear2.bias"};
  static constexpr std::string_view words = "weight", positions = "position_embeddings.weight", types = "token_type_embeddings.weight";
  static constexpr bool transposed = false;  // weights are [out, in]
  static constexpr bool small_start = false; // PyTorch's own starting values
  static constexpr double eps = 1e-5;
};

/// BertModel of Hugging Face's transformers: three matrices.
struct bert {
  static constexpr const char* name = "bert";
  static constexpr product qkv[] = {{"self.query.weight", "self.query.bias"}, {"self.key.weight", "self.key.bias"}, {"self.value.weight", "self.value.bias"}};
  static constexpr product out = {"output.dense.weight", "output.dense.bias"};
  static constexpr std::string_view attention = "attention", norm1 = "attention.output.LayerNorm", norm2 = "output.LayerNorm";
  static constexpr product up = {"intermediate.dense.weight", "intermediate.dense.bias"}, down = {"output.dense.weight", "output.dense.bias"};
  static constexpr std::string_view words = "word_embeddings.weight", positions = "position_embeddings.weight",
                                    types = "token_type_embeddings.weight";
  static constexpr bool transposed = false;
  static constexpr bool small_start = true;  // N(0, 0.02), biases 0
  static constexpr double eps = 1e-12;
};

/// GPT2Model of the same: one matrix, and weights [in, out].
struct gpt2 {
  static constexpr const char* name = "gpt2";
  static constexpr product qkv[] = {{"c_attn.weight", "c_attn.bias"}};
  static constexpr product out = {"c_proj.weight", "c_proj.bias"};
  static constexpr std::string_view attention = "attn", norm1 = "ln_1", norm2 = "ln_2";
  static constexpr product up = {"mlp.c_fc.weight", "mlp.c_fc.bias"}, down = {"mlp.c_proj.weight", "mlp.c_proj.bias"};
  static constexpr std::string_view words = "wte.weight", positions = "wpe.weight", types = "wtt.weight";
  static constexpr bool transposed = true;
  static constexpr bool small_start = true;
  static constexpr double eps = 1e-5;
};

}  // namespace pretext::nn::names

namespace pretext::nn {

/// Options of attention and transformer_block.
struct causal {};      // a position sees none behind it
struct rotary {};      // q and k are turned by their positions (base 10000)
struct pre_norm {};    // x + f(norm(x)): GPT-2, ViT
struct post_norm {};   // norm(x + f(x)): BERT

namespace detail {
template <class T>
concept NamesOption = requires { T::qkv; T::transposed; };
template <class... Options>
struct names_of {
  using type = names::pytorch;
};
template <class First, class... Rest>
struct names_of<First, Rest...> : names_of<Rest...> {};
template <NamesOption First, class... Rest>
struct names_of<First, Rest...> {
  using type = First;
};
template <class Option, class... Options>
inline constexpr bool has_option = (std::is_same_v<Option, Options> || ...);

/// A product y = x W^T + b under given names: W is (out, in) in memory, and in a file transposed where Names says so.
template <class Names, class V>
constexpr void declare_weight(V& v, std::string_view name, index_t in, index_t out, initialiser start) {
  if constexpr (Names::transposed)
    v.parameter({.name = name, .file_shape = {in, out}, .what = role::weight, .start = start, .layout = {{in, out}, {1, 0, 2, 3, 4}}});
  else
    v.parameter({.name = name, .file_shape = {out, in}, .what = role::weight, .start = start});
}
template <class V>
constexpr void declare_bias(V& v, std::string_view name, index_t out, initialiser start = {}) {
  v.parameter({.name = name, .file_shape = {out}, .what = role::bias, .start = start});
}
/// Its gradients in weight and bias.
template <class Ctx, class T, class G>
constexpr void product_gradient(const Ctx& ctx, const activations<const T>& x, const activations<const T>& dy, const G& d_weight, const G& d_bias) {
  ctx(op::matmul, dy, x, d_weight, op::matmul_options{.transpose_a = true, .accumulate = true});
  ctx(op::column_sums, dy, d_bias);
}
}  // namespace detail

}  // namespace pretext::nn
