// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../core/index.hpp"

/// Sums of weighted rows. Blocks have a constant count and go through a local array: that is what compilers
/// vectorise at -O2 without asking whether the rows overlap.
namespace pretext::augment::detail {

inline constexpr index_t row_block = 16;

/// out = w * in
template <class In>
inline void scaled_row(float* out, const In* in, float w, index_t count) {
  index_t i = 0;
  for (; i + row_block <= count; i += row_block) {
    float sum[row_block];
    for (index_t k = 0; k < row_block; ++k) sum[k] = w * static_cast<float>(in[i + k]);
    for (index_t k = 0; k < row_block; ++k) out[i + k] = sum[k];
  }
  for (; i < count; ++i) out[i] = w * static_cast<float>(in[i]);
}

/// out += w * in
template <class In>
inline void add_scaled_row(float* out, const In* in, float w, index_t count) {
  index_t i = 0;
  for (; i + row_block <= count; i += row_block) {
    float sum[row_block];
    for (index_t k = 0; k < row_block; ++k) sum[k] = out[i + k] + w * static_cast<float>(in[i + k]);
    for (index_t k = 0; k < row_block; ++k) out[i + k] = sum[k];
  }
  for (; i < count; ++i) out[i] += w * static_cast<float>(in[i]);
}

/// out = v * in + w * other: the two-tap case of enlarging, in one pass
template <class In>
inline void blended_row(float* out, const In* in, float v, const In* other, float w, index_t count) {
  index_t i = 0;
  for (; i + row_block <= count; i += row_block) {
    float sum[row_block];
    for (index_t k = 0; k < row_block; ++k)
      sum[k] = v * static_cast<float>(in[i + k]) + w * static_cast<float>(other[i + k]);
    for (index_t k = 0; k < row_block; ++k) out[i + k] = sum[k];
  }
  for (; i < count; ++i) out[i] = v * static_cast<float>(in[i]) + w * static_cast<float>(other[i]);
}

/// out = sum over t of weights[t] * row(t): a block of sums stays in registers over all taps. `row` gives pointers.
template <class Row>
inline void weighted_rows(float* out, index_t count, const float* weights, index_t taps, const Row& row) {
  index_t i = 0;
  for (; i + row_block <= count; i += row_block) {
    float sum[row_block] = {};
    for (index_t t = 0; t < taps; ++t) {
      const float* in = row(t) + i;
      for (index_t k = 0; k < row_block; ++k) sum[k] += weights[t] * in[k];
    }
    for (index_t k = 0; k < row_block; ++k) out[i + k] = sum[k];
  }
  for (; i < count; ++i) {
    float sum = 0.0f;
    for (index_t t = 0; t < taps; ++t) sum += weights[t] * row(t)[i];
    out[i] = sum;
  }
}

}  // namespace pretext::augment::detail
