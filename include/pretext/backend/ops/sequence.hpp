// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../../core/extent.hpp"

namespace pretext::op {

/// Position of each element within its own sequence: calls f(b, t, position) for what is there (below the sample's length, in a
/// packed sequence where there are some).
template <class F>
PRETEXT_HOST_DEVICE constexpr void for_each_position(const extent& s, index_t samples, index_t length, const F& f) {
  for (index_t b = 0; b < samples; ++b) {
    const index_t own = s.lengths != nullptr ? static_cast<index_t>(s.lengths[b]) : length;
    index_t first = 0;
    for (index_t t = 0; t < own; ++t) {
      if (s.blocks != nullptr) {
        const std::int32_t* const block = s.blocks + b * length;
        if (t == 0 || block[t] != block[t - 1]) first = t;
        if (block[t] < 0) continue;
      }
      f(b, t, t - first);
    }
  }
}

#define PRETEXT_SEQUENCE_OP(NAME)                         \
  struct NAME##_op {                                      \
    static constexpr std::string_view name = #NAME;       \
    template <class... A>                                 \
    static constexpr double flops(const A&...) {          \
      return 0;                                           \
    }                                                     \
  };                                                      \
  inline constexpr NAME##_op NAME {}

/// (table, ids, y): y_i += table[ids_i]; ids below 0 are skipped, without ids (a null view) every row takes the first
/// shapes  table (V, D), ids (M) of any integer type, y (M, D); accumulates
PRETEXT_SEQUENCE_OP(add_gathered_rows);
/// (table, structure, y): y(b, t) += table[position of t within its own sequence]; what is not there is left alone
/// shapes  table (P, D), y (B, T, D) or with T first extents joined, then structure says T; accumulates
/// errors  pretext[value.122] a sequence is longer than the table
PRETEXT_SEQUENCE_OP(add_positions);
/// (dy, structure, dtable): the adjoint of add_positions, samples in order; accumulates
PRETEXT_SEQUENCE_OP(add_positions_gradient);
/// (y): y(t, 2i) = sin(t / 10000^(2i / D)), y(t, 2i + 1) = cos of the same
/// shapes  y (T, D)
/// source  Vaswani et al. 2017, arXiv:1706.03762, section 3.5
PRETEXT_SEQUENCE_OP(sinusoidal_positions);
/// (structure, heads, base, inverse, qkv): turns q and k of every head by their positions, in place:
///   (x_c, x_{c + d/2}) -> (x_c cos a - x_{c + d/2} sin a, x_{c + d/2} cos a + x_c sin a),  a = position base^(-2c / d)
/// backwards where `inverse`, which is the adjoint. What is not there is left alone.
/// shapes  qkv (B, T, 3 H d), d even
/// source  Su et al. 2021, arXiv:2104.09864, with the pairs of GPT-NeoX and Llama
PRETEXT_SEQUENCE_OP(rotate_positions);

#undef PRETEXT_SEQUENCE_OP

}  // namespace pretext::op
