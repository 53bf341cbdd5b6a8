// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

namespace pretext {

inline constexpr int max_players = 4;
inline constexpr int max_targets = 4;

/// What an optimizer reads. The trainer writes the rate before the step; ops write the rest within it, once an update,
/// so that a player may be updated several times a step.
struct player_inputs {
  double rate = 0;
  double bias_correction1 = 1;  // 1 - beta1^t
  double bias_correction2 = 1;  // 1 - beta2^t
  double clip_scale = 1;
  double gradient_norm = 0;
  std::uint64_t updates = 0;     // finished ones
};

/// Every number that changes from step to step, in one record in the memory of the back end. Ops refer to it by
/// address, so a captured graph of the step stays valid for the whole run.
struct step_inputs {
  std::uint64_t step = 0;   // steps finished before this one
  std::uint64_t epoch = 0;
  std::uint64_t seed = 0;
  double progress = 0;      // step / steps_total, in [0, 1]
  std::array<player_inputs, max_players> players{};
  std::array<double, max_targets> momentum{};
  double non_finite = 0;    // set by an op when a loss or a gradient norm is not finite
};

}  // namespace pretext
