// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for penalties of gradients; what few programs need
#pragma once

#include "context.hpp"
#include "tangent/rules.hpp"

namespace pretext::backend {

/// An interpretation of B on pairs (value, tangent): what runs on it computes, beside its values, their derivative in the
/// direction that its input moves. A layer's backward on pairs thus has as tangents the directional derivative of its
/// gradients: exact second order, without a tape.
///   d/de grad_theta D(x + e v) at e = 0,  which is  grad_theta (grad_x D(x) . v)  for a constant v
/// A pair is a piece of the memory of pairs, a workspace, with its tangent at a fixed distance. All else is constant: it is
/// read as such and never written; where an op adds to it (parameter gradients), only the tangent is added. So a pass on
/// pairs leaves running statistics and other state as they are.
/// errors  pretext[backend.103] an op without a rule; pretext[backend.104] a function without a second derivative
/// cost    forward twice, backward about three times; twice the memory
/// repeat  as B. On a plan every operand may be a pair, so flops are counted from above
/// source  forward over reverse: Pearlmutter 1994, Fast exact multiplication by the Hessian
template <class B>
class tangent {
 public:
  static constexpr const char* name = "tangent";
  using native_ops = typename B::native_ops;
  /// Rules take memory of their own, which a plan has to see.
  static constexpr bool interprets_plans = true;
  /// Layers with state of their own leave it alone: this pass is one that they have seen.
  static constexpr bool state_is_constant = true;

  /// `values`, `bytes`: the memory of pairs, whose tangents follow it; nothing on a plan.
  constexpr explicit tangent(B& of, std::byte* values = nullptr, std::size_t bytes = 0) : of_(&of), values_(values), bytes_(bytes) {}

  template <class Op, class... A>
  constexpr void run(Op op, workspace& memory, const A&... a) {
    rules(memory).rule(op, a...);
  }
  template <class T>
  constexpr tensor_view<T> tangent_of(workspace& memory, const tensor_view<T>& pair) const {
    return rules(memory).d(pair);
  }
  constexpr B& base() const { return *of_; }

 private:
  constexpr detail::tangent_rules<B> rules(workspace& memory) const { return {*of_, memory, values_, bytes_}; }
  B* of_;
  std::byte* values_;
  std::size_t bytes_;
};

/// Runs body(pairs), a pass of layers on a context of pairs, in memory of the calling step. The body runs once more, on a plan.
template <class Ctx, class Body>
constexpr void on_pairs(const Ctx& ctx, const Body& body) {
  using B = typename Ctx::backend_type;
  using T = typename Ctx::value_type;
  static_assert(std::is_same_v<T, master_t<T>>,
                "pretext[backend.106] gradient penalties need activations stored as float or double; choose another `precision`");
  const auto on = [&](tangent<B>& be, workspace& memory) {
    context<tangent<B>, T, typename Ctx::comm_type> pairs{&be, &memory, ctx.comm, ctx.inputs, ctx.key, ctx.mode, true, ctx.first_row};
    body(pairs);
  };
  workspace plan;
  tangent<B> planner(*ctx.backend);
  on(planner, plan);
  const std::size_t bytes = (plan.peak() + 63) / 64 * 64;
  const auto scope = ctx.scope();
  std::byte* const block = ctx.memory->take_bytes(2 * bytes);
  if (ctx.memory->planning()) return;
  workspace memory(block, bytes);
  tangent<B> be(*ctx.backend, block, bytes);
  on(be, memory);
}

/// In the body of on_pairs: the same memory, where ops see numbers and not pairs.
template <class B, class T, class Comm>
constexpr context<B, T, Comm> numbers_of(const context<tangent<B>, T, Comm>& pairs) {
  return {&pairs.backend->base(), pairs.memory, pairs.comm, pairs.inputs, pairs.key, pairs.mode, pairs.keep, pairs.first_row};
}

/// In the body of on_pairs: a pair of x and the direction v in which it moves; without a shape: a constant as a pair.
template <class Ctx, class T>
constexpr activations<T> pair(const Ctx& pairs, const activations<const T>& x, const tensor_view<const T>& v) {
  const activations<T> p(pairs.take(x.shape), x.structure);
  pairs(op::copy, x, p);
  if (v.rank() > 0) numbers_of(pairs)(op::copy, v, pairs.backend->tangent_of(*pairs.memory, tensor_view<T>(p)));
  return p;
}

}  // namespace pretext::backend
