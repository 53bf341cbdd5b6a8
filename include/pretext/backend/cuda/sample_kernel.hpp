// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include "../../core/tensor.hpp"
#include "block.hpp"

namespace pretext::backend::blocks {

/// A block a sample, for writers whose threads share the work: writer.write_shared(block, scratch, floats, i). A block takes one sample
/// after the other, so that scratch is needed for as many as there are blocks.
template <class W>
struct shared_sample_kernel {
  static constexpr int threads = 256;
  static constexpr index_t most_blocks = 512;
  using shared = nothing;
  struct state {
    double sum;  // for what a writer adds up over a block
  };

  W writer;
  float* scratch;
  index_t each, count, blocks;

  static constexpr index_t blocks_for(index_t count) { return count < most_blocks ? count : most_blocks; }

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    for (index_t i = block.number; i < count; i += blocks) {
      writer.write_shared(block, scratch + block.number * each, each, i);
    }
  }
};

/// A thread a sample, for writers that have little to do for one: writer(i, scratch).
template <class W>
struct sample_kernel {
  static constexpr int threads = 64;
  static constexpr index_t most_blocks = 512;
  using shared = nothing;
  using state = nothing;

  W writer;
  float* scratch;
  index_t each, count, blocks;

  static constexpr index_t blocks_for(index_t count) {
    const index_t all = ceil_div(count, index_t{threads});
    return all < most_blocks ? all : most_blocks;
  }

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.alone([&](int t, state&) {
      const index_t own = block.number * threads + t;
      for (index_t i = own; i < count; i += blocks * threads)
        writer(i, tensor_view<float>{scratch + own * each, extents(writer.scratch_floats)});
    });
  }
};

}  // namespace pretext::backend::blocks
