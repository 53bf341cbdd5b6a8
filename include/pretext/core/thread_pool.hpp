// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
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
    has_processors_ = count <= hardware;
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
    // The door is closed and nobody is inside: these are the caller's alone until it opens.
    call_ = call;
    body_ = body;
    count_ = count;
    failed_index_ = count;
    next_.store(0, std::memory_order_relaxed);
    door_.fetch_add(generation + open);
    wake(count - 1);
    work(0);
    // Late wakers must not enter any more: the body dies with this call.
    door_.fetch_sub(open);
    const auto empty = [this] { return door_.load() % open == 0; };
    if (!look_out(empty)) {
      std::unique_lock lock(mutex_);
      caller_sleeps_ = true;
      done_.wait(lock, empty);
      caller_sleeps_ = false;
    }
    std::exception_ptr failure;
    failure.swap(failure_);
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
    std::uint64_t seen = 0, door = 0;
    const auto called = [&] {
      door = door_.load();
      return (door & stopping) != 0 || ((door & open) != 0 && door / generation != seen);
    };
    for (;;) {
      if (!look_out(called)) {
        std::unique_lock lock(mutex_);
        ++asleep_;
        wake_.wait(lock, called);
        --asleep_;
      }
      if ((door & stopping) != 0) return;
      if (!door_.compare_exchange_strong(door, door + 1)) continue;  // another came in, or it closed
      seen = door / generation;
      work(slot);
      const std::uint64_t before = door_.fetch_sub(1);
      if (before % (2 * open) == 1 && caller_sleeps_) {  // the last, behind a closed door
        { const std::lock_guard lock(mutex_); }          // the caller looked before it saw this, or waits by now
        done_.notify_one();
      }
    }
  }

  /// Calls in as many sleepers as there is work for beyond those that look out for it. Whoever falls asleep meanwhile has
  /// counted itself before its last look at the door, and the door opened before they are counted here: one sees the other.
  void wake(index_t helpers) {
    const int asleep = asleep_;
    const index_t wanted = helpers - (static_cast<index_t>(workers_.size()) - asleep);
    if (asleep == 0 || wanted <= 0) return;
    { const std::lock_guard lock(mutex_); }
    if (wanted >= asleep)
      wake_.notify_all();
    else
      for (index_t i = 0; i < wanted; ++i) wake_.notify_one();
  }

  /// Whether `ready` became true within about the time that sleeping and being woken would cost: loops follow each other
  /// closely. Whoever looks out keeps its processor, since a yield would hand it to whatever else runs there for milliseconds;
  /// but where there are more threads than processors, one of them waits for this one's.
  template <class Ready>
  bool look_out(const Ready& ready) const {
    if (ready()) return true;
    if (!has_processors_) {
      for (int turn = 0; turn < 64; ++turn) {
        std::this_thread::yield();
        if (ready()) return true;
      }
      return false;
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
    do {
      for (int turn = 0; turn < 32; ++turn) {
        relax();
        if (ready()) return true;
      }
    } while (std::chrono::steady_clock::now() < end);
    return false;
  }
  static void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#else
    std::this_thread::yield();
#endif
  }

  void stop() {
    door_.fetch_or(stopping);
    { const std::lock_guard lock(mutex_); }
    wake_.notify_all();
    for (std::thread& w : workers_)
      if (w.joinable()) w.join();  // not those that could not be started
  }

  // What the door shows: workers inside, whether one may enter, whether the pool ends, the number of the loop.
  static constexpr std::uint64_t open = std::uint64_t{1} << 24, stopping = open << 1, generation = open << 2;

  list<std::thread> workers_;
  bool has_processors_;
  alignas(64) std::atomic<std::uint64_t> door_{0};
  std::atomic<int> asleep_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::atomic<bool> busy_{false};
  call_type call_ = nullptr;
  void* body_ = nullptr;
  index_t count_ = 0;
  alignas(64) std::atomic<index_t> next_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  index_t failed_index_ = 0;
  std::exception_ptr failure_;
};

/// combine(into, from) along a fixed binary tree over [0, count): the result ends in 0. Its shape depends on count alone.
template <class Combine>
void combine_in_tree(index_t count, Combine&& combine) {
  for (index_t stride = 1; stride < count; stride *= 2)
    for (index_t i = 0; i + stride < count; i += 2 * stride) combine(i, i + stride);
}

}  // namespace pretext
