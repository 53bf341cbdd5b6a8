// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for tests of the kernels of the CUDA back end on a machine without a GPU
#pragma once

#include "../reference/reference.hpp"
#include "block_ops.hpp"

namespace pretext::backend {

/// The kernels of `cuda`, run by plain C++, block by block and thread by thread, in memory of the host: for tests, and slow. Memory that
/// a kernel must not rely on holds NaN. `order` is that of blocks and threads; the same bits in each of the four are what a test asks for.
/// What `cuda` runs by a library (dense products) is its own kernel here.
class cuda_on_host {
 public:
  static constexpr const char* name = "cuda_on_host";
  using native_ops = detail::block_native_ops;

  explicit cuda_on_host(int order = 0) : executor_(static_cast<blocks::block_order>(order % 4)) {}
  /// Its own buffers, the same order.
  cuda_on_host(const cuda_on_host& o) : executor_(o.executor_.order()) {}
  cuda_on_host& operator=(const cuda_on_host&) = delete;

  template <class Op, class... A>
  static constexpr bool runs_natively = native_ops::template contains<op::exact_op<Op>>;

  template <class Op, class... A>
  void run(Op op, workspace& memory, const A&... a) {
    if constexpr (runs_natively<Op, A...>)
      detail::run_blocks(executor_, op, memory, a...);
    else
      reference().run(op, memory, a...);
  }
  /// Memory an op takes from the workspace while it runs; looks at extents only.
  template <class Op, class... A>
  static std::size_t scratch_bytes(Op op, const A&... a) {
    if constexpr (runs_natively<Op, A...>)
      return detail::block_scratch<blocks::host_executor>(op, a...);
    else
      return reference::scratch_bytes(op, a...);
  }
  static constexpr int threads() { return 1; }

 private:
  blocks::host_executor executor_;
};

}  // namespace pretext::backend
