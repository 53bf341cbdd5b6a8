// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>

#include "../config.hpp"
#include "index.hpp"
#include "list.hpp"

namespace pretext {

/// Threads that share out the indices of a loop. Owned by a back end, never global.
/// Work is cut by its size alone, so who runs an index cannot change a result; `worker` only names a scratch slot.
/// laws    every index runs exactly once; the caller works too; no allocation after construction
/// errors  an exception of the body reaches the caller after all workers have left; of several, the lowest index's
/// repeat  a call from inside a body, or while another thread uses the pool, runs inline
class thread_pool {
 public:
  /// `threads` counts the caller; 0 takes what the machine has, more than the machine has is allowed.
  explicit thread_pool(int threads = 0) {
    const int hardware = static_cast<int>(std::thread::hardware_concurrency());
    const int count = threads > 0 ? threads : (hardware > 0 ? hardware : 1);
    workers_ = list<std::thread>(static_cast<std::size_t>(count - 1));
    try {
      for (int slot = 1; slot < count; ++slot) workers_[static_cast<std::size_t>(slot - 1)] = std::thread([this, slot] { live(slot); });
    } catch (...) {
      stop();
      throw;
    }
  }
  ~thread_pool() { stop(); }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  /// Workers including the caller; the `worker` of parallel_for_worker is below it.
  int size() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// body(index) for every index in [0, count).
  template <class Body>
  void parallel_for(index_t count, Body&& body) {
    using bare = std::remove_reference_t<Body>;
    run([](void* b, index_t i, int) { (*static_cast<bare*>(b))(i); }, address(body), count);
  }

  /// body(begin, end) for consecutive pieces of [0, n), each `chunk` long but the last.
  template <class Body>
  void parallel_for(index_t n, index_t chunk, Body&& body) {
    using bare = std::remove_reference_t<Body>;
    run_pieces([](void* b, index_t begin, index_t end) { (*static_cast<bare*>(b))(begin, end); }, address(body), n, chunk);
  }

  /// body(index, worker): as above, and no two indices run at once with the same worker.
  template <class Body>
  void parallel_for_worker(index_t count, Body&& body) {
    using bare = std::remove_reference_t<Body>;
    run([](void* b, index_t i, int worker) { (*static_cast<bare*>(b))(i, worker); }, address(body), count);
  }

 private:
  using call_type = void (*)(void*, index_t, int);
  using piece_type = void (*)(void*, index_t, index_t);

  template <class Body>
  static void* address(Body& body) {
    return const_cast<void*>(static_cast<const void*>(std::addressof(body)));
  }

  /// Not a template: what cuts the pieces is compiled once.
  PRETEXT_APART void run_pieces(piece_type call, void* body, index_t n, index_t chunk) {
    struct pieces {
      piece_type call;
      void* body;
      index_t n, chunk;
    } all{call, body, n, chunk};
    const auto one = [](void* p, index_t i, int) {
      const auto& of = *static_cast<const pieces*>(p);
      const index_t begin = i * of.chunk;
      of.call(of.body, begin, of.n - begin < of.chunk ? of.n : begin + of.chunk);
    };
    run(one, &all, n > 0 ? ceil_div(n, chunk) : 0);
  }

  PRETEXT_APART void run(call_type call, void* body, index_t count) {
    if (count <= 0) return;
    if (count == 1 || workers_.empty() || busy_.exchange(true, std::memory_order_acquire)) {
      for (index_t i = 0; i < count; ++i) call(body, i, 0);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      call_ = call;
      body_ = body;
      count_ = count;
      next_.store(0, std::memory_order_relaxed);
      failure_ = nullptr;
      failed_index_ = count;
      open_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    const index_t helpers = count - 1;
    if (helpers >= static_cast<index_t>(workers_.size()))
      wake_.notify_all();
    else
      for (index_t i = 0; i < helpers; ++i) wake_.notify_one();
    work(0);
    std::exception_ptr failure;
    {
      // Late wakers must not enter any more: the body dies with this call.
      std::unique_lock lock(mutex_);
      open_ = false;
      done_.wait(lock, [this] { return active_ == 0; });
      failure.swap(failure_);
    }
    busy_.store(false, std::memory_order_release);
    if (failure) std::rethrow_exception(failure);
  }

  void work(int worker) noexcept {
    for (index_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) {
      try {
        call_(body_, i, worker);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (i < failed_index_) {
          failed_index_ = i;
          failure_ = std::current_exception();
        }
        next_.store(count_, std::memory_order_relaxed);
      }
    }
  }

  void live(int slot) {
    std::uint64_t seen = 0;
    for (;;) {
      // Steps follow each other closely: a short look around is cheaper than sleeping and being woken.
      for (int turn = 0; turn < 64 && generation_.load(std::memory_order_acquire) == seen; ++turn)
        std::this_thread::yield();
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || (open_ && generation_.load(std::memory_order_relaxed) != seen); });
        if (stopping_) return;
        seen = generation_.load(std::memory_order_relaxed);
        ++active_;
      }
      work(slot);
      const std::lock_guard lock(mutex_);
      if (--active_ == 0) done_.notify_one();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (std::thread& w : workers_)
      if (w.joinable()) w.join();  // not those that could not be started
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  list<std::thread> workers_;
  std::atomic<bool> busy_{false};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<index_t> next_{0};
  call_type call_ = nullptr;
  void* body_ = nullptr;
  index_t count_ = 0;
  index_t failed_index_ = 0;
  std::exception_ptr failure_;
  int active_ = 0;
  bool open_ = false;
  bool stopping_ = false;
};

/// combine(into, from) along a fixed binary tree over [0, count): the result ends in 0. Its shape depends on count alone.
template <class Combine>
void combine_in_tree(index_t count, Combine&& combine) {
  for (index_t stride = 1; stride < count; stride *= 2)
    for (index_t i = 0; i + stride < count; i += 2 * stride) combine(i, i + stride);
}

}  // namespace pretext
