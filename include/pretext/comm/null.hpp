// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../core/tensor.hpp"

/// How ranks that share a batch exchange numbers. A communicator has rank(), size(), all_reduce_sum, all_gather, barrier.
/// docs/policies/communicator.md: write your own.
namespace pretext::comm {

/// One rank: nothing to exchange.
struct null {
  static constexpr bool is_single = true;
  static constexpr int rank() { return 0; }
  static constexpr int size() { return 1; }
  template <class T>
  static constexpr void all_reduce_sum(tensor_view<T>) {}
  /// whole = the parts of all ranks in rank order; with one rank the same memory serves for both
  template <class T>
  static constexpr void all_gather(tensor_view<const T>, tensor_view<T>) {}
  static constexpr void barrier() {}
};

}  // namespace pretext::comm
