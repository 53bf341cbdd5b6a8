// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../../core/step_inputs.hpp"
#include "../../core/tensor.hpp"

namespace pretext {

/// A run of the flat parameter buffer that is updated alike.
struct update_range {
  index_t offset = 0;
  index_t size = 0;
  double rate_multiplier = 1;   // 0 freezes
  double decay_multiplier = 1;  // 0: no weight decay (biases, scales)
  bool adapt = true;            // LARS: a trust ratio of its own (not for biases and scales)
  friend constexpr bool operator==(const update_range&, const update_range&) = default;
};

}  // namespace pretext

namespace pretext::op {

/// What op::begin_step does.
PRETEXT_HOST_DEVICE constexpr void write_step(const step_inputs& values, step_inputs& inputs) {
  inputs.step = values.step;
  inputs.epoch = values.epoch;
  inputs.seed = values.seed;
  inputs.progress = values.progress;
  for (int i = 0; i < max_players; ++i) inputs.players[i].rate = values.players[i].rate;
  for (int i = 0; i < max_targets; ++i) inputs.momentum[i] = values.momentum[i];
  if (inputs.non_finite != 0) ++inputs.bad_steps;
  inputs.non_finite = 0;
}
/// The first row of op::enqueue_rows.
PRETEXT_HOST_DEVICE constexpr index_t place_in_queue(const step_inputs& inputs, index_t rows, index_t queue_rows) {
  return rows == 0 ? 0 : static_cast<index_t>(inputs.step % static_cast<std::uint64_t>(queue_rows / rows)) * rows;
}

#define PRETEXT_UPDATE_OP(NAME)                                                                         \
  struct NAME##_op {                                                                                    \
    static constexpr std::string_view name = #NAME;                                                     \
    template <class... A>                                                                               \
    static constexpr double flops(const A&...) {                                                        \
      return 0;                                                                                         \
    }                                                                                                   \
  };                                                                                                    \
  inline constexpr NAME##_op NAME {}

/// (rule, ranges, norms, inputs, g, p, s0, s1): one pass over the ranges of the flat buffers,
/// `rule.apply(c, g, p, s0, s1)` on every element, with c = rule.prepare(range, inputs, weight_norm, gradient_norm).
/// `g` is scaled by inputs->clip_scale before the rule sees it, and zeroed on the way: all of it is zero afterwards, also
/// what lies in no range or does not move. Where inputs->clip_scale is 0 (a gradient that is not finite) nothing else happens.
/// shapes  ranges (R), ascending and disjoint; norms (R, 2) or null (|p| and |g| of each range); g, p, s0, s1 flat and
///         equal; s0, s1 null beyond the rule's `states`
PRETEXT_UPDATE_OP(update);
/// (p, g, ranges, norms): norms_r = (|p_r|, |g_r|)
PRETEXT_UPDATE_OP(range_norms);
/// (x, result): result = sum of squares of x in double, in a fixed tree;  shapes result (1) of double
PRETEXT_UPDATE_OP(sum_squares);
/// (sum_squares, max_norm, inputs, non_finite): the gradient norm and the scale min(1, max_norm / norm) into `inputs`
/// (max_norm 0: no clipping); sets *non_finite to 1 where the norm is not finite, and the scale to 0, so that a bad step
/// changes nothing
PRETEXT_UPDATE_OP(clip_scale);
/// (rule, inputs): writes the numbers of the coming update (bias corrections) into `inputs` and counts it, unless
/// inputs->clip_scale is 0: an update that changes nothing is none
PRETEXT_UPDATE_OP(begin_update);
/// (momentum, source, target): target = *momentum target + (1 - *momentum) source; where *momentum is 1, nothing is read or written
PRETEXT_UPDATE_OP(lerp);
/// (non_finite, momentum): *momentum = 1 where *non_finite is not 0, so that what follows a player stays where it is after a bad gradient
PRETEXT_UPDATE_OP(hold_momentum);
/// (non_finite, kept, x): x = kept where *non_finite is not 0, else x stays
PRETEXT_UPDATE_OP(put_back);
/// (rows, inputs, queue): the rows take the place of the oldest in the queue, rows [a n, (a + 1) n) with a = step mod places
/// shapes  rows (n, D); queue (places n, D)
PRETEXT_UPDATE_OP(enqueue_rows);
/// (values, inputs): begins a step where `inputs` lies in memory that the host cannot write. `values` is a record that travels by value;
/// what the host knows of the step (step, epoch, seed, progress, rates, momenta) comes from it. The step before is counted among
/// bad_steps if its non_finite is set, which is cleared; counters of updates stay.
PRETEXT_UPDATE_OP(begin_step);

#undef PRETEXT_UPDATE_OP

}  // namespace pretext::op
