// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "block_ops.hpp"
#include "dense_products.cuh"
#include "device_executor.cuh"

namespace pretext::backend {

/// Kernels on a GPU (docs/design/cuda.md). Tensors, step_inputs and everything else that an op names by address lie in memory of the
/// device. Ops are queued on a stream, one after the other; none waits, none allocates. Dense: who multiplies dense matrices.
/// errors  pretext[backend.110] a call of CUDA failed, with the op and its sizes; pretext[backend.111] the device reports an error when
///         somebody waits for it; pretext[backend.112] (of the compiler) an op that it does not have
/// repeat  the same bits on every device of one architecture, whatever else runs there
template <class Dense = dense_products>
class cuda {
  struct executor : blocks::device_executor {
    Dense dense;
    explicit executor(cudaStream_t s) : device_executor(s) {}
    template <class T>
    bool multiply(const blocks::dense_product<T>& p) {
      return dense.run(p, this->stream());
    }
  };

 public:
  static constexpr const char* name = "cuda";
  using native_ops = detail::block_native_ops;

  /// On a stream of its own.
  cuda() : cuda(new_stream()) { owns_stream_ = true; }
  /// On the caller's stream, which must outlive the back end.
  explicit cuda(cudaStream_t stream) : executor_(stream) {}
  cuda(const cuda&) = delete;
  cuda& operator=(const cuda&) = delete;
  ~cuda() {
    if (owns_stream_) cudaStreamDestroy(executor_.stream());
  }

  template <class Op, class... A>
  static constexpr bool runs_natively = native_ops::template contains<op::exact_op<Op>>;

  template <class Op, class... A>
  void run(Op, workspace& memory, const A&... a) {
    static_assert(runs_natively<Op, A...>, "pretext[backend.112] cuda has no kernel for this op yet; `Op` in the next lines names it");
    if constexpr (runs_natively<Op, A...>) {
      detail::run_blocks(executor_, Op{}, memory, a...);
      last_op_ = Op::name;
      const cudaError_t status = executor_.take_status();
      if (status != cudaSuccess) fail("backend.110", status, sizes(a...));
      if (checks_each_) {
        const cudaError_t then = cudaStreamSynchronize(executor_.stream());
        if (then != cudaSuccess) fail("backend.111", then, sizes(a...));
      }
    }
  }
  /// Memory an op takes from the workspace while it runs; looks at extents only.
  template <class Op, class... A>
  static std::size_t scratch_bytes(Op, const A&... a) {
    return detail::block_scratch<executor>(Op{}, a...);
  }

  /// Waits for everything that was queued. Here an error of the device shows.
  void synchronise() {
    const cudaError_t status = cudaStreamSynchronize(executor_.stream());
    if (status != cudaSuccess) fail("backend.111", status, {});
  }
  /// Waits after every op, to find the one behind an error.
  void check_each(bool now = true) { checks_each_ = now; }
  cudaStream_t stream() const { return executor_.stream(); }
  static constexpr int threads() { return 1; }

 private:
  static cudaStream_t new_stream() {
    cudaStream_t s = nullptr;
    detail::cuda_expects(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    return s;
  }
  template <class... A>
  PRETEXT_COLD static std::string sizes(const A&... a) {
    std::string text;
    const auto add = [&](const auto& v) {
      if constexpr (requires { v.shape.rank; }) {
        text += " (";
        for (int i = 0; i < v.shape.rank; ++i) append(text, {i > 0 ? ", " : "", v.shape[i]});
        text += ")";
      }
    };
    (add(a), ...);
    return text;
  }
  [[noreturn]] PRETEXT_COLD void fail(std::string_view id, cudaError_t status, const std::string& of_sizes) const {
    throw_error(id, {"cuda: ", cudaGetErrorName(status), " (", cudaGetErrorString(status), ") at the op ", last_op_, of_sizes,
                     checks_each_ || !of_sizes.empty() ? "" : " or before it; check_each() finds the op", "; see docs/errors/backend.md"});
  }

  executor executor_;
  bool owns_stream_ = false, checks_each_ = false;
  std::string_view last_op_ = "none";
};

}  // namespace pretext::backend
