// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cuda_runtime.h>

#include <new>
#include <type_traits>

#include "block.hpp"

namespace pretext::backend::blocks {

/// One block of a kernel on the device: phases are the body for the own thread, the state lies in registers, reductions are shuffles
/// along the tree that host_block follows.
template <class Kernel>
class device_block {
  using state = typename Kernel::state;
  using shared_type = typename Kernel::shared;

 public:
  static constexpr int threads = Kernel::threads;
  index_t number;

  __device__ __forceinline__ explicit device_block(shared_type& s) : number(blockIdx.x), shared_(s) {}
  template <class F>
  __device__ __forceinline__ void alone(const F& f) {
    f(static_cast<int>(threadIdx.x), own_);
  }
  template <class F>
  __device__ __forceinline__ void each(const F& f) {
    f(static_cast<int>(threadIdx.x), own_, shared_);
    __syncthreads();
  }
  template <class F>
  __device__ __forceinline__ void look(const F& f) {
    f(static_cast<int>(threadIdx.x), own_, static_cast<const shared_type&>(shared_));
  }
  __device__ __forceinline__ void wait() { __syncthreads(); }
  template <class Get>
  __device__ __forceinline__ void warp_mma(const Get& get) {
    const mma_registers r = get(own_);
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(r.c[0]), "+f"(r.c[1]), "+f"(r.c[2]), "+f"(r.c[3])
                 : "r"(r.a[0]), "r"(r.a[1]), "r"(r.a[2]), "r"(r.a[3]), "r"(r.b[0]), "r"(r.b[1]));
  }
  template <int Lanes = warp, class Get, class Combine>
  __device__ __forceinline__ void warp_reduce(const Get& get, const Combine& combine) {
    auto& value = get(own_);
    static_assert(std::is_arithmetic_v<std::remove_reference_t<decltype(value)>>, "a shuffle moves numbers");
    PRETEXT_UNROLL
    for (int o = Lanes / 2; o > 0; o /= 2) value = combine(value, __shfl_xor_sync(0xFFFFFFFFu, value, o));
  }
  template <class Get, class Combine>
  __device__ __forceinline__ void block_reduce(const Get& get, const Combine& combine) {
    using V = std::remove_reference_t<decltype(get(own_))>;
    constexpr int warps = Kernel::threads / warp;
    __shared__ V of_warp[warps];
    warp_reduce(get, combine);
    if (threadIdx.x % warp == 0) of_warp[threadIdx.x / warp] = get(own_);
    __syncthreads();
    V all = of_warp[0];
    for (int w = 1; w < warps; ++w) all = combine(all, of_warp[w]);
    get(own_) = all;
    __syncthreads();
  }
  template <class F>
  __device__ __forceinline__ const auto& once(const F& f) {
    using V = decltype(f());
    static_assert(std::is_trivially_copyable_v<V>, "what all threads know is copied as bytes");
    __shared__ alignas(16) unsigned char place[sizeof(V)];
    __syncthreads();  // somebody may still read what stood here
    if (threadIdx.x == 0) ::new (static_cast<void*>(place)) V(f());
    __syncthreads();
    return *reinterpret_cast<const V*>(place);
  }
  __device__ __forceinline__ void expect(bool holds) const {
    if (!holds) __trap();
  }

 private:
  state own_;
  shared_type& shared_;
};

/// For how many blocks on a processor at once registers must suffice: what a kernel says in `min_blocks`. With 1 ptxas takes what it needs
/// and spills nothing to make room for more.
template <class Kernel>
constexpr int least_blocks() {
  if constexpr (requires { Kernel::min_blocks; })
    return Kernel::min_blocks;
  else
    return 1;
}

/// The one function of the device: every kernel is an argument of it.
template <class Kernel>
__global__ void __launch_bounds__(Kernel::threads, least_blocks<Kernel>()) run_blocks_of(const __grid_constant__ Kernel kernel) {
  __shared__ typename Kernel::shared shared;
  device_block<Kernel> block(shared);
  kernel.run(block);
}

/// Launches kernels on a stream. Keeps the first status that was no success, for whoever knows the name of the op.
class device_executor {
 public:
  explicit device_executor(cudaStream_t stream) : stream_(stream) {}

  template <class Kernel>
  void launch(const Kernel& kernel, index_t blocks) {
    static_assert(std::is_trivially_copyable_v<Kernel> && sizeof(Kernel) <= 4000, "a kernel travels to the device as bytes");
    static_assert(
        std::is_trivially_default_constructible_v<typename Kernel::state> && std::is_trivially_default_constructible_v<typename Kernel::shared>,
        "what threads keep and share is not initialised on a device");
    if (blocks > index_t{0x7FFFFFFF}) {
      note(cudaErrorInvalidConfiguration);
      return;
    }
    run_blocks_of<Kernel><<<static_cast<unsigned>(blocks), static_cast<unsigned>(Kernel::threads), 0, stream_>>>(kernel);
    note(cudaGetLastError());
  }
  void note(cudaError_t status) {
    if (status_ == cudaSuccess) status_ = status;
  }
  /// The status since the last call.
  cudaError_t take_status() {
    const cudaError_t s = status_;
    status_ = cudaSuccess;
    return s;
  }
  cudaStream_t stream() const { return stream_; }

 private:
  cudaStream_t stream_;
  cudaError_t status_ = cudaSuccess;
};

}  // namespace pretext::backend::blocks
