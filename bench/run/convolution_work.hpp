// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <pretext/core/index.hpp>

namespace bench {

/// GFLOP of one pass of a square convolution with padding kernel / 2 over one image. Products with the zeros around the map
/// are not asked for and not counted.
inline double convolution_gflop(pretext::index_t in, pretext::index_t out, pretext::index_t kernel, pretext::index_t stride, pretext::index_t side) {
  const pretext::index_t pad = kernel / 2, to = (side + 2 * pad - kernel) / stride + 1;
  pretext::index_t taps = 0;
  for (pretext::index_t y = 0; y < to; ++y)
    for (pretext::index_t u = 0; u < kernel; ++u) {
      const pretext::index_t at = y * stride + u - pad;
      taps += at >= 0 && at < side ? 1 : 0;
    }
  return 2e-9 * static_cast<double>(taps * taps) * static_cast<double>(in * out);
}

}  // namespace bench
