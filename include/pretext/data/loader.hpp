// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/list.hpp"
#include "image_batch.hpp"
#include "sampler.hpp"

namespace pretext::data {

/// Gathers the batches of steps first..last-1, a few ahead of the consumer in a thread of its own.
///   Dataset: void gather(std::span<const index_t>, image_batch&) const, callable from another thread.
/// laws    the batches and their order are the sampler's: they do not depend on timing or `ahead`
///         an exception of the data set comes out of next() at the batch it belongs to; the loader then ends
/// memory  ahead + 1 batches, reused
/// errors  pretext[data.092] ahead < 0, or steps that run backwards
template <class Dataset>
class prefetching_loader {
 public:
  /// `set` must outlive the loader. `ahead` = 0 gathers in the calling thread.
  prefetching_loader(const Dataset& set, epoch_sampler sampler, index_t first, index_t last, int ahead = 2)
      : set_(&set), sampler_(std::move(sampler)), ring_(slots(first, last, ahead)), taken_(first), made_(first), last_(last) {
    if (ahead > 0 && first < last) worker_ = std::thread([this] { work(); });
  }
  prefetching_loader(const prefetching_loader&) = delete;
  prefetching_loader& operator=(const prefetching_loader&) = delete;
  PRETEXT_COLD ~prefetching_loader() {
    if (!worker_.joinable()) return;
    {
      // Under the lock: the worker is then either before its test of the flag or already waiting, never in between.
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    space_.notify_all();
    worker_.join();
  }

  /// The next batch, or null at the end. Valid until the next call.
  const image_batch* next() {
    if (ring_.size() == 1) return next_here();
    std::unique_lock lock(mutex_);
    if (holding_) {
      holding_ = false;
      ++taken_;
      space_.notify_one();
    }
    filled_.wait(lock, [&] { return made_ > taken_ || failure_ || taken_ == last_; });
    if (made_ > taken_) {
      holding_ = true;
      return &slot(taken_);
    }
    if (failure_) std::rethrow_exception(failure_);
    return nullptr;
  }

  /// The step that the next call of next() will deliver.
  index_t position() const { return taken_ + (holding_ ? 1 : 0); }

 private:
  PRETEXT_COLD static std::size_t slots(index_t first, index_t last, int ahead) {
    if (ahead < 0 || first < 0 || last < first)
      throw_error("data.092", {"loader: steps ", first, " to ", last, " with ", ahead,
          " batches ahead; steps count upwards from 0, ahead is 0 or more"});
    return static_cast<std::size_t>(ahead) + 1;
  }
  image_batch& slot(index_t step) { return ring_[static_cast<std::size_t>(step) % ring_.size()]; }

  const image_batch* next_here() {
    if (failure_) std::rethrow_exception(failure_);
    if (taken_ == last_) return nullptr;
    try {
      set_->gather(sampler_.indices(taken_), ring_[0]);
    } catch (...) {
      failure_ = std::current_exception();
      throw;
    }
    ++taken_;
    return &ring_[0];
  }

  void work() {
    for (index_t step = made_; step < last_; ++step) {
      {
        std::unique_lock lock(mutex_);
        // taken_ is the oldest batch that may be in use; its slot comes round again after ring_.size() steps.
        space_.wait(lock, [&] { return stopping_ || step - taken_ < static_cast<index_t>(ring_.size()); });
        if (stopping_) return;
      }
      std::exception_ptr failure;
      try {
        set_->gather(sampler_.indices(step), slot(step));
      } catch (...) {
        failure = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex_);
        if (failure)
          failure_ = failure;
        else
          made_ = step + 1;
      }
      filled_.notify_one();
      if (failure) return;
    }
  }

  const Dataset* set_;
  epoch_sampler sampler_;  // the worker's alone, once it runs
  list<image_batch> ring_;
  std::mutex mutex_;
  std::condition_variable space_, filled_;
  index_t taken_, made_;  // steps before taken_ were consumed, steps before made_ are gathered
  index_t last_;
  bool holding_ = false;  // the consumer has batch taken_
  std::exception_ptr failure_;
  bool stopping_ = false;
  std::thread worker_;  // last: it uses all of the above
};

}  // namespace pretext::data
