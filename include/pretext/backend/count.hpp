// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ops.hpp"
#include "reference/reference.hpp"

namespace pretext::backend {

/// An interpretation without arithmetic: runs a step on a plan and counts what it asks for. It is the memory planner
/// of every back end `Of`, for any user's own family, and works in constant evaluation.
template <class Of = reference>
class count {
 public:
  static constexpr const char* name = "count";
  using native_ops = op::all;
  /// Ops are given to it on a plan too: counting is what it does.
  static constexpr bool interprets_plans = true;

  constexpr count() = default;
  constexpr explicit count(const Of& of) : of_(&of) {}

  template <class Op, class... A>
  constexpr void run(Op op, workspace& memory, A&&... a) {
    flops_ += Op::flops(a...);
    ++launches_;
    std::size_t scratch = 0;
    if constexpr (requires { Of::scratch_bytes(op, a...); })
      scratch = Of::scratch_bytes(op, a...);
    else
      scratch = of_->scratch_bytes(op, a...);
    workspace::scope scope(memory);
    memory.take<std::byte>(extents(static_cast<index_t>(scratch)));
  }
  constexpr double flops() const { return flops_; }
  constexpr index_t launches() const { return launches_; }
  static constexpr int threads() { return 1; }

 private:
  const Of* of_ = nullptr;
  double flops_ = 0;
  index_t launches_ = 0;
};

}  // namespace pretext::backend
