// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include "../../core/step_inputs.hpp"
#include "../ops/elementwise.hpp"
#include "block.hpp"

namespace pretext::backend::blocks {

/// out_i = body(in_0[i], ..., in_N-1[i]); `out` may be one of the inputs. A thread has the elements of a pack.
template <class Body, class T, int N>
struct map_kernel {
  static constexpr int threads = 256;
  static constexpr int width = pack_size<T>;
  static constexpr index_t each = threads * width;  // elements of a block
  using shared = nothing;
  using state = nothing;

  Body body;
  T* out;
  const T* in[N == 0 ? 1 : N];
  index_t size;
  bool packs;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.alone([&](int t, state&) {
      const index_t i = block.number * each + t * width;
      if (packs && i + width <= size) {
        some<width>(i);
      } else {
        PRETEXT_UNROLL
        for (int k = 0; k < width; ++k)
          if (i + k < size) some<1>(i + k);
      }
    });
  }

 private:
  template <int W>
  PRETEXT_DEVICE void some(index_t i) const {
    T v[N == 0 ? 1 : N][W], y[W];
    PRETEXT_UNROLL
    for (int n = 0; n < N; ++n) load<W>(in[n] + i, v[n]);
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) {
      if constexpr (N == 0) y[k] = body();
      if constexpr (N == 1) y[k] = body(v[0][k]);
      if constexpr (N == 2) y[k] = body(v[0][k], v[1][k]);
    }
    store<W>(out + i, y);
  }
};

/// Dropout: a thread has the four draws of one block of random words, [4 b, 4 b + 4), of which element i reads first + i.
template <class T>
struct dropout_kernel {
  static constexpr int threads = 256;
  using shared = nothing;
  using state = nothing;

  moving_key key;
  double rate;
  index_t first;
  const T* in;
  T* out;
  index_t size;
  bool packs;  // also: the first draw is the first of four

  static constexpr index_t blocks(index_t first, index_t size) { return size == 0 ? 0 : ceil_div(first % 4 + size, 4 * threads); }

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.alone([&](int t, state&) {
      const index_t b = block.number * threads + t, i = 4 * b - first % 4;
      if (i >= size) return;
      const rng::counter_type words = key.now().block(static_cast<std::uint32_t>(first / 4 + b));
      const T keep = rate < 1 ? static_cast<T>(1 / (1 - rate)) : T(0);
      constexpr int W = pack_size<T> < 4 ? pack_size<T> : 4;
      if (packs && i + 4 <= size) {
        PRETEXT_UNROLL
        for (int k = 0; k < 4; k += W) {
          T v[W];
          load<W>(in + i + k, v);
          PRETEXT_UNROLL
          for (int e = 0; e < W; ++e) v[e] = op::dropout_keeps(words.value[k + e], rate) ? v[e] * keep : T(0);
          store<W>(out + i + k, v);
        }
        return;
      }
      PRETEXT_UNROLL
      for (int k = 0; k < 4; ++k)
        if (i + k >= 0 && i + k < size) out[i + k] = op::dropout_keeps(words.value[k], rate) ? in[i + k] * keep : T(0);
    });
  }
};

}  // namespace pretext::backend::blocks
