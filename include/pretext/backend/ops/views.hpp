// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../../core/tensor.hpp"

namespace pretext::op {

/// (writer, count): calls writer(i, scratch) for i in [0, count), in any order and in parallel; scratch is
/// writer.scratch_floats floats for this call alone. What augmentation runs on: one call writes one view of one sample.
struct for_each_sample_op {
  static constexpr std::string_view name = "for_each_sample";
  template <class W>
  static constexpr double flops(const W&, index_t) {
    return 0;
  }
};
inline constexpr for_each_sample_op for_each_sample{};

}  // namespace pretext::op
