// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../core/index.hpp"

/// Sums of weighted rows; `out` is never one of the rows it is made from. Blocks have a constant count: with the
/// promise of __restrict that is what compilers vectorise at -O2.
namespace pretext::augment::detail {

inline constexpr index_t row_block = 16;

/// out = w * in
template <class In>
inline void scaled_row(float* __restrict out, const In* __restrict in, float w, index_t count) {
  index_t i = 0;
  for (; i + row_block <= count; i += row_block)
    for (index_t k = 0; k < row_block; ++k) out[i + k] = w * static_cast<float>(in[i + k]);
  for (; i < count; ++i) out[i] = w * static_cast<float>(in[i]);
}

/// out = v * a + w * b; a and b may be one row
template <class In>
inline void blended_row(float* __restrict out, const In* a, float v, const In* b, float w, index_t count) {
  index_t i = 0;
  for (; i + row_block <= count; i += row_block)
    for (index_t k = 0; k < row_block; ++k) out[i + k] = v * static_cast<float>(a[i + k]) + w * static_cast<float>(b[i + k]);
  for (; i < count; ++i) out[i] = v * static_cast<float>(a[i]) + w * static_cast<float>(b[i]);
}

/// out += v * a + w * b
template <class In>
inline void add_blended_row(float* __restrict out, const In* a, float v, const In* b, float w, index_t count) {
  index_t i = 0;
  for (; i + row_block <= count; i += row_block)
    for (index_t k = 0; k < row_block; ++k)
      out[i + k] = out[i + k] + v * static_cast<float>(a[i + k]) + w * static_cast<float>(b[i + k]);
  for (; i < count; ++i) out[i] = out[i] + v * static_cast<float>(a[i]) + w * static_cast<float>(b[i]);
}

/// out = sum over t of weights[t] * row(t), two taps a pass. `row` gives pointers.
template <class Row>
inline void weighted_rows(float* out, index_t count, const float* weights, index_t taps, const Row& row) {
  if (taps % 2 == 1)
    scaled_row(out, row(0), weights[0], count);
  else
    blended_row(out, row(0), weights[0], row(1), weights[1], count);
  for (index_t t = 2 - taps % 2; t < taps; t += 2) add_blended_row(out, row(t), weights[t], row(t + 1), weights[t + 1], count);
}

}  // namespace pretext::augment::detail
