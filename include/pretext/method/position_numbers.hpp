// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <cstdint>

#include "../config.hpp"
#include "../core/tensor.hpp"

namespace pretext::method {

/// Writes the number of every position of a sample, for op::for_each_sample: to[b length + t] = b length + t.
struct position_numbers {
  std::int32_t* to;
  index_t length;
  index_t scratch_floats = 0;
  PRETEXT_HOST_DEVICE void operator()(index_t b, tensor_view<float>) const {
    for (index_t t = 0; t < length; ++t) to[b * length + t] = static_cast<std::int32_t>(b * length + t);
  }
};

}  // namespace pretext::method
