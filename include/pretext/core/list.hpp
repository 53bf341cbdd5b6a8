// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "../config.hpp"

namespace pretext {

/// Owns elements that have a default value. What std::vector does, in so few functions that a type of element costs a
/// compiler half or less: the place of elements in use inside the library, where no vector of the type exists anyway.
/// What users hand over or are given are std::vector.
template <class T>
class list {
 public:
  constexpr list() = default;
  /// `n` elements of their default value.
  PRETEXT_COLD constexpr explicit list(std::size_t n) : at_(n == 0 ? nullptr : new T[n]()), size_(n), room_(n) {}
  constexpr list(list&& o) noexcept { swap(o); }
  constexpr list& operator=(list&& o) noexcept {
    swap(o);
    return *this;
  }
  PRETEXT_COLD constexpr ~list() { delete[] at_; }

  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T* data() { return at_; }
  constexpr const T* data() const { return at_; }
  constexpr T* begin() { return at_; }
  constexpr T* end() { return at_ + size_; }
  constexpr const T* begin() const { return at_; }
  constexpr const T* end() const { return at_ + size_; }
  constexpr T& operator[](std::size_t i) { return at_[i]; }
  constexpr const T& operator[](std::size_t i) const { return at_[i]; }
  constexpr T& back() { return at_[size_ - 1]; }

  /// One more element, of its default value.
  constexpr T& add() {
    if (size_ == room_) grow();
    return at_[size_++];
  }
  /// Keeps the first `n` elements.
  constexpr void cut(std::size_t n) {
    while (size_ > n) at_[--size_] = T();
  }

 private:
  constexpr void swap(list& o) {
    std::swap(at_, o.at_);
    std::swap(size_, o.size_);
    std::swap(room_, o.room_);
  }
  PRETEXT_COLD constexpr void grow() {
    list more(room_ == 0 ? 4 : 2 * room_);
    for (std::size_t i = 0; i < size_; ++i) more.at_[i] = std::move(at_[i]);
    more.size_ = size_;
    swap(more);
  }

  T* at_ = nullptr;
  std::size_t size_ = 0, room_ = 0;
};

template <class T>
constexpr std::span<const T> view_of(const list<T>& l) {
  return {l.data(), l.size()};
}

}  // namespace pretext
