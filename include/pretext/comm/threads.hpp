// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "../core/error.hpp"
#include "../core/tensor.hpp"

namespace pretext::comm {

class threads_group;

/// One rank of a group whose ranks are threads of this process. Every rank makes the same calls in the same order.
/// errors  pretext[comm.101] ranks bring tensors of different sizes; pretext[comm.102] another rank has failed
/// repeat  sums run in rank order: the same bits on every rank and in every run
/// cost    no allocation; each rank sums its share of the elements and writes it to all
class threads {
 public:
  static constexpr bool is_single = false;
  threads() = default;  // a group of one

  int rank() const { return rank_; }
  int size() const;
  /// x = sum over ranks of x
  template <class T>
  void all_reduce_sum(tensor_view<T> x) const;
  /// whole = the parts of all ranks in rank order
  template <class T>
  void all_gather(tensor_view<const T> part, tensor_view<T> whole) const;
  void barrier() const;

 private:
  friend class threads_group;
  threads_group* group_ = nullptr;
  int rank_ = 0;
};

/// Ranks as threads: `group.rank(i)` is handed to the trainer of thread i. `run` starts the threads.
///   comm::threads_group group(2);
///   group.run([&](comm::threads& me) { trainer<R, B, comm::threads> t(settings, backends[me.rank()], me); ... });
class threads_group {
 public:
  /// errors  pretext[comm.100] a group without ranks
  explicit threads_group(int ranks) {
    if (ranks < 1) throw_error("comm.100", "a group of threads needs at least one rank");
    ranks_.resize(static_cast<std::size_t>(ranks));
    offers_.resize(ranks_.size());
    for (int i = 0; i < ranks; ++i) {
      ranks_[static_cast<std::size_t>(i)].group_ = this;
      ranks_[static_cast<std::size_t>(i)].rank_ = i;
    }
  }
  threads_group(const threads_group&) = delete;
  threads_group& operator=(const threads_group&) = delete;

  int size() const { return static_cast<int>(ranks_.size()); }
  threads& rank(int i) {
    if (i < 0 || i >= size()) throw_error("comm.100", "a group of threads has no such rank; ranks count from 0");
    return ranks_[static_cast<std::size_t>(i)];
  }

  /// Calls body(rank(i)) on a thread for every rank and waits for all. Where one throws, the others stop at their next
  /// exchange, and the first exception is thrown again here; the group is of no more use then.
  template <class Body>
  void run(Body&& body) {
    std::exception_ptr first;
    std::vector<std::thread> running;
    running.reserve(ranks_.size());
    for (threads& me : ranks_)
      running.emplace_back([&] {
        try {
          body(me);
        } catch (...) {
          fail(std::current_exception(), first);
        }
      });
    for (std::thread& t : running) t.join();
    if (first) std::rethrow_exception(first);
  }

 private:
  friend class threads;
  struct offer {
    const void* data = nullptr;
    std::size_t bytes = 0;
  };

  void fail(std::exception_ptr what, std::exception_ptr& first) {
    const std::lock_guard lock(mutex_);
    if (!first) first = std::move(what);
    failed_ = true;
    all_here_.notify_all();
  }
  /// Returns once every rank has come here.
  void meet() {
    std::unique_lock lock(mutex_);
    const std::size_t round = round_;
    if (!failed_ && ++waiting_ == ranks_.size()) {
      waiting_ = 0;
      ++round_;
      all_here_.notify_all();
    } else {
      all_here_.wait(lock, [&] { return round_ != round || failed_; });
    }
    if (round_ == round && failed_)
      throw_error("comm.102", "another rank of the group has failed, so this one cannot go on; see the first error");
  }
  /// Shows what this rank brings; afterwards every rank may read what all bring, until the next meeting.
  void show(int rank, const void* data, std::size_t bytes) {
    offers_[static_cast<std::size_t>(rank)] = {data, bytes};
    meet();
    for (const offer& o : offers_)
      if (o.bytes != bytes)
        throw_error("comm.101", "ranks exchange tensors of different sizes; give every rank a batch of the same size");
  }

  std::vector<threads> ranks_;
  std::vector<offer> offers_;
  std::mutex mutex_;
  std::condition_variable all_here_;
  std::size_t waiting_ = 0, round_ = 0;
  bool failed_ = false;
};

inline int threads::size() const { return group_ == nullptr ? 1 : group_->size(); }

inline void threads::barrier() const {
  if (group_ != nullptr) group_->meet();
}

template <class T>
void threads::all_reduce_sum(tensor_view<T> x) const {
  if (size() == 1 || x.data == nullptr) return;  // null views: a step is being planned
  group_->show(rank_, x.data, static_cast<std::size_t>(x.size()) * sizeof(T));
  // Each element has one writer, which also is the only one that reads it, so the sum can go to its place at once.
  const index_t ranks = size(), begin = x.size() * rank_ / ranks, end = x.size() * (rank_ + 1) / ranks;
  for (index_t i = begin; i < end; ++i) {
    T sum = static_cast<const T*>(group_->offers_[0].data)[i];
    for (std::size_t r = 1; r < group_->offers_.size(); ++r) sum += static_cast<const T*>(group_->offers_[r].data)[i];
    for (const auto& o : group_->offers_) const_cast<T*>(static_cast<const T*>(o.data))[i] = sum;
  }
  group_->meet();
}

template <class T>
void threads::all_gather(tensor_view<const T> part, tensor_view<T> whole) const {
  expects(whole.size() == part.size() * size(), "comm.103", "all_gather needs room for the parts of all ranks");
  if (part.data == nullptr) return;
  if (size() == 1) {
    for (index_t i = 0; i < part.size(); ++i) whole[i] = part[i];
    return;
  }
  group_->show(rank_, part.data, static_cast<std::size_t>(part.size()) * sizeof(T));
  index_t at = 0;
  for (const auto& o : group_->offers_)
    for (index_t i = 0; i < part.size(); ++i) whole[at++] = static_cast<const T*>(o.data)[i];
  group_->meet();
}

}  // namespace pretext::comm
