// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <pretext/eval/fine_tune.hpp>

namespace simclr_images {

/// How the program uses `per_class` labels of each class: with the pre-trained encoder, and from a random start.
struct few_label_settings {
  pretext::eval::fine_tune_options tune, scratch;
};

inline few_label_settings settings_for(pretext::index_t per_class, bool flip, std::uint64_t seed) {
  few_label_settings s;
  s.tune.flip = flip;
  s.tune.seed = seed;
  s.tune.steps = per_class == 1 ? 50 : per_class == 10 ? 150 : 300;
  s.scratch = s.tune;
  s.scratch.rate = 2e-3;
  s.scratch.smallest_crop = 0.6;
  s.scratch.steps = per_class == 1 ? 100 : per_class == 10 ? 200 : 400;
  return s;
}

}  // namespace simclr_images
