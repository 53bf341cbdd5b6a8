// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include "../method/masked_language.hpp"
#include "../nn/activation.hpp"
#include "../nn/dropout.hpp"
#include "../nn/identity.hpp"
#include "../nn/layer_norm.hpp"
#include "../nn/linear.hpp"
#include "../nn/recurrent.hpp"
#include "../nn/repeat.hpp"
#include "../nn/sequential.hpp"
#include "../nn/transformer_block.hpp"
#include "../optimizer/adamw.hpp"
#include "../schedule/schedule.hpp"

namespace pretext::recipe {

/// An LSTM says hidden words: embedding of width 256, zero where a word is hidden, LSTM of 512, a score for each word.
/// `using encoder = nn::lstm<512, nn::bidirectional>` reads what follows, too.
struct mask_lm {
  template <class R>
  using family = method::masked_language<R>;
  using words = nn::text_embedding<dynamic, 256>;
  using encoder = nn::lstm<512>;
  using head = nn::identity;
  using output = nn::vocabulary_output<false>;
  using corruption = augment::hidden_embeddings;
  using optimizer = pretext::optimizer::adamw;
  using schedule = pretext::schedule::constant;
};

/// BERT's network under the names of Hugging Face's BertForMaskedLM: `Blocks` of width `Width` with `Heads`, positions below `Most`.
template <index_t Blocks, index_t Heads, index_t Width, index_t Most>
struct bert_network {
  using words = nn::text_embedding<dynamic, Width, nn::learned_positions<Most>, nn::token_types<2>, nn::names::bert>;
  using encoder = nn::sequential<nn::named<"embeddings.LayerNorm", nn::layer_norm>, nn::dropout,
                                 nn::named<"encoder.layer", nn::repeat<Blocks, nn::transformer_block<Heads, 4 * Width, nn::post_norm, nn::gelu, nn::names::bert>>>>;
  using head = nn::sequential<nn::named<"dense", nn::linear<Width>>, nn::gelu, nn::named<"LayerNorm", nn::layer_norm>>;
};

/// BERT (Devlin et al. 2019, arXiv:1810.04805) in the size "mini": 4 blocks of width 256 over 128 positions.
struct bert : bert_network<4, 4, 256, 128> {
  template <class R>
  using family = method::masked_language<R>;
  static constexpr method::part_names names{.words = "bert.embeddings", .encoder = "bert", .head = "cls.predictions.transform", .output = "cls.predictions"};
  using output = nn::vocabulary_output<true>;
  using corruption = augment::bert_masking;
  using optimizer = pretext::optimizer::adamw;
  using schedule = pretext::schedule::linear;

  template <class Settings>
  static constexpr void defaults(Settings& s) {
    if constexpr (requires { s.schedule.warmup_steps; }) s.schedule.warmup_steps = 100;
    // The norms have BERT's epsilon; its blocks have it by their names.
    if constexpr (requires { child<0>(s.encoder.layers).eps; }) child<0>(s.encoder.layers).eps = 1e-12;
    if constexpr (requires { child<2>(s.head.layers).eps; }) child<2>(s.head.layers).eps = 1e-12;
    if constexpr (requires { child<1>(s.encoder.layers).rate; }) child<1>(s.encoder.layers).rate = 0.1;
    if constexpr (requires { child<2>(s.encoder.layers).block.dropout; }) {
      child<2>(s.encoder.layers).block.dropout = 0.1;
      child<2>(s.encoder.layers).block.attention_dropout = 0.1;
    }
  }
};

}  // namespace pretext::recipe
