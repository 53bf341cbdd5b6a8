// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "block_ops.hpp"
#include "dense_products.cuh"
#include "device_executor.cuh"
#include "device_memory.cuh"

namespace pretext::backend {

/// Launches of a stream, captured once: a graph of CUDA, ready to be launched again.
class captured_launches {
 public:
  captured_launches() = default;
  explicit captured_launches(cudaGraphExec_t g) : graph_(g) {}
  captured_launches(captured_launches&& o) noexcept : graph_(std::exchange(o.graph_, nullptr)) {}
  captured_launches& operator=(captured_launches&& o) noexcept {
    std::swap(graph_, o.graph_);
    return *this;
  }
  ~captured_launches() {
    if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
  }
  cudaGraphExec_t graph() const { return graph_; }

 private:
  cudaGraphExec_t graph_ = nullptr;
};

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
    for (staging& s : staged_) {
      cudaFreeHost(s.data);
      if (s.copied != nullptr) cudaEventDestroy(s.copied);
    }
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
      if (checks_each_ && !recording_) {
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

  // Memory of its own (backend/memory.hpp).
  static constexpr bool has_own_memory = true;
  using recording = captured_launches;

  PRETEXT_COLD void* allocate(std::size_t bytes) {
    void* p = nullptr;
    detail::cuda_expects(cudaMalloc(&p, bytes), "cudaMalloc");
    detail::cuda_expects(cudaMemsetAsync(p, 0, bytes, stream()), "cudaMemsetAsync");
    return p;
  }
  PRETEXT_COLD void deallocate(void* p) noexcept { cudaFree(p); }  // waits for what uses it
  PRETEXT_COLD void upload(void* there, const void* here, std::size_t bytes) { copy(there, here, bytes, cudaMemcpyHostToDevice); }
  PRETEXT_COLD void download(void* here, const void* there, std::size_t bytes) { copy(here, there, bytes, cudaMemcpyDeviceToHost); }
  /// Two pieces of pinned memory take turns, so that the host fills one while the other is on its way.
  std::byte* stage(std::size_t bytes) {
    staging& s = staged_[turn_];
    if (s.copied == nullptr) detail::cuda_expects(cudaEventCreateWithFlags(&s.copied, cudaEventDisableTiming), "cudaEventCreateWithFlags");
    detail::cuda_expects(cudaEventSynchronize(s.copied), "cudaEventSynchronize");  // of an event that was never recorded: nothing
    if (s.bytes < bytes) {
      cudaFreeHost(std::exchange(s.data, nullptr));
      s.bytes = 0;
      detail::cuda_expects(cudaMallocHost(&s.data, bytes), "cudaMallocHost");
      s.bytes = bytes;
    }
    return static_cast<std::byte*>(s.data);
  }
  void send(void* there, std::size_t bytes) {
    staging& s = staged_[turn_];
    if (bytes > 0) detail::cuda_expects(cudaMemcpyAsync(there, s.data, bytes, cudaMemcpyHostToDevice, stream()), "cudaMemcpyAsync");
    detail::cuda_expects(cudaEventRecord(s.copied, stream()), "cudaEventRecord");
    turn_ = 1 - turn_;
  }
  /// Captures what launches() puts on the stream as a graph, and launches that. launches() may not wait or allocate; what it does so at
  /// its first time (choices of cuBLASLt) it must have done.
  template <class F>
  recording record(F&& launches) {
    detail::cuda_expects(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    recording_ = true;
    cudaGraph_t graph = nullptr;
    try {
      launches();
    } catch (...) {
      recording_ = false;
      if (cudaStreamEndCapture(stream(), &graph) == cudaSuccess) cudaGraphDestroy(graph);
      static_cast<void>(cudaGetLastError());  // that the capture was broken off is known
      throw;
    }
    recording_ = false;
    detail::cuda_expects(cudaStreamEndCapture(stream(), &graph), "cudaStreamEndCapture");
    cudaGraphExec_t ready = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&ready, graph, 0);
    cudaGraphDestroy(graph);
    detail::cuda_expects(status, "cudaGraphInstantiate");
    recording made(ready);
    replay(made);
    return made;
  }
  void replay(const recording& r) { detail::cuda_expects(cudaGraphLaunch(r.graph(), stream()), "cudaGraphLaunch"); }

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

  void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    detail::cuda_expects(cudaMemcpyAsync(to, from, bytes, kind, stream()), "cudaMemcpyAsync");
    synchronise();
  }
  struct staging {
    void* data = nullptr;
    std::size_t bytes = 0;
    cudaEvent_t copied = nullptr;
  };

  executor executor_;
  staging staged_[2];
  int turn_ = 0;
  bool owns_stream_ = false, checks_each_ = false, recording_ = false;
  std::string_view last_op_ = "none";
};

}  // namespace pretext::backend
