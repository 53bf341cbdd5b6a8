// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cuda_runtime.h>

#include <type_traits>
#include <utility>

#include "../../core/tensor.hpp"

namespace pretext::backend {

namespace detail {
[[noreturn]] PRETEXT_COLD inline void throw_cuda(cudaError_t status, std::string_view call) {
  throw_error("backend.110", {"cuda: ", call, " failed: ", cudaGetErrorString(status), "; see docs/errors/backend.md"});
}
inline void cuda_expects(cudaError_t status, std::string_view call) {
  if (status != cudaSuccess) throw_cuda(status, call);
}
}  // namespace detail

/// Owns device memory, zeroed. Movable, not copyable. Copies wait for the stream they are given, so none belongs into a step.
/// errors  pretext[backend.110] with the name of the call of CUDA that failed
template <class T>
class device_buffer {
 public:
  static_assert(std::is_trivially_copyable_v<T>);
  device_buffer() = default;
  explicit device_buffer(index_t size) : size_(size) {
    if (size == 0) return;
    detail::cuda_expects(cudaMalloc(&data_, bytes()), "cudaMalloc");
    detail::cuda_expects(cudaMemset(data_, 0, bytes()), "cudaMemset");
  }
  device_buffer(device_buffer&& o) noexcept : data_(std::exchange(o.data_, nullptr)), size_(std::exchange(o.size_, 0)) {}
  device_buffer& operator=(device_buffer&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(size_, o.size_);
    return *this;
  }
  ~device_buffer() { cudaFree(data_); }

  T* data() const { return static_cast<T*>(data_); }
  index_t size() const { return size_; }
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  tensor_view<T> view() const { return {data(), extents(size_)}; }

  void upload(const T* from, cudaStream_t stream = nullptr) const { copy(data_, from, cudaMemcpyHostToDevice, stream); }
  void download(T* to, cudaStream_t stream = nullptr) const { copy(to, data_, cudaMemcpyDeviceToHost, stream); }

 private:
  void copy(void* to, const void* from, cudaMemcpyKind kind, cudaStream_t stream) const {
    if (size_ == 0) return;
    detail::cuda_expects(cudaMemcpyAsync(to, from, bytes(), kind, stream), "cudaMemcpyAsync");
    detail::cuda_expects(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  }
  void* data_ = nullptr;
  index_t size_ = 0;
};

}  // namespace pretext::backend
