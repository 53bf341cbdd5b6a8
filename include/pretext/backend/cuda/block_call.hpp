// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include <string_view>
#include <type_traits>

#include "../../core/workspace.hpp"
#include "../ops.hpp"
#include "block.hpp"

/// From ops to kernels. Each group of ops is a struct over the executor with
///   static void run(Op, const block_call<Executor>&, args...)   the arguments as the reference takes them
///   static index_t scratch(Op, args...)                         bytes the op needs; looks at extents only; absent: none
namespace pretext::backend::detail {

/// An input view whose element type follows from the output's.
template <class T>
using device_input = tensor_view<const std::type_identity_t<T>>;

/// Where one op runs, and its scratch.
template <class Executor>
struct block_call {
  Executor& executor;
  void* memory;

  template <class T>
  T* scratch() const {
    return static_cast<T*>(memory);
  }
  template <class Kernel>
  void launch(const Kernel& kernel, index_t blocks) const {
    if (blocks > 0) executor.launch(kernel, blocks);
  }
};

template <class T>
constexpr index_t device_bytes(index_t elements) {
  return round_up(elements * static_cast<index_t>(sizeof(T)), 64);
}

}  // namespace pretext::backend::detail
