// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "../../core/master.hpp"
#include "../../core/tensor.hpp"
#include "../../core/thread_pool.hpp"
#include "vector_ops.hpp"

/// From ops to kernels. Each group of ops is a struct over Arch with
///   static void run(Op, const simd_call&, args...)        the arguments as the reference takes them
///   static index_t scratch(Op, int threads, args...)      bytes the op needs; looks at extents only; absent: none
namespace pretext::backend::detail {

namespace kernel = pretext::simd;

/// What vectors hold; ops on anything else fall back to the reference.
template <class T>
concept lane_value = std::is_same_v<T, float> || std::is_same_v<T, double>;

/// What maps may be stored as: their elements are computed in lanes of master_t<S>.
template <class S>
concept stored_value = lane_value<master_t<S>>;
/// X, const or not, is storage of lanes T.
template <class X, class T>
concept stored_in = std::is_same_v<master_t<std::remove_const_t<X>>, T>;

/// A second map stored like one whose elements are X.
template <class X>
using stored_as = tensor_view<const std::remove_const_t<X>>;

/// Where one op runs: the threads, and its scratch.
struct simd_call {
  thread_pool& pool;
  void* memory;

  template <class T>
  T* scratch() const {
    return static_cast<T*>(memory);
  }
};

template <class T>
constexpr index_t bytes_of(index_t elements) {
  return elements * static_cast<index_t>(sizeof(T));
}

/// Rows a thread takes at once: about 64 KiB of floats. From the width alone.
constexpr index_t rows_at_once(index_t width) { return ceil_div(16384, width > 0 ? width : 1); }

/// The sum over a row of term(offset, lanes), vector by vector in order, then the lanes along a fixed tree.
template <class T, class Arch, class Term>
inline T sum_row(index_t width, const Term& term) {
  using O = kernel::vector_ops<T, Arch>;
  auto sum = O::zero();
  index_t c = 0;
  for (; c + O::width <= width; c += O::width) sum = sum + term(c, O::width);
  if (c < width) sum = sum + term(c, width - c);
  return O::sum(sum);
}

}  // namespace pretext::backend::detail
