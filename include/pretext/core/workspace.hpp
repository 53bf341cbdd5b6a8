// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "tensor.hpp"

namespace pretext {

/// The memory of a step: 64-byte aligned pieces cut from one planned block, which has two ends. Each is a stack: the near
/// one holds what a step keeps, the far one what is given back while pieces kept after it stay.
/// Without a block it is a plan: pieces are null views, and only the peak is kept. A step that has run once on a plan
/// never asks for more when it runs on memory of that peak.
/// errors  pretext[memory.100] more than was planned
class workspace {
 public:
  constexpr workspace() = default;
  constexpr workspace(std::byte* block, std::size_t capacity) : block_(block), capacity_(capacity / 64 * 64) {}

  template <class T>
  constexpr tensor_view<T> take(const extents& e) {
    return {as<T>(take_elements(e, sizeof(T))), e};
  }
  /// One extent: its size needs no loop.
  template <class T>
  constexpr tensor_view<T> take(index_t n) {
    return {as<T>(take_bytes(static_cast<std::size_t>(n) * sizeof(T))), extents(n)};
  }
  /// A piece without a shape: what an op needs while it runs. Null on a plan.
  PRETEXT_APART constexpr std::byte* take_bytes(std::size_t bytes) {
    const std::size_t offset = used_;
    used_ += (bytes + 63) / 64 * 64;
    return grown() ? block_ + offset : nullptr;
  }
  template <class T>
  constexpr tensor_view<T> take_far(const extents& e) {
    return {as<T>(take_far_bytes(static_cast<std::size_t>(e.size()) * sizeof(T))), e};
  }
  /// Plans a piece that is given back at once.
  PRETEXT_APART constexpr void plan_bytes(std::size_t bytes) {
    take_bytes(bytes);
    used_ -= (bytes + 63) / 64 * 64;
  }

  constexpr std::size_t used() const { return used_; }
  constexpr std::size_t peak() const { return peak_; }
  constexpr std::size_t capacity() const { return capacity_; }
  constexpr bool planning() const { return block_ == nullptr; }
  constexpr void release(std::size_t mark) { used_ = mark; }
  constexpr std::size_t far_used() const { return far_; }
  constexpr void release_far(std::size_t mark) { far_ = mark; }

  /// Gives back, at the end of a block, everything taken inside it, at both ends.
  class scope {
   public:
    constexpr explicit scope(workspace& w) : memory_(w), mark_(w.used()), far_mark_(w.far_used()) {}
    constexpr ~scope() {
      memory_.release(mark_);
      memory_.release_far(far_mark_);
    }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

   private:
    workspace& memory_;
    std::size_t mark_, far_mark_;
  };

 private:
  /// Takes note of a new piece; whether there is memory for it, which a plan has not.
  constexpr bool grown() {
    peak_ = std::max(peak_, used_ + far_);
    if (block_ == nullptr) return false;
    if (used_ + far_ > capacity_)
      throw_error("memory.100", "this step needs more memory than was planned; plan the trainer for the largest batch");
    return true;
  }
  PRETEXT_APART constexpr std::byte* take_far_bytes(std::size_t bytes) {
    far_ += (bytes + 63) / 64 * 64;
    return grown() ? block_ + (capacity_ - far_) : nullptr;
  }
  template <class T>
  static constexpr T* as(std::byte* piece) {
    return piece == nullptr ? nullptr : reinterpret_cast<T*>(piece);
  }
  PRETEXT_APART constexpr std::byte* take_elements(const extents& e, std::size_t each) {
    return take_bytes(static_cast<std::size_t>(e.size()) * each);
  }

  std::byte* block_ = nullptr;
  std::size_t capacity_ = std::numeric_limits<std::size_t>::max();
  std::size_t used_ = 0;
  std::size_t far_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace pretext
