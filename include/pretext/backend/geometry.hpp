// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../core/index.hpp"

namespace pretext {

/// Sizes of a 2-D convolution on channels-last images.
struct conv2d_geometry {
  index_t in_h = 0, in_w = 0, in_c = 0;
  index_t out_h = 0, out_w = 0, out_c = 0;
  index_t kernel_h = 1, kernel_w = 1;
  index_t stride_h = 1, stride_w = 1;
  index_t pad_h = 0, pad_w = 0;
  index_t groups = 1;
};

/// Sizes of a 2-D pooling on channels-last images.
struct pool2d_geometry {
  index_t in_h = 0, in_w = 0, channels = 0;
  index_t out_h = 0, out_w = 0;
  index_t kernel_h = 1, kernel_w = 1;
  index_t stride_h = 1, stride_w = 1;
  index_t pad_h = 0, pad_w = 0;
};

}  // namespace pretext
