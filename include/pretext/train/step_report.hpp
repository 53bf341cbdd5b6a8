// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace pretext::train {

/// What a finished step says to callbacks.
struct step_report {
  std::uint64_t step = 0;         // finished steps, so 1 after the first
  std::uint64_t steps_total = 0;  // 0: unknown
  std::uint64_t epoch = 0;        // of this step, from 1
  std::uint64_t epochs = 0;
  float loss = 0;
  float learning_rate = 0;  // of the first player
  float gradient_norm = 0;  // of the first player, before clipping
  float embedding_std = 0;  // mean over columns of the deviation of the l2-normalised rows; healthy near 1/sqrt(D)
  float samples_per_second = 0;
  double seconds = 0;       // since the trainer was built
  bool finite = true;       // false: a gradient was not finite, and the step changed nothing but the count of steps; or the loss alone was not
};

}  // namespace pretext::train
