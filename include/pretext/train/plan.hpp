// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <tuple>

#include "../backend/count.hpp"
#include "../comm/planned.hpp"
#include "step.hpp"

namespace pretext::train {

/// What a step of a family needs, in bytes and products, from running it once on the counting back end.
struct step_plan {
  std::size_t workspace_bytes = 0;
  double flops = 0;
  index_t launches = 0;
  index_t parameters = 0;  // elements of all players' flat buffers, padding included
  index_t buffers = 0;
};

namespace detail {
/// One step of `family` on null views: takes memory from the plan `memory` and does nothing else.
template <class Ctx, class Family, class Batch>
PRETEXT_COLD constexpr step_plan walk_step(Ctx ctx, Family family, const Batch& batch, index_t micro_batch) {
  auto specs = family.players();
  const auto totals = lay_out(specs);
  step_inputs inputs{};
  step_scope<Ctx, decltype(specs)> s;
  s.ctx = ctx;
  s.ctx.inputs = &inputs;
  s.specs = &specs;
  s.inputs = &inputs;
  s.micro_batch = micro_batch;
  s.loss.shape = extents(1);
  s.embedding_std.shape = extents(1);
  step_plan plan;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    auto& v = s.players[i];
    v.parameters.shape = v.gradients.shape = v.state0.shape = v.state1.shape = extents(totals[i].parameters);
    v.buffers.shape = extents(totals[i].buffers);
    v.ranges.shape = extents(totals[i].ranges);
    v.inputs = &inputs.players[i];
    plan.parameters += totals[i].parameters;
    plan.buffers += totals[i].buffers;
  }
  if constexpr (requires { family.targets(); }) {
    std::size_t i = 0;
    for (const target_spec& t : family.targets()) {
      s.targets[i].parameters.shape = extents(t.extent.parameters);
      s.targets[i++].buffers.shape = extents(t.extent.buffers);
    }
  }
  if constexpr (requires { family.states(); }) {
    std::size_t i = 0;
    for (const auto& t : family.states()) s.states[i++].shape = t.shape;
  }
  s.keep();
  family.step(s, batch);
  plan.workspace_bytes = ctx.memory->peak();
  return plan;
}
}  // namespace detail

/// Runs one step of `family` on a batch of planned size, without memory, and counts. Works in constant evaluation.
/// `comm` is one rank alone, or comm::planned{ranks}.
template <class T, class Rounding = void, class Of = backend::reference, class Family, class Batch, class Comm = comm::null>
constexpr step_plan plan_step(Family family, const Batch& batch, index_t micro_batch = 0, const Of& of = Of{}, Comm comm = {}) {
  using counter = backend::count<Of>;
  counter be(of);
  workspace memory;
  step_plan plan = detail::walk_step(context<counter, T, Comm, Rounding>{&be, &memory, &comm}, family, batch, micro_batch);
  plan.flops = be.flops();
  plan.launches = be.launches();
  return plan;
}

}  // namespace pretext::train
