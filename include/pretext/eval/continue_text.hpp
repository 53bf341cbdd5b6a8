// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../generate/choice.hpp"
#include "language_model.hpp"

namespace pretext::eval {

/// Lets an autoregressive trainer go on with a text by `count` tokens, each chosen from the scores after those before it.
///   eval::continue_text(trainer, tokens, 200, generate::sampling{.temperature = 0.8f}, seed);
/// shapes  tokens (N) of int32, N >= 1, each below the trainer's vocabulary; (N + count) afterwards
/// cost    one pass over at most the trainer's length of tokens for each new one
/// errors  pretext[eval.212] nothing to go on from; pretext[generate.101] a setting out of range
/// repeat  a token is a function of (seed, its number) and the scores
template <class Trainer, class Choice>
void continue_text(const Trainer& trainer, std::vector<std::int32_t>& tokens, index_t count, const Choice& choice, std::uint64_t seed = 0) {
  static_assert(generate::explain_choice<Choice>());
  if (tokens.empty()) throw_error("eval.212", "a text without a token cannot be continued; give at least one to begin with");
  if constexpr (requires { choice.check(); }) choice.check();
  using T = typename Trainer::value_type;
  const auto& family = trainer.family();
  const index_t words = family.words().layer.words();
  detail::language_model<Trainer> model(trainer);
  std::vector<T> scores(static_cast<std::size_t>(words));
  std::vector<float> logits(scores.size()), scratch(static_cast<std::size_t>(choice.scratch_floats(words)));
  for (index_t step = 0; step < count; ++step) {
    const index_t n = std::min(static_cast<index_t>(tokens.size()), family.chosen().length.value());
    const typename Trainer::batch_type batch{tokens.data() + static_cast<index_t>(tokens.size()) - n, nullptr, 1, n};
    model([&](const auto& ctx, const auto& parameters) { family.next_scores(ctx, parameters, batch, {scores.data(), extents(1, words)}); });
    for (std::size_t i = 0; i < scores.size(); ++i) logits[i] = static_cast<float>(scores[i]);
    const std::int32_t next = choice.choose(generate::choice_key(seed, 0, static_cast<std::uint64_t>(step)), {logits.data(), words}, scratch.data());
    if (next < 0) throw_error("eval.213", {"no score after token ", tokens.size(), " is a number; the model has diverged, go back to an earlier checkpoint"});
    tokens.push_back(next);
  }
}

}  // namespace pretext::eval
