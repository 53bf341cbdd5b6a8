// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "shape.hpp"

namespace pretext {

/// p + n, and null where p is null: views of planned but absent memory stay valid in constant evaluation.
template <class T>
constexpr T* advance(T* p, index_t n) {
  return p == nullptr ? nullptr : p + n;
}

/// A dense tensor somebody else owns: a pointer and run-time extents, last extent contiguous, no gaps.
/// `tensor_view<const T>` is an input of an op, `tensor_view<T>` an output.
template <class T>
struct tensor_view {
  using value_type = std::remove_const_t<T>;

  T* data = nullptr;
  extents shape;

  PRETEXT_HOST_DEVICE constexpr index_t size() const { return shape.size(); }
  PRETEXT_HOST_DEVICE constexpr index_t extent(int i) const { return shape[i]; }
  PRETEXT_HOST_DEVICE constexpr int rank() const { return shape.rank; }
  /// As a matrix: the last extent is the columns, all others are the rows.
  PRETEXT_HOST_DEVICE constexpr index_t columns() const { return shape.last(); }
  PRETEXT_HOST_DEVICE constexpr index_t rows() const { return shape.rows(); }
  PRETEXT_APART constexpr tensor_view reshape(const extents& e) const {
    expects(e.size() == size(), "shape.102", "a reshape has to keep the number of elements");
    return {data, e};
  }
  constexpr tensor_view matrix() const { return {data, extents(rows(), columns())}; }
  constexpr tensor_view flat() const { return {data, extents(size())}; }
  /// Samples [begin, end) along the first extent.
  PRETEXT_APART constexpr tensor_view slice(index_t begin, index_t end) const {
    expects(0 <= begin && begin <= end && end <= shape[0], "shape.121", "a slice reaches outside its tensor");
    extents e = shape;
    const index_t stride = shape[0] == 0 ? 0 : size() / shape[0];
    e[0] = end - begin;
    return {advance(data, begin * stride), e};
  }
  PRETEXT_HOST_DEVICE constexpr T& operator[](index_t i) const { return data[i]; }
  PRETEXT_HOST_DEVICE constexpr T& operator()(index_t row, index_t column) const { return data[row * columns() + column]; }
  PRETEXT_HOST_DEVICE constexpr T* begin() const { return data; }
  PRETEXT_HOST_DEVICE constexpr T* end() const { return data + size(); }
  template <class U>
    requires(std::is_same_v<U, const T> && !std::is_const_v<T>)
  constexpr operator tensor_view<U>() const {
    return {data, shape};
  }
  PRETEXT_HOST_DEVICE constexpr explicit operator bool() const { return data != nullptr; }
};

template <class T>
constexpr tensor_view<const T> as_const(tensor_view<T> v) {
  return v;
}

/// Owns 64-byte aligned host memory, zeroed. Movable, not copyable.
template <class T>
class buffer {
 public:
  static_assert(std::is_trivially_copyable_v<T>);
  buffer() = default;
  explicit buffer(index_t size) : data_(size == 0 ? nullptr : allocate(size)), size_(size) {}
  buffer(buffer&& o) noexcept : data_(std::exchange(o.data_, nullptr)), size_(std::exchange(o.size_, 0)) {}
  buffer& operator=(buffer&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(size_, o.size_);
    return *this;
  }
  ~buffer() { ::operator delete(data_, std::align_val_t{64}); }

  T* data() const { return data_; }
  index_t size() const { return size_; }
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  tensor_view<T> view() const { return {data_, extents(size_)}; }
  T& operator[](index_t i) const { return data_[i]; }
  T* begin() const { return data_; }
  T* end() const { return data_ + size_; }

 private:
  static T* allocate(index_t size) {
    T* p = static_cast<T*>(::operator new(static_cast<std::size_t>(size) * sizeof(T), std::align_val_t{64}));
    for (index_t i = 0; i < size; ++i) ::new (static_cast<void*>(p + i)) T{};
    return p;
  }
  T* data_ = nullptr;
  index_t size_ = 0;
};

}  // namespace pretext
