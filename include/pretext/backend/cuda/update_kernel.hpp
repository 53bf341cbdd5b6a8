// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include <cmath>
#include <type_traits>

#include "../../core/scalar_math.hpp"
#include "../ops/update.hpp"
#include "block.hpp"

namespace pretext::backend::blocks {

/// An optimizer over the flat buffers. A block has a piece of them, finds the ranges that reach into it by bisection (they lie in
/// order), lets one thread prepare the rule for each, and updates what they share with the piece. Where the gradient may be
/// written (G is not const), the block leaves zeros in all of its piece, also after a bad step.
template <class Rule, class T, class G>
struct update_kernel {
  static constexpr int threads = 256;
  static constexpr int width = pack_size<T>;
  static constexpr index_t each = 4096;
  struct shared {
    typename Rule::template coefficients<T> now;
  };
  using state = nothing;

  Rule rule;
  const update_range* ranges;
  index_t range_count;
  const double* norms;
  const player_inputs* inputs;
  G* g;
  T *p, *s0, *s1;
  index_t size;
  bool packs;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    const index_t begin = block.number * each, end = begin + each < size ? begin + each : size;
    const double clip_scale = inputs->clip_scale;
    if (clip_scale != 0) {
      index_t low = 0, high = range_count;  // the first range that ends behind `begin`
      while (low < high) {
        const index_t middle = (low + high) / 2;
        if (ranges[middle].offset + ranges[middle].size > begin)
          high = middle;
        else
          low = middle + 1;
      }
      for (index_t r = low; r < range_count; ++r) {
        const index_t from = ranges[r].offset > begin ? ranges[r].offset : begin, stop = ranges[r].offset + ranges[r].size,
                      to = stop < end ? stop : end;
        if (ranges[r].offset >= end) break;
        if (from >= to) continue;
        block.each([&](int t, state&, shared& s) {
          if (t == 0)
            s.now = rule.template prepare<T>(ranges[r], *inputs, norms != nullptr ? norms[2 * r] : 0.0, norms != nullptr ? norms[2 * r + 1] : 0.0);
        });
        block.each([&](int t, state&, shared& s) {
          const auto c = s.now;
          const T scale = static_cast<T>(clip_scale);
          for (index_t i = from / width * width + t * width; i < to; i += threads * width)
            if (packs && i >= from && i + width <= to)
              some<width>(c, scale, i);
            else
              for (index_t k = i < from ? from : i; k < i + width && k < to; ++k) some<1>(c, scale, k);
        });
      }
    }
    if constexpr (!std::is_const_v<G>)
      block.alone([&](int t, state&) {
        for (index_t i = begin + t; i < end; i += threads) g[i] = T(0);
      });
  }

 private:
  template <int W, class C>
  PRETEXT_DEVICE void some(const C& c, T scale, index_t i) const {
    T slope[W], v[3][W];
    load<W>(static_cast<const T*>(g) + i, slope);
    load<W>(static_cast<const T*>(p) + i, v[0]);
    if constexpr (Rule::states > 0) load<W>(static_cast<const T*>(s0) + i, v[1]);
    if constexpr (Rule::states > 1) load<W>(static_cast<const T*>(s1) + i, v[2]);
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) {
      T none0 = T(0), none1 = T(0);
      rule.template apply<scalar_math>(c, T(scale * slope[k]), v[0][k], Rule::states > 0 ? v[1][k] : none0, Rule::states > 1 ? v[2][k] : none1);
    }
    store<W>(p + i, v[0]);
    if constexpr (Rule::states > 0) store<W>(s0 + i, v[1]);
    if constexpr (Rule::states > 1) store<W>(s1 + i, v[2]);
  }
};

/// norms_r = (|p_r|, |g_r|): a block a range, in double.
template <class T>
struct range_norms_kernel {
  static constexpr int threads = 1024;
  using shared = nothing;
  struct state {
    double p, g;
  };
  const T *p, *g;
  const update_range* ranges;
  double* norms;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.alone([&](int t, state& own) {
      const update_range& r = ranges[block.number];
      own.p = own.g = 0;
      for (index_t i = r.offset + t; i < r.offset + r.size; i += threads) {
        const double a = static_cast<double>(p[i]), b = static_cast<double>(g[i]);
        own.p += a * a;
        own.g += b * b;
      }
    });
    block.block_reduce([](state& own) -> double& { return own.p; }, plus{});
    block.block_reduce([](state& own) -> double& { return own.g; }, plus{});
    block.alone([&](int t, state& own) {
      if (t != 0) return;
      norms[2 * block.number] = scalar_math::sqrt(own.p);
      norms[2 * block.number + 1] = scalar_math::sqrt(own.g);
    });
  }
};

/// One thread of the device does a thing that needs numbers that lie there.
template <class Body>
struct single_kernel {
  static constexpr int threads = warp;
  using shared = nothing;
  using state = nothing;
  Body body;
  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.alone([&](int t, state&) {
      if (t == 0) body();
    });
  }
};

struct clip_scale_body {
  const double* sum_squares;
  double max_norm;
  player_inputs* inputs;
  double* non_finite;
  PRETEXT_DEVICE void operator()() const {
    const double norm = scalar_math::sqrt(*sum_squares);
    inputs->gradient_norm = norm;
    if (!(norm - norm == 0)) {  // infinite, or not a number
      *non_finite = 1;
      inputs->clip_scale = 0;
    } else {
      inputs->clip_scale = max_norm > 0 && norm > max_norm ? max_norm / norm : 1.0;
    }
  }
};
template <class Rule>
struct begin_update_body {
  Rule rule;
  player_inputs* inputs;
  PRETEXT_DEVICE void operator()() const {
    if (inputs->clip_scale == 0) return;
    rule.write_inputs(*inputs, inputs->updates);
    ++inputs->updates;
  }
};
struct hold_momentum_body {
  const double* non_finite;
  double* momentum;
  PRETEXT_DEVICE void operator()() const {
    if (*non_finite != 0) *momentum = 1;
  }
};
struct begin_step_body {
  step_inputs values;
  step_inputs* inputs;
  PRETEXT_DEVICE void operator()() const { op::write_step(values, *inputs); }
};
/// A block has `each` numbers, and nothing to do after a good step but to look at the flag.
template <class T>
struct put_back_kernel {
  static constexpr int threads = 256;
  static constexpr index_t each = 2048;
  using shared = nothing;
  using state = nothing;
  const double* non_finite;
  const T* kept;
  T* x;
  index_t size;
  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    if (*non_finite == 0) return;
    block.alone([&](int t, state&) {
      const index_t begin = block.number * each, end = begin + each < size ? begin + each : size;
      for (index_t i = begin + t; i < end; i += threads) x[i] = kept[i];
    });
  }
};
template <class T>
struct enqueue_body {
  const T* rows;
  const step_inputs* inputs;
  T* queue;
  index_t count, places, columns;
  PRETEXT_DEVICE void operator()(index_t i, index_t j) const {
    queue[(op::place_in_queue(*inputs, count, places) + i) * columns + j] = rows[i * columns + j];
  }
};
template <class T>
struct scheduled_inverse_body {
  double first, last;
  const step_inputs* inputs;
  T* y;
  PRETEXT_DEVICE void operator()() const { *y = static_cast<T>(1.0 / (first + (last - first) * inputs->progress)); }
};

}  // namespace pretext::backend::blocks
