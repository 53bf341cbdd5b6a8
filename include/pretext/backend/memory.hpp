// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/tensor.hpp"

/// Where a back end's tensors lie. A back end whose memory the host can neither read nor write (a GPU) says
///   static constexpr bool has_own_memory = true
///   void* allocate(std::size_t bytes)                        zeroed, aligned to 64 bytes; void deallocate(void*) noexcept
///   void upload(void* there, const void* here, bytes)        in the order of ops; `here` may change once it returns
///   void download(void* here, const void* there, bytes)      waits for everything before it
///   std::byte* stage(bytes), void send(void* there, bytes)   as upload, for a batch a step: writes into memory that no copy reads any
///                                                            more, then queues a copy of it
///   auto record(launches), void replay(const recording&)     runs launches() and returns what launches the same again, where
///                                                            `recording` is the type of that
/// Addresses of such memory may be moved and compared, never followed. All other back ends work in memory of the host.
namespace pretext::backend {

namespace detail {
template <class B>
constexpr bool says_own_memory() {
  if constexpr (requires { B::has_own_memory; })
    return B::has_own_memory;
  else
    return false;
}
}  // namespace detail

template <class B>
inline constexpr bool has_own_memory = detail::says_own_memory<B>();

/// Owns memory of a back end that has its own, zeroed. Movable, not copyable; the back end must outlive it.
template <class T, class B>
class own_buffer {
 public:
  static_assert(std::is_trivially_copyable_v<T>);
  own_buffer() = default;
  PRETEXT_COLD own_buffer(B& be, index_t size) : backend_(&be), size_(size) {
    if (size > 0) data_ = static_cast<T*>(be.allocate(bytes()));
  }
  own_buffer(own_buffer&& o) noexcept { swap(o); }
  own_buffer& operator=(own_buffer&& o) noexcept {
    swap(o);
    return *this;
  }
  PRETEXT_COLD ~own_buffer() {
    if (data_ != nullptr) backend_->deallocate(data_);
  }

  /// An address of the back end: not for the host to follow.
  T* data() const { return data_; }
  index_t size() const { return size_; }
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  tensor_view<T> view() const { return {data_, extents(size_)}; }
  void upload(const T* from) const {
    if (size_ > 0) backend_->upload(data_, from, bytes());
  }
  void download(T* to) const {
    if (size_ > 0) backend_->download(to, data_, bytes());
  }

 private:
  void swap(own_buffer& o) {
    std::swap(backend_, o.backend_);
    std::swap(data_, o.data_);
    std::swap(size_, o.size_);
  }
  B* backend_ = nullptr;
  T* data_ = nullptr;
  index_t size_ = 0;
};

/// What holds numbers where B works.
template <class T, class B>
using buffer_of = std::conditional_t<has_own_memory<B>, own_buffer<T, B>, buffer<T>>;

template <class T, class B>
buffer_of<T, B> make_buffer([[maybe_unused]] B& be, index_t size) {
  if constexpr (has_own_memory<B>)
    return own_buffer<T, B>(be, size);
  else
    return buffer<T>(size);
}

/// `size` numbers at an address of B for the host: themselves where it can reach them, else a copy of them, which put() writes back.
template <class T, class B>
class host_window {
 public:
  PRETEXT_COLD host_window([[maybe_unused]] B& be, T* there, index_t size) : data_(there) {
    if constexpr (has_own_memory<B>) {
      backend_ = &be;
      there_ = there;
      copy_ = buffer<T>(size);
      if (size > 0) be.download(copy_.data(), there, copy_.bytes());
      data_ = copy_.data();
    }
  }
  T* data() const { return data_; }
  PRETEXT_COLD void put() const {
    if constexpr (has_own_memory<B>)
      if (copy_.size() > 0) backend_->upload(there_, copy_.data(), copy_.bytes());
  }

 private:
  B* backend_ = nullptr;
  T *there_ = nullptr, *data_ = nullptr;
  buffer<T> copy_;
};

}  // namespace pretext::backend
