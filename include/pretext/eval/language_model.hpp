// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "../backend/context.hpp"
#include "../comm/null.hpp"
#include "../core/error.hpp"
#include "../core/rng.hpp"
#include "../precision/precision.hpp"

/// How well language models say what they do not see.
namespace pretext::eval {

struct token_scores {
  double loss = 0;      // nats a token
  double accuracy = 0;  // of the most likely token
  index_t tokens = 0;   // that were predicted
  double perplexity() const { return std::exp(loss); }
};

namespace detail {
/// A trainer's model in evaluation mode, in memory of its own that is made once.
template <class Trainer>
class language_model {
 public:
  using T = typename Trainer::value_type;
  using M = typename Trainer::master_type;
  using batch_type = typename Trainer::batch_type;
  static_assert(!Trainer::own_memory, "pretext[eval.210] language models are measured in memory of the host: load the checkpoint into a trainer on a CPU back end");

  explicit language_model(const Trainer& t) : trainer_(t) {}

  /// run(ctx, parameters): first on a plan, then on memory. parameters(part) are those of a part of the family.
  template <class Run>
  void operator()(const Run& run) {
    workspace plan;
    one_pass(plan, run);
    if (static_cast<std::size_t>(block_.size()) < plan.peak()) block_ = buffer<std::byte>(static_cast<index_t>(plan.peak()));
    workspace memory(block_.data(), block_.bytes());
    one_pass(memory, run);
  }

 private:
  template <class Run>
  void one_pass(workspace& memory, const Run& run) {
    comm::null alone;
    context<typename Trainer::backend_type, T, comm::null, precision::rounding_of<typename Trainer::precision_type>> ctx{&trainer_.backend(), &memory, &alone};
    ctx.mode = run_mode::evaluate;
    ctx.keep = false;
    run(ctx, [&](const auto& part) { return memory.planning() ? parameter_view<T>{} : trainer_.parameters(part); });
  }
  const Trainer& trainer_;
  buffer<std::byte> block_;
};
}  // namespace detail

/// Predicts every token of a text but the first from those before it in its window: windows of the trainer's length follow each other, the
/// last may be shorter.
/// shapes  tokens (N) of int32, each below the trainer's vocabulary
/// units   losses in nats a token
/// errors  pretext[eval.211] fewer than two tokens
template <class Trainer>
token_scores next_token_scores(const Trainer& trainer, std::span<const std::int32_t> tokens, index_t windows_at_once = 64) {
  if (tokens.size() < 2) throw_error("eval.211", {"a text of ", tokens.size(), " tokens has nothing to predict; give two or more"});
  using batch_type = typename Trainer::batch_type;
  const auto& family = trainer.family();
  const index_t length = family.chosen().length, all = static_cast<index_t>(tokens.size()) - 1;
  detail::language_model<Trainer> model(trainer);
  token_scores sum;
  std::vector<std::int32_t> correct;
  std::vector<typename Trainer::master_type> loss(1);
  for (index_t begin = 0; begin < all;) {
    const index_t left = all - begin, rows = left < length ? 1 : std::min(windows_at_once, left / length), n = left < length ? left : length;
    // Windows stand side by side in the text, so tokens and targets are read where they are.
    const batch_type batch{tokens.data() + begin, tokens.data() + begin + 1, rows, n};
    correct.resize(static_cast<std::size_t>(rows * n));
    model([&](const auto& ctx, const auto& parameters) {
      family.measure(ctx, parameters, batch, {loss.data(), extents(1)}, {correct.data(), extents(rows * n)});
    });
    sum.loss += static_cast<double>(loss[0]) * static_cast<double>(rows * n);
    sum.accuracy += static_cast<double>(std::count(correct.begin(), correct.end(), 1));
    begin += rows * n;
  }
  sum.tokens = all;
  sum.loss /= static_cast<double>(all);
  sum.accuracy /= static_cast<double>(all);
  return sum;
}

/// Hides tokens of a text by the trainer's own corruption, once, and has them said again: windows of the trainer's length follow each
/// other, the last may be shorter.
/// shapes  tokens (N) of int32, each below the trainer's vocabulary
/// units   losses in nats a token
/// errors  pretext[eval.214] a text of which nothing is hidden
/// repeat  what is hidden follows from `seed` alone
template <class Trainer>
token_scores masked_token_scores(const Trainer& trainer, std::span<const std::int32_t> tokens, std::uint64_t seed = 0, index_t windows_at_once = 32) {
  using batch_type = typename Trainer::batch_type;
  const auto& family = trainer.family();
  const auto& chosen = family.chosen();
  const index_t length = chosen.length, all = static_cast<index_t>(tokens.size());
  const auto capacity = static_cast<std::size_t>(chosen.corruption.capacity(length));
  detail::language_model<Trainer> model(trainer);
  token_scores sum;
  std::vector<std::int32_t> shown, rows, labels, lengths, correct, place(capacity), token(capacity), work(static_cast<std::size_t>(length));
  std::vector<typename Trainer::master_type> loss(1);
  for (index_t begin = 0; begin < all;) {
    rows.clear(), labels.clear(), lengths.clear();
    shown.assign(static_cast<std::size_t>(windows_at_once * length), -1);
    index_t samples = 0;
    for (; samples < windows_at_once && begin < all; ++samples) {
      const index_t n = std::min(length, all - begin);
      const rng::key key = rng::key{.seed = seed, .sample = static_cast<std::uint64_t>(begin)}.with_purpose(rng::purpose::corrupt);
      const std::int32_t hidden = chosen.corruption.corrupt(key, chosen.ids, {tokens.data() + begin, nullptr, n},
                                                            {shown.data() + samples * length, place.data(), token.data(), work.data()});
      for (std::size_t k = 0; k < static_cast<std::size_t>(hidden); ++k) {
        rows.push_back(static_cast<std::int32_t>(samples * length) + place[k]);
        labels.push_back(token[k]);
      }
      lengths.push_back(static_cast<std::int32_t>(n));
      begin += n;
    }
    if (rows.empty()) continue;
    const auto wanted = static_cast<index_t>(rows.size());
    correct.resize(rows.size());
    batch_type batch{};
    batch.tokens = shown.data(), batch.lengths = lengths.data(), batch.samples = samples, batch.length = length;
    model([&](const auto& ctx, const auto& parameters) {
      family.measure(ctx, parameters, batch, {{rows.data(), extents(wanted)}, {labels.data(), extents(wanted)}}, {loss.data(), extents(1)},
                     {correct.data(), extents(wanted)});
    });
    sum.loss += static_cast<double>(loss[0]) * static_cast<double>(wanted);
    sum.accuracy += static_cast<double>(std::count(correct.begin(), correct.end(), 1));
    sum.tokens += wanted;
  }
  if (sum.tokens == 0) throw_error("eval.214", {"of a text of ", all, " tokens nothing is hidden; give more text, or a corruption that hides more"});
  sum.loss /= static_cast<double>(sum.tokens);
  sum.accuracy /= static_cast<double>(sum.tokens);
  return sum;
}

}  // namespace pretext::eval
