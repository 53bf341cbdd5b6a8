// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdio>
#include <deque>
#include <type_traits>
#include <vector>

#include "pretext/backend/cuda/cuda.cuh"
#include "pretext/check/backend.hpp"

#include "device.cuh"

/// Runs the kits on a GPU. Their tensors lie in memory of the host, so every op is given copies in memory of the device, and what it
/// writes is copied back.
namespace cuda_test {

using namespace pretext;

template <class B>
class staged {
 public:
  static constexpr const char* name = B::name;

  explicit staged(B& be) : backend_(be) {}

  template <class Op, class... A>
  void run(Op op, workspace& host_memory, const A&... a) {
    if constexpr (!B::template runs_natively<Op, A...> || std::is_same_v<Op, op::for_each_sample_op>) {  // of that: samples.cu
      backend::reference().run(op, host_memory, a...);
    } else {
      on_device(op, a...);
    }
  }
  template <class Op, class... A>
  std::size_t scratch_bytes(Op op, const A&... a) const {
    if constexpr (B::template runs_natively<Op, A...>)
      return B::scratch_bytes(op, a...);
    else
      return backend::reference::scratch_bytes(op, a...);
  }

 private:
  template <class Op, class... A>
  void on_device(Op op, const A&... a) {
    const auto bytes = static_cast<index_t>(B::scratch_bytes(op, a...));
    const device_bytes scratch(bytes + fence);
    std::vector<std::byte> pattern(static_cast<std::size_t>(bytes + fence), std::byte{0xFF});  // NaN; and behind it a fence
    scratch.upload(pattern.data(), backend_.stream());
    workspace memory(scratch.data(), static_cast<std::size_t>(bytes + 63) / 64 * 64);
    {
      std::deque<copy> copies;
      backend_.run(op, memory, there(copies, a)...);
      backend_.synchronise();
      for (const copy& c : copies) c.back(backend_.stream());
    }
    scratch.download(pattern.data(), backend_.stream());
    for (std::size_t i = static_cast<std::size_t>(bytes); i < pattern.size(); ++i)
      if (pattern[i] != std::byte{0xFF}) throw error("memory.100", std::string(Op::name) + " wrote behind its scratch");
  }
  using device_bytes = backend::device_buffer<std::byte>;
  static constexpr index_t fence = 4096;

  struct copy {
    device_bytes device;
    std::byte* home;  // null: only read
    copy(const void* from, std::size_t bytes, bool written, cudaStream_t s)
        : device(static_cast<index_t>(bytes)), home(written ? static_cast<std::byte*>(const_cast<void*>(from)) : nullptr) {
      device.upload(static_cast<const std::byte*>(from), s);
    }
    void back(cudaStream_t s) const {
      if (home != nullptr) device.download(home, s);
    }
  };
  template <class T>
  T* bring(std::deque<copy>& copies, T* p, index_t n) {
    if (p == nullptr) return nullptr;
    const bool written = !std::is_const_v<T>;
    return reinterpret_cast<T*>(copies.emplace_back(p, static_cast<std::size_t>(n) * sizeof(T), written, backend_.stream()).device.data());
  }
  template <class T>
  tensor_view<T> there(std::deque<copy>& copies, const tensor_view<T>& v) {
    return {bring(copies, v.data, v.size()), v.shape};
  }
  template <class T>
  T* there(std::deque<copy>& copies, T* const& p) {
    return bring(copies, p, 1);
  }
  extent there(std::deque<copy>& copies, const extent& e) {
    extent d = e;
    d.lengths = bring(copies, e.lengths, e.samples);
    d.offsets = bring(copies, e.offsets, e.nodes + 1);
    d.columns = bring(copies, e.columns, e.offsets == nullptr ? 0 : e.offsets[e.nodes]);
    d.graph_of = bring(copies, e.graph_of, e.nodes);
    return d;
  }
  template <class A>
  const A& there(std::deque<copy>&, const A& a) {
    return a;
  }
  B& backend_;
};

/// Runs laws(result, back end, tolerance) where there is a GPU.
template <class Backend = backend::cuda<>, class Laws>
int run_laws(const char* what, const Laws& laws) {
  if (!has_device(what)) return skipped;
  Backend be;
  staged<Backend> there(be);
  check::result r(what);
  laws(r, there);
  std::fputs(r.text().c_str(), stdout);
  return r.ok() ? 0 : 1;
}

}  // namespace cuda_test
