// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>

#include "../../backend/simd/pixels.hpp"
#include "../../core/index.hpp"

/// Sums of weighted rows; `out` is never one of the rows it is made from.
namespace pretext::augment::detail {

/// out = sum over t of weights[t] * in[t * stride ...], bytes as whole numbers. Sums stay in registers while all taps pass.
/// The last vector begins early enough to end with the row, so every value is made by the same instructions.
template <class Arch, class In>
inline void weighted_rows(float* out, index_t count, const float* weights, index_t taps, const In* in, index_t stride) {
  using O = simd::vector_ops<float, Arch>;
  using P = simd::pixel_ops<Arch>;
  constexpr index_t width = O::width;
  index_t i = 0;
  for (; i + 4 * width <= count; i += 4 * width) {
    const In* row = in + i;
    auto a = O::zero(), b = O::zero(), c = O::zero(), d = O::zero();
    for (index_t t = 0; t < taps; ++t, row += stride) {
      const auto w = O::set(weights[t]);
      a = O::fma(w, P::load(row), a);
      b = O::fma(w, P::load(row + width), b);
      c = O::fma(w, P::load(row + 2 * width), c);
      d = O::fma(w, P::load(row + 3 * width), d);
    }
    O::store(out + i, a);
    O::store(out + i + width, b);
    O::store(out + i + 2 * width, c);
    O::store(out + i + 3 * width, d);
  }
  while (i < count) {
    const bool whole = count >= width;
    if (whole && i > count - width) i = count - width;
    const In* row = in + i;
    auto sum = O::zero();
    for (index_t t = 0; t < taps; ++t, row += stride) {
      In padded[width] = {};
      if (!whole) std::memcpy(padded, row, static_cast<std::size_t>(count) * sizeof(In));
      sum = O::fma(O::set(weights[t]), P::load(whole ? row : padded), sum);
    }
    O::store_some(out + i, sum, whole ? width : count);
    i += width;
  }
}

}  // namespace pretext::augment::detail
