// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/rng.hpp"
#include "shuffle.hpp"

namespace pretext::data {

struct window_settings {
  index_t length = 128;          // tokens of a window
  index_t ahead = 1;             // tokens that have to follow it: 1 for the next token, 0 for masked ones
  index_t batch_size = 32;       // of all ranks together
  index_t shard = 4096;          // windows that lie together in the file and are shuffled among each other
  std::uint64_t seed = 0;
  bool shuffle = true;
  bool shift = true;             // windows begin at another place in every epoch
  int rank = 0;
  int ranks = 1;
};

/// Which windows of a row of tokens step s takes: epoch s / batches_per_epoch(), whose shards come in a random order and whose windows do
/// within each, so that a corpus larger than memory is read a stretch at a time.
///   Rank r of R takes the r-th contiguous share of every batch.
/// laws    the windows of an epoch are disjoint and follow from (tokens, settings, seed, epoch) alone: any step can be asked for first;
///         R ranks in order see the batch that one rank would. An epoch's last incomplete batch is left out
/// cost    an epoch: one shuffle of the shards; a step: one of the shards it lies in, O(shard), where it is another than before
/// errors  pretext[data.114] settings that give no batch; [data.091] a step outside
class window_sampler {
 public:
  PRETEXT_COLD explicit window_sampler(index_t tokens, const window_settings& s = {}) : settings_(s) {
    if (s.length < 1 || s.ahead < 0 || s.batch_size < 1 || s.shard < 1)
      throw_error("data.114", {"windows of ", s.length, " tokens and ", s.ahead, " ahead in batches of ", s.batch_size, " and shards of ", s.shard,
                               " make no sense; all but ahead must be at least 1"});
    if (s.ranks < 1 || s.rank < 0 || s.rank >= s.ranks || s.batch_size < s.ranks)
      throw_error("data.114", {"windows: rank ", s.rank, " of ", s.ranks, " ranks cannot share batches of ", s.batch_size,
                               "; ranks count from 0 and every rank needs a window"});
    const index_t room = tokens - s.ahead - (s.shift ? s.length - 1 : 0);
    windows_ = room < s.length ? 0 : room / s.length;
    if (windows_ < s.batch_size)
      throw_error("data.114", {tokens, " tokens hold ", windows_, " windows of ", s.length, ", fewer than a batch of ", s.batch_size,
                               "; use more text, a smaller batch or shorter windows"});
    order_ = std::vector<index_t>(static_cast<std::size_t>(ceil_div(windows_, s.shard)));
  }

  index_t windows() const { return windows_; }
  index_t batches_per_epoch() const { return windows_ / settings_.batch_size; }
  index_t epoch_of(index_t step) const { return step / batches_per_epoch(); }
  const window_settings& settings() const { return settings_; }

  /// Where the windows of this rank's share of a step begin; valid until the next call.
  std::span<const index_t> begins(index_t step) {
    if (step < 0 || epoch_of(step) >= index_t{1} << 24)
      throw_error("data.091", {"windows: step ", step, " is before the first or beyond epoch 2^24; count steps from 0"});
    const index_t epoch = epoch_of(step);
    if (epoch != epoch_) fill(epoch);
    const index_t n = settings_.batch_size, first = step % batches_per_epoch() * n;
    const index_t low = first + n * settings_.rank / settings_.ranks, high = first + n * (settings_.rank + 1) / settings_.ranks;
    begins_.clear();
    for (index_t position = low; position < high; ++position) begins_.push_back(offset_ + window_at(position) * settings_.length);
    return {begins_.data(), begins_.size()};
  }

 private:
  rng::key key(std::uint64_t of) const {
    return rng::key{.seed = settings_.seed, .sample = of, .epoch = static_cast<std::uint32_t>(epoch_)}.with_purpose(rng::purpose::shuffle);
  }
  index_t windows_in(index_t shard) const { return std::min(settings_.shard, windows_ - shard * settings_.shard); }

  void fill(index_t epoch) {
    epoch_ = epoch;
    shard_ = -1;
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<index_t>(i);
    if (settings_.shuffle) shuffle_indices(order_, key(0));
    ends_.clear();
    index_t end = 0;
    for (const index_t shard : order_) ends_.push_back(end += windows_in(shard));
    offset_ = 0;
    if (settings_.shift) offset_ = static_cast<index_t>(rng::stream(key(1)).below(static_cast<std::uint32_t>(settings_.length)));
  }
  index_t window_at(index_t position) {
    const auto at = std::upper_bound(ends_.begin(), ends_.end(), position) - ends_.begin();
    const index_t shard = order_[static_cast<std::size_t>(at)];
    const index_t before = at == 0 ? 0 : ends_[static_cast<std::size_t>(at) - 1];
    if (!settings_.shuffle) return shard * settings_.shard + position - before;
    if (shard != shard_) {
      shard_ = shard;
      within_.resize(static_cast<std::size_t>(windows_in(shard)));
      for (std::size_t i = 0; i < within_.size(); ++i) within_[i] = static_cast<index_t>(i);
      shuffle_indices(within_, key(2 + static_cast<std::uint64_t>(shard)));
    }
    return shard * settings_.shard + within_[static_cast<std::size_t>(position - before)];
  }

  window_settings settings_;
  index_t windows_ = 0, offset_ = 0;
  index_t epoch_ = -1, shard_ = -1;
  std::vector<index_t> order_, ends_, within_, begins_;
};

}  // namespace pretext::data
