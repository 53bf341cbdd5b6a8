// SPDX-License-Identifier: BSD-3-Clause
// opt-in: ops of the CUDA back end
#pragma once

#include "block_call.hpp"
#include "sample_kernel.hpp"

namespace pretext::backend::detail {

/// Writers are values: what they point at lies in the memory of the back end.
template <class Executor>
struct block_samples {
  using call_type = block_call<Executor>;

  template <class W>
  static index_t scratch(op::for_each_sample_op, const W& writer, index_t count) {
    using kernel = kernel_for<W>;
    return device_bytes<float>(places<W>(kernel::blocks_for(count)) * each(writer));
  }
  template <class W>
  static void run(op::for_each_sample_op, const call_type& call, const W& writer, index_t count) {
    using kernel = kernel_for<W>;
    const index_t blocks = kernel::blocks_for(count);
    call.launch(kernel{writer, call.template scratch<float>(), each(writer), count, blocks}, blocks);
  }

 private:
  // Does the writer share its work among threads? It says so by itself: what a GPU lacks is then said by it, too.
  template <class W>
  static constexpr bool shares = requires { requires W::shares_work; };
  template <class W>
  using kernel_for = std::conditional_t<shares<W>, blocks::shared_sample_kernel<W>, blocks::sample_kernel<W>>;
  template <class W>
  static constexpr index_t places(index_t blocks) {
    return shares<W> ? blocks : blocks * blocks::sample_kernel<W>::threads;
  }
  template <class W>
  static constexpr index_t each(const W& writer) {
    return round_up(writer.scratch_floats, 16);
  }
};

}  // namespace pretext::backend::detail
