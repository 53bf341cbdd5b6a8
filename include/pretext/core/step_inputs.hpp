// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "rng.hpp"

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
/// address, so a captured graph of the step stays valid for the whole run. (Plain arrays: std::array has no members on a device.)
struct step_inputs {
  std::uint64_t step = 0;   // steps finished before this one
  std::uint64_t epoch = 0;
  std::uint64_t seed = 0;
  double progress = 0;      // step / steps_total, in [0, 1]
  player_inputs players[max_players]{};
  double momentum[max_targets]{};
  double non_finite = 0;    // set by an op when a loss or a gradient norm is not finite
  std::uint64_t bad_steps = 0;  // steps before this one that ended so; counted by op::begin_step alone
};

/// The name of draws that differ from step to step: `fixed`, completed when a draw is made by what the record then says of the step.
/// So what holds it (a kernel's arguments) stays as it is for all steps.
struct moving_key {
  enum class by : std::uint8_t { nothing, step_as_sample, step, epoch };
  rng::key fixed{};
  const step_inputs* inputs = nullptr;  // read where draws are made: in the memory of the back end
  by what = by::nothing;

  constexpr moving_key() = default;
  /// One that stays as it is.
  constexpr moving_key(const rng::key& k) : fixed(k) {}
  constexpr moving_key(const rng::key& k, const step_inputs* i, by w) : fixed(k), inputs(i), what(i == nullptr ? by::nothing : w) {}

  PRETEXT_HOST_DEVICE constexpr rng::key now() const {
    rng::key k = fixed;
    if (what == by::nothing) return k;
    const std::uint64_t step = inputs->step;
    if (what == by::step_as_sample) {  // dropout; the seed is the layer's own
      k.sample += step;
      k.epoch += static_cast<std::uint32_t>(inputs->epoch);
      return k;
    }
    k.seed = inputs->seed;
    if (what == by::epoch) {  // views of samples
      k.epoch = static_cast<std::uint32_t>(inputs->epoch);
    } else {  // noise and places: samples are rows, so the step takes the bits of epoch and view
      k.epoch = static_cast<std::uint32_t>(step & 0xFFFFFFu);
      k.view = static_cast<std::uint8_t>(step >> 24);
    }
    return k;
  }
  PRETEXT_HOST_DEVICE constexpr rng::key with_sample(std::uint64_t s) const { return now().with_sample(s); }
};

}  // namespace pretext
