// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/rng.hpp"
#include "../core/view_of.hpp"
#include "shuffle.hpp"

namespace pretext::data {

struct sampler_settings {
  index_t batch_size = 256;  // of all ranks together
  std::uint64_t seed = 0;
  bool shuffle = true;
  bool drop_last = true;  // an epoch's incomplete last batch
  int rank = 0;
  int ranks = 1;
};

/// Which images step number s takes: epoch s / batches_per_epoch() in its own random order, cut into batches.
///   Rank r of R takes the r-th contiguous share of every batch, so that R ranks in order see exactly the batch that
///   one rank would.
/// laws    each epoch's order depends on (size, seed, epoch) alone, so any step can be asked for first: resuming is
///         asking for step s; every image comes once an epoch (drop_last leaves out the rest)
/// cost    a new epoch is one shuffle, O(size); all else O(batch)
/// errors  pretext[data.090] settings that give no batch; [data.091] a step outside
class epoch_sampler {
 public:
  PRETEXT_COLD explicit epoch_sampler(index_t size, const sampler_settings& s = {}) : settings_(s), size_(size) {
    if (size < 1 || s.batch_size < 1)
      throw_error("data.090", {"sampler: ", size, " images in batches of ", s.batch_size, " give no batch; both must be at least 1"});
    if (s.drop_last && s.batch_size > size)
      throw_error("data.090", {"sampler: a batch of ", s.batch_size, " is larger than the ", size,
          " images there are; use a smaller batch, or drop_last = false"});
    if (s.ranks < 1 || s.rank < 0 || s.rank >= s.ranks || s.batch_size < s.ranks)
      throw_error("data.090", {"sampler: rank ", s.rank, " of ", s.ranks, " ranks cannot share batches of ", s.batch_size,
          "; ranks count from 0 and every rank needs an image"});
    order_ = std::vector<index_t>(static_cast<std::size_t>(size));
  }

  index_t size() const { return size_; }
  const sampler_settings& settings() const { return settings_; }
  index_t batches_per_epoch() const {
    return settings_.drop_last ? size_ / settings_.batch_size : ceil_div(size_, settings_.batch_size);
  }
  index_t epoch_of(index_t step) const { return step / batches_per_epoch(); }

  /// The indices of this rank's share of a step; valid until the next call. Empty where a short last batch has fewer
  /// images than there are ranks.
  std::span<const index_t> indices(index_t step) {
    if (step < 0 || epoch_of(step) >= max_epochs)
      throw_error("data.091", {"sampler: step ", step, " is before the first or beyond epoch 2^24; count steps from 0"});
    if (const index_t epoch = epoch_of(step); epoch != epoch_) fill(epoch);
    const index_t begin = step % batches_per_epoch() * settings_.batch_size;
    const index_t n = std::min(settings_.batch_size, size_ - begin);
    const index_t low = n * settings_.rank / settings_.ranks, high = n * (settings_.rank + 1) / settings_.ranks;
    return view_of(order_).subspan(static_cast<std::size_t>(begin + low), static_cast<std::size_t>(high - low));
  }

 private:
  static constexpr index_t max_epochs = index_t{1} << 24;  // the generator's counter holds no more

  void fill(index_t epoch) {
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<index_t>(i);
    if (settings_.shuffle)
      shuffle_indices(order_, rng::key{.seed = settings_.seed, .epoch = static_cast<std::uint32_t>(epoch)}.with_purpose(
                                  rng::purpose::shuffle));
    epoch_ = epoch;
  }

  sampler_settings settings_;
  index_t size_;
  std::vector<index_t> order_;
  index_t epoch_ = -1;
};

}  // namespace pretext::data
