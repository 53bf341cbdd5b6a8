// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "../../config.hpp"
#include "../../core/bfloat16.hpp"
#include "../../core/index.hpp"
#include "../../core/tensor.hpp"

/// Kernels as programs of a block, which a GPU or the host can run (docs/design/cuda.md). A kernel is a struct with
///   threads, shared, state                          block size; what a block shares; what a thread keeps across barriers
///   template <class Block> void run(Block&) const   the program
/// A block has `number` and
///   alone(f)                    f(thread, state&) for every thread: global memory and its own state
///   each(f)                     f(thread, state&, shared&) for every thread, then a barrier
///   look(f)                     f(thread, state&, const shared&) for every thread, without a barrier; before the next `each` stands wait()
///   warp_reduce(get, combine)   get(state&) becomes, in all threads of a warp, its combination along a fixed tree; warp_reduce<4> in
///                               groups of four neighbours
///   warp_mma(get)               c += a b by the tensor cores on the registers that get(state&) names (mma_registers)
///   block_reduce(get, combine)  the same for the block
///   once(f)                     f(), computed by one thread and known to all
///   expect(condition)           stops everything where it does not hold: what must not go on and cannot throw
/// Code between these calls is the same for all threads of a block.

/// A function of a kernel: device code for nvcc, host code for any other compiler.
#if defined(__CUDACC__)
#define PRETEXT_DEVICE __device__ __forceinline__
#else
#define PRETEXT_DEVICE inline
#endif

namespace pretext::backend::blocks {

inline constexpr int warp = 32;

struct nothing {};

/// As constants: a function of the standard library is none of the device.
template <class T>
inline constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
inline constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();

/// 16 bytes of numbers: one access of memory.
template <class T>
struct alignas(16) pack {
  static constexpr int size = sizeof(T) < 16 ? 16 / static_cast<int>(sizeof(T)) : 1;
  T value[size];
};
template <class T>
inline constexpr int pack_size = pack<T>::size;

/// W numbers from p: with W = pack_size one access, for which p must be aligned to 16 bytes.
template <int W, class T>
PRETEXT_DEVICE void load(const T* p, T (&v)[W]) {
  if constexpr (W == pack_size<T> && W > 1) {
    const pack<T> all = *reinterpret_cast<const pack<T>*>(p);
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) v[k] = all.value[k];
  } else {
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) v[k] = p[k];
  }
}
template <int W, class T>
PRETEXT_DEVICE void store(T* p, const T (&v)[W]) {
  if constexpr (W == pack_size<T> && W > 1) {
    pack<T> all;
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) all.value[k] = v[k];
    *reinterpret_cast<pack<T>*>(p) = all;
  } else {
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) p[k] = v[k];
  }
}

/// Whether rows of `columns` numbers at p can be read in packs: asked on the host, once a launch. A null pointer is.
template <class T>
bool in_packs(index_t columns, const T* p) {
  return columns % pack_size<T> == 0 && reinterpret_cast<std::size_t>(p) % 16 == 0;
}
template <class T, class... More>
bool in_packs(index_t columns, const T* p, const More*... more) {
  return in_packs(columns, p) && (in_packs(columns, more) && ...);
}

/// Two bfloat16 in a register, the first in the lower half.
PRETEXT_DEVICE std::uint32_t pair_of_bfloat16(float first, float second) {
#if defined(__CUDA_ARCH__)
  std::uint32_t both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
  return both;
#else
  return bfloat16_from_float(first) | static_cast<std::uint32_t>(bfloat16_from_float(second)) << 16;
#endif
}

/// The registers of a lane in a product of matrices of bfloat16, 16 x 16 by 16 x 8, summed in float. With g = lane / 4, q = lane % 4:
///   a[r]  a(g + 8 (r % 2), 2 q + 8 (r / 2)) and the next of its row      b[r]  b(2 q + 8 r, g) and the next of its column
///   c[r]  c(g + 8 (r / 2), 2 q + r % 2)
/// source  PTX ISA, mma.m16n8k16
struct mma_registers {
  const std::uint32_t (&a)[4];
  const std::uint32_t (&b)[2];
  float (&c)[4];
};

/// Four matrices of 8 x 8 bfloat16 in shared memory, each a register of a lane: (g, 2 q) and the next of its row; `Across`: (2 q, g) and
/// the next of its column. `tile` is 16 x 16 with `stride` numbers a row; the matrices stand in it as 0 2 / 1 3.
/// source  PTX ISA, ldmatrix.x4
template <bool Across>
PRETEXT_DEVICE void load_matrices(const std::uint16_t* tile, int stride, int lane, std::uint32_t (&to)[4]) {
#if defined(__CUDA_ARCH__)
  const auto at = static_cast<std::uint32_t>(__cvta_generic_to_shared(tile + lane % 16 * stride + lane / 16 * 8));
  if constexpr (Across)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(at));
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(at));
#else
  for (int m = 0; m < 4; ++m) {
    const std::uint16_t* matrix = tile + m % 2 * 8 * stride + m / 2 * 8;
    const int g = lane / 4, q = lane % 4;
    const std::uint16_t first = Across ? matrix[2 * q * stride + g] : matrix[g * stride + 2 * q];
    const std::uint16_t second = Across ? matrix[(2 * q + 1) * stride + g] : matrix[g * stride + 2 * q + 1];
    to[m] = first | static_cast<std::uint32_t>(second) << 16;
  }
#endif
}

struct plus {
  template <class V>
  PRETEXT_DEVICE V operator()(const V& a, const V& b) const {
    return a + b;
  }
};
struct greater_of {
  template <class V>
  PRETEXT_DEVICE V operator()(const V& a, const V& b) const {
    return a > b ? a : b;
  }
};

/// In which order the host executor runs blocks, and the threads of a block: results must not depend on it.
enum class block_order { forward, backward, odd_first, even_first_backward };

#if !defined(__CUDACC__)

/// One block of a kernel on the host: what a barrier separates runs for all threads before what follows it.
template <class Kernel>
class host_block {
  using state = typename Kernel::state;
  using shared_type = typename Kernel::shared;

 public:
  static constexpr int threads = Kernel::threads;

 private:
  static_assert(std::is_trivially_copyable_v<state> && std::is_trivially_default_constructible_v<state> &&
                    std::is_trivially_copyable_v<shared_type> && std::is_trivially_default_constructible_v<shared_type>,
                "what threads keep and share is not initialised on a device");
  static_assert(threads % warp == 0 && threads <= 1024, "a block has whole warps, at most 32");
  static_assert(sizeof(shared_type) <= 47 * 1024, "what a block shares must fit beside the memory of its reductions");

 public:
  index_t number = 0;

  host_block(index_t n, block_order order, void* states, void* shared)
      : number(n), order_(order), states_(static_cast<state*>(states)), shared_(static_cast<shared_type*>(shared)) {
    // All bits set: a NaN, and an index far outside. Nobody may rely on what is there.
    std::memset(states, 0xFF, sizeof(state) * threads);
    std::memset(shared, 0xFF, sizeof(shared_type));
  }
  template <class F>
  void alone(const F& f) {
    for (int k = 0; k < threads; ++k) {
      const int t = in_order(k, threads, order_);
      f(t, states_[t]);
    }
  }
  template <class F>
  void look(const F& f) {
    for (int k = 0; k < threads; ++k) {
      const int t = in_order(k, threads, order_);
      f(t, states_[t], static_cast<const shared_type&>(*shared_));
    }
    looked_ = true;
  }
  void wait() { looked_ = false; }
  template <class F>
  void each(const F& f) {
    expects(!looked_, "backend.111", "a kernel may write to shared memory that other threads still look at: wait() is missing");
    for (int k = 0; k < threads; ++k) {
      const int t = in_order(k, threads, order_);
      f(t, states_[t], *shared_);
    }
  }
  template <int Lanes = warp, class Get, class Combine>
  void warp_reduce(const Get& get, const Combine& combine) {
    for (int w = 0; w < threads; w += Lanes) butterfly<Lanes>(w, get, combine);
  }
  template <class Get>
  void warp_mma(const Get& get) {
    const auto widened = [](std::uint32_t both, int half) { return float_from_bfloat16(static_cast<std::uint16_t>(both >> 16 * half)); };
    for (int w = 0; w < threads; w += warp) {
      float a[16][16], b[16][8];
      for (int lane = 0; lane < warp; ++lane) {
        const mma_registers own = get(states_[w + lane]);
        const int g = lane / 4, q = lane % 4;
        for (int half = 0; half < 2; ++half) {
          for (int r = 0; r < 4; ++r) a[g + 8 * (r % 2)][2 * q + 8 * (r / 2) + half] = widened(own.a[r], half);
          for (int r = 0; r < 2; ++r) b[2 * q + 8 * r + half][g] = widened(own.b[r], half);
        }
      }
      for (int lane = 0; lane < warp; ++lane) {
        const mma_registers own = get(states_[w + lane]);
        for (int r = 0; r < 4; ++r)
          for (int k = 0; k < 16; ++k) own.c[r] += a[lane / 4 + 8 * (r / 2)][k] * b[k][2 * (lane % 4) + r % 2];
      }
    }
  }
  template <class Get, class Combine>
  void block_reduce(const Get& get, const Combine& combine) {
    warp_reduce(get, combine);
    auto all = get(states_[0]);
    for (int w = warp; w < threads; w += warp) all = combine(all, get(states_[w]));
    for (int t = 0; t < threads; ++t) get(states_[t]) = all;
  }
  template <class F>
  auto once(const F& f) const {
    return f();
  }
  void expect(bool holds) const { expects(holds, "backend.111", "a kernel found what it was not launched for"); }
  /// Position k of n in an order: itself, from behind, or the odd and the even ones one after the other.
  static index_t in_order(index_t k, index_t n, block_order order) {
    switch (order) {
      case block_order::forward: return k;
      case block_order::backward: return n - 1 - k;
      case block_order::odd_first: return k < n / 2 ? 2 * k + 1 : 2 * (k - n / 2);
      default: break;
    }
    const index_t even = (n + 1) / 2;
    return k < even ? 2 * (even - 1 - k) : 2 * (n - 1 - k) + 1;
  }
  static int in_order(int k, int n, block_order order) { return static_cast<int>(in_order(index_t{k}, index_t{n}, order)); }

 private:
  template <int Lanes, class Get, class Combine>
  void butterfly(int first, const Get& get, const Combine& combine) {
    using V = std::remove_cvref_t<decltype(get(states_[0]))>;
    for (int o = Lanes / 2; o > 0; o /= 2) {
      V was[Lanes];
      for (int t = 0; t < Lanes; ++t) was[t] = get(states_[first + t]);
      for (int t = 0; t < Lanes; ++t) get(states_[first + t]) = combine(was[t], was[t ^ o]);
    }
  }
  block_order order_;
  bool looked_ = false;
  state* states_;
  shared_type* shared_;
};

/// Runs kernels on the host, block by block and thread by thread.
class host_executor {
 public:
  explicit host_executor(block_order order = block_order::forward) : order_(order) {}
  block_order order() const { return order_; }

  template <class Kernel>
  void launch(const Kernel& kernel, index_t blocks) {
    static_assert(std::is_trivially_copyable_v<Kernel> && sizeof(Kernel) <= 4000, "a kernel travels to the device as bytes");
    static_assert(sizeof(typename Kernel::state) * Kernel::threads <= room, "the state of a block is too large");
    for (index_t k = 0; k < blocks; ++k) {
      host_block<Kernel> block(host_block<Kernel>::in_order(k, blocks, order_), order_, states_.data(), shared_.data());
      kernel.run(block);
    }
  }

 private:
  static constexpr index_t room = 512 * 1024;
  block_order order_;
  buffer<std::byte> states_{room}, shared_{48 * 1024};
};

#endif

}  // namespace pretext::backend::blocks
