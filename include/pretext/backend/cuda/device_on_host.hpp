// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for tests of what trains on a device, on a machine without one (Linux, and others with mmap)
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "block_ops.hpp"

namespace pretext::backend {

namespace detail {

/// Memory that can be touched while somebody holds it `open`, and is a segmentation fault for everybody else.
class closed_memory {
 public:
  PRETEXT_COLD explicit closed_memory(std::size_t room) : room_(room) {
    void* p = ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw_error("backend.120", {"device_on_host: no ", room, " bytes of address space; allow the process more"});
    base_ = static_cast<std::byte*>(p);
  }
  closed_memory(const closed_memory&) = delete;
  closed_memory& operator=(const closed_memory&) = delete;
  ~closed_memory() { ::munmap(base_, room_); }

  /// Zeroed, whole pages. Addresses are never given out twice, so what uses memory after its end shows as well.
  PRETEXT_COLD void* allocate(std::size_t bytes) {
    const std::size_t pages = (bytes + page - 1) / page * page;
    if (used_ + pages > room_) throw_error("backend.120", {"device_on_host: more than ", room_, " bytes; give it more room"});
    std::byte* p = base_ + used_;
    used_ += pages;
    sizes_.emplace_back(p, pages);
    bytes_ += pages;
    return p;
  }
  PRETEXT_COLD void deallocate(void* p) noexcept {
    for (auto& [at, pages] : sizes_)
      if (at == p) {
        ::madvise(at, pages, MADV_DONTNEED);
        bytes_ -= pages;
        at = nullptr;
      }
  }
  std::size_t bytes() const { return bytes_; }
  bool holds(const void* p) const { return p >= base_ && p < base_ + room_; }

  class opened {
   public:
    explicit opened(closed_memory& m) : memory_(m) {
      if (memory_.open_++ == 0) memory_.protect(PROT_READ | PROT_WRITE);
    }
    ~opened() {
      if (--memory_.open_ == 0) memory_.protect(PROT_NONE);
    }
    opened(const opened&) = delete;
    opened& operator=(const opened&) = delete;

   private:
    closed_memory& memory_;
  };

 private:
  static constexpr std::size_t page = 4096;
  void protect(int how) {
    for (const auto& [at, pages] : sizes_)
      if (at != nullptr) ::mprotect(at, pages, how);
  }
  std::byte* base_ = nullptr;
  std::size_t room_, used_ = 0, bytes_ = 0;
  int open_ = 0;
  std::vector<std::pair<std::byte*, std::size_t>> sizes_;
};

/// Launches as bytes: a kernel's struct by value, and the function that runs it. What the struct holds by value is the same at every
/// replay, what it holds by address is what lies there then; as in a captured graph of a device.
template <class Executor>
class launch_list {
 public:
  template <class Kernel>
  void add(const Kernel& kernel, index_t blocks) {
    auto bytes = std::make_unique<std::byte[]>(sizeof kernel);
    std::memcpy(bytes.get(), &kernel, sizeof kernel);
    launches_.push_back({std::move(bytes), blocks, [](Executor& executor, const std::byte* p, index_t n) {
                           alignas(Kernel) std::byte copy[sizeof(Kernel)];
                           std::memcpy(copy, p, sizeof(Kernel));
                           executor.run(*reinterpret_cast<const Kernel*>(copy), n);
                         }});
  }
  void replay(Executor& executor) const {
    for (const launch& l : launches_) l.again(executor, l.kernel.get(), l.blocks);
  }
  std::size_t size() const { return launches_.size(); }

 private:
  struct launch {
    std::unique_ptr<std::byte[]> kernel;
    index_t blocks = 0;
    void (*again)(Executor&, const std::byte*, index_t) = nullptr;
  };
  std::vector<launch> launches_;
};

/// The host executor on closed memory, which it opens for each kernel, and records what it launches when it is told to. A kernel that holds
/// an address of the host is refused while it records: on a device it would follow it.
class closed_executor : public blocks::host_executor {
 public:
  using list = launch_list<closed_executor>;
  closed_executor(closed_memory& memory, blocks::block_order order) : host_executor(order), memory_(&memory) {}

  template <class Kernel>
  void launch(const Kernel& kernel, index_t blocks) {
    if (into_ != nullptr) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)  // in padding anything may stand, also what looks like an address
      alignas(Kernel) std::byte copy[sizeof(Kernel)];
      std::memcpy(copy, &kernel, sizeof kernel);
      __builtin_clear_padding(reinterpret_cast<Kernel*>(copy));
      check_addresses(copy, sizeof copy, typeid(Kernel).name());
#endif
#endif
      into_->add(kernel, blocks);
    }
    run(kernel, blocks);
  }
  template <class Kernel>
  void run(const Kernel& kernel, index_t blocks) {
    const closed_memory::opened now(*memory_);
    ++launches_;
    host_executor::launch(kernel, blocks);
  }
  void record_into(list* into) {
    into_ = into;
    if (into != nullptr) read_maps();
  }
  index_t launches() const { return launches_; }

 private:
  /// Where the host has memory, from the list that the system keeps.
  PRETEXT_COLD void read_maps() {
    maps_.clear();
    std::FILE* f = std::fopen("/proc/self/maps", "r");
    if (f == nullptr) return;
    char line[512];
    unsigned long long from = 0, to = 0;
    while (std::fgets(line, sizeof line, f) != nullptr)
      if (std::sscanf(line, "%llx-%llx", &from, &to) == 2)
        maps_.emplace_back(static_cast<std::uintptr_t>(from), static_cast<std::uintptr_t>(to));
    std::fclose(f);
  }
  PRETEXT_COLD void check_addresses(const void* kernel, std::size_t bytes, const char* name) const {
    const auto* p = static_cast<const std::byte*>(kernel);
    for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= bytes; at += alignof(std::uintptr_t)) {
      std::uintptr_t word;
      std::memcpy(&word, p + at, sizeof word);
      if (memory_->holds(reinterpret_cast<const void*>(word))) continue;  // the system's list joins it with neighbours
      for (const auto& [from, to] : maps_)
        if (word >= from && word < to) throw_error("backend.121", {"device_on_host: a kernel holds an address of the host at byte ", at, ": ", name});
    }
  }
  closed_memory* memory_;
  list* into_ = nullptr;
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> maps_;
  index_t launches_ = 0;
};

}  // namespace detail

/// A device played by the host: the kernels of `cuda` in memory of their own, which nobody but kernels, uploads and downloads may touch.
/// Whatever the host reads or writes there in between is a segmentation fault, and an address of the host in a recorded kernel an error.
/// Steps are recorded and replayed as on a device. For tests, and slow. `order`: as of cuda_on_host; `room`: bytes of address space.
/// errors  pretext[backend.120] more memory than there is room; pretext[backend.121] a kernel that holds an address of the host
class device_on_host {
 public:
  static constexpr const char* name = "device_on_host";
  static constexpr bool has_own_memory = true;
  using native_ops = detail::block_native_ops;
  using recording = detail::closed_executor::list;

  explicit device_on_host(int order = 0, std::size_t room = std::size_t{1} << 36)
      : memory_(room), executor_(memory_, static_cast<blocks::block_order>(order % 4)) {}
  device_on_host(const device_on_host&) = delete;
  device_on_host& operator=(const device_on_host&) = delete;

  template <class Op, class... A>
  static constexpr bool runs_natively = native_ops::template contains<op::exact_op<Op>>;

  template <class Op, class... A>
  void run(Op, workspace& memory, const A&... a) {
    static_assert(runs_natively<Op, A...>, "pretext[backend.112] device_on_host has no kernel for this op yet; `Op` in the next lines names it");
    if constexpr (runs_natively<Op, A...>) detail::run_blocks(executor_, op::exact_op<Op>{}, memory, a...);
  }
  template <class Op, class... A>
  static std::size_t scratch_bytes(Op, const A&... a) {
    return detail::block_scratch<detail::closed_executor>(op::exact_op<Op>{}, a...);
  }
  static constexpr int threads() { return 1; }

  void* allocate(std::size_t bytes) { return memory_.allocate(bytes); }
  void deallocate(void* p) noexcept { memory_.deallocate(p); }
  void upload(void* there, const void* here, std::size_t bytes) {
    const detail::closed_memory::opened now(memory_);
    ++uploads_;
    std::memcpy(there, here, bytes);
  }
  void download(void* here, const void* there, std::size_t bytes) {
    const detail::closed_memory::opened now(memory_);
    ++downloads_;
    std::memcpy(here, there, bytes);
  }
  std::byte* stage(std::size_t bytes) {
    if (stage_.size() < bytes) stage_.resize(bytes);
    return stage_.data();
  }
  /// What was staged is gone afterwards: nobody may rely on it.
  void send(void* there, std::size_t bytes) {
    upload(there, stage_.data(), bytes);
    std::memset(stage_.data(), 0xFF, bytes);
  }
  template <class F>
  recording record(F&& launches) {
    recording made;
    executor_.record_into(&made);
    try {
      launches();
    } catch (...) {
      executor_.record_into(nullptr);
      throw;
    }
    executor_.record_into(nullptr);
    return made;
  }
  void replay(const recording& r) { r.replay(executor_); }

  /// What was asked of it so far, for tests of what a step may do.
  index_t uploads() const { return uploads_; }
  index_t downloads() const { return downloads_; }
  index_t launches() const { return executor_.launches(); }
  std::size_t bytes() const { return memory_.bytes(); }

 private:
  detail::closed_memory memory_;
  detail::closed_executor executor_;
  std::vector<std::byte> stage_;
  index_t uploads_ = 0, downloads_ = 0;
};

}  // namespace pretext::backend
