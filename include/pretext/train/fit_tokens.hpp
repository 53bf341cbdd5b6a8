// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "../data/token_windows.hpp"
#include "callbacks.hpp"

namespace pretext::train {

struct fit_tokens_settings {
  std::uint64_t steps = 0;  // 0: the trainer's epochs
  index_t shard = 0;        // windows that are shuffled among each other, for a corpus that is read from a file; 0: all
};

/// Trains on a row of tokens (a vector, a mapped data::token_cache): every step reads batch_size windows of settings().length tokens, and
/// what follows each of them where the family predicts the next token. Continues where a resumed trainer stands. Callbacks: train/callbacks.hpp.
/// errors  pretext[data.114] fewer tokens than a batch needs
/// repeat  the windows of a step follow from (seed, step) alone (data::window_sampler)
template <class Trainer, class... Callbacks>
void fit_tokens(Trainer& trainer, std::span<const std::int32_t> tokens, const fit_tokens_settings& how, Callbacks&&... callbacks) {
  using batch_type = typename Trainer::batch_type;
  constexpr bool has_targets = requires(batch_type b) { b.targets; };
  const auto& s = trainer.settings();
  const index_t length = s.length, ranks = trainer.comm().size();
  data::window_sampler sampler(static_cast<index_t>(tokens.size()), {.length = length, .ahead = has_targets ? 1 : 0, .batch_size = s.batch_size * ranks,
                                                                     .shard = how.shard > 0 ? how.shard : static_cast<index_t>(tokens.size()), .seed = trainer.seed(),
                                                                     .rank = trainer.comm().rank(), .ranks = trainer.comm().size()});
  const auto per_epoch = static_cast<std::uint64_t>(sampler.batches_per_epoch());
  const std::uint64_t total = how.steps > 0 ? how.steps : per_epoch * s.epochs, epochs = (total + per_epoch - 1) / per_epoch;
  trainer.set_steps_total(total);
  trainer.start_clock();
  trainer.stop(false);
  const std::uint64_t done = trainer.steps_done();
  [[maybe_unused]] const start_info info{.steps_total = total, .steps_done = done, .steps_per_epoch = per_epoch, .epochs = epochs,
                                         .step = done, .epoch = done / per_epoch};
  (detail::call_start(callbacks, trainer, info), ...);
  // What follows a window, or where families hide tokens, lengths and what tells windows apart.
  std::vector<std::int32_t> words(static_cast<std::size_t>(s.batch_size * length)), beside(has_targets ? words.size() : static_cast<std::size_t>(s.batch_size.value()));
  [[maybe_unused]] std::vector<std::uint64_t> ids(static_cast<std::size_t>(s.batch_size.value()));
  for (std::uint64_t step = done; step < total && !trainer.stopped(); ++step) {
    trainer.set_epoch(step / per_epoch, epochs);
    index_t row = 0;
    for (const index_t begin : sampler.begins(static_cast<index_t>(step))) {
      std::copy_n(tokens.data() + begin, length, words.data() + row * length);
      if constexpr (has_targets) {
        std::copy_n(tokens.data() + begin + 1, length, beside.data() + row * length);
      } else {
        beside[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(length);
        ids[static_cast<std::size_t>(row)] = static_cast<std::uint64_t>(begin);
      }
      ++row;
    }
    batch_type batch{words.data(), beside.data(), row, length};
    if constexpr (!has_targets) batch.ids = ids.data();
    const auto& report = trainer.step(batch);
    (detail::call_step(callbacks, trainer, report), ...);
    if (trainer.steps_done() % per_epoch == 0) {
      trainer.read_report();
      (detail::call_epoch(callbacks, trainer, report), ...);
    }
  }
  trainer.read_report();
  (detail::call_end(callbacks, trainer, trainer.report()), ...);
}

}  // namespace pretext::train
