// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <cmath>

#include "../method/autoregressive.hpp"
#include "../nn/layer_norm.hpp"
#include "../nn/repeat.hpp"
#include "../nn/sequential.hpp"
#include "../nn/transformer_block.hpp"
#include "../optimizer/adamw.hpp"
#include "../schedule/schedule.hpp"

namespace pretext::recipe {

/// GPT-2's network under the names of Hugging Face's GPT2Model: `Blocks` of width `Width` with `Heads`, learned positions below `Most`.
template <index_t Blocks, index_t Heads, index_t Width, index_t Most>
struct gpt2_network {
  using words = nn::text_embedding<dynamic, Width, nn::learned_positions<Most>, nn::names::gpt2>;
  using encoder =
      nn::sequential<nn::named<"h", nn::repeat<Blocks, nn::transformer_block<Heads, 0, nn::causal, nn::gelu_tanh, nn::names::gpt2>>>,
                     nn::named<"ln_f", nn::layer_norm>>;
};

/// GPT-2 (Radford et al. 2019) in the size that a CPU trains in minutes: 4 blocks of width 128, 64 positions; settings as nanoGPT's
/// for a CPU. `struct mine : recipe::gpt2 { using words = ...; using encoder = ...; }` for other sizes (recipe::gpt2_network).
struct gpt2 : gpt2_network<4, 4, 128, 64> {
  template <class R>
  using family = method::autoregressive<R>;
  static constexpr method::part_names names{.words = "transformer", .encoder = "transformer"};
  using optimizer = pretext::optimizer::adamw;
  using schedule = pretext::schedule::cosine;

  template <class Settings>
  static constexpr void defaults(Settings& s) {
    if constexpr (requires { s.optimizer.beta2; }) {
      s.optimizer.beta2 = 0.99;
      s.optimizer.decay = 0.1;
    }
    if constexpr (requires { s.schedule.warmup_steps; }) {
      s.schedule.warmup_steps = 100;
      s.schedule.last = 0.1;
    }
    // What adds to the way beside starts smaller, the more of it there is (section 2.3 of the paper).
    if constexpr (requires { child<0>(s.encoder.layers).block.output_deviation; }) {
      auto& blocks = child<0>(s.encoder.layers);
      blocks.block.output_deviation = 0.02 / std::sqrt(2.0 * static_cast<double>(blocks.count.value()));
    }
  }
};

}  // namespace pretext::recipe
