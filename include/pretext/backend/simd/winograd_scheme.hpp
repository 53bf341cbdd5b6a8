// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

#include "../../config.hpp"
#include "../geometry.hpp"

/// Fast algorithms for one axis of a convolution with three taps; used on rows and columns they make those of a map.
///   results (results) = result(kernel(taps) . input(inputs)),   . place by place
/// `places` products take the place of three for each result. Where places share a transformed tap, `kernel_of` says which of the
/// `kernels` it is. The transposes give the gradient of the taps: kernel_gradient(input(inputs) . spread(gradients)), summed over
/// tiles, of which `run` at a time are transformed. A function reads a few neighbours and writes its results `step` elements apart.
/// Coefficients are 0, 1 and 1/2, which keeps the error of a float near that of the definition.
namespace pretext::simd::detail {

/// body(0), ... body(N - 1), written out, so that arrays indexed by the number become registers.
template <int N, class Body>
inline void each(const Body& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) { (body(i), ...); }(std::make_integer_sequence<int, N>{});
}

/// Steps of one: F(2, 3) of Lavin and Gray 2016, arXiv:1509.09308, section 4.1; 4 products for 2 results, 16 for 4 of a map
/// where the definition has 36. The gradient of the input is the same with turned taps.
struct winograd_by_one {
  static constexpr int inputs = 4, places = 4, kernels = 4, results = 2, step = 2, run = 192;
  static constexpr index_t kernel_of(index_t place) { return place; }

  template <class V>
  static void input(const V* d, V* to, index_t step) {
    to[0] = d[0] - d[2];
    to[step] = d[1] + d[2];
    to[2 * step] = d[2] - d[1];
    to[3 * step] = d[1] - d[3];
  }
  template <class V>
  static void result(const V* m, V* to, index_t step) {
    to[0] = m[0] + m[1] + m[2];
    to[step] = m[1] - m[2] - m[3];
  }
  template <class V>
  static void kernel(const V* g, V* to, index_t step) {
    const V half(typename V::value_type(0.5)), ends = half * (g[0] + g[2]), middle = half * g[1];
    to[0] = g[0];
    to[step] = ends + middle;
    to[2 * step] = ends - middle;
    to[3 * step] = g[2];
  }
  template <class V>
  static void spread(const V* dy, V* to, index_t step) {
    to[0] = dy[0];
    to[step] = dy[0] + dy[1];
    to[2 * step] = dy[0] - dy[1];
    to[3 * step] = V(typename V::value_type(0)) - dy[1];
  }
  template <class V>
  static void kernel_gradient(const V* s, V* to, index_t step) {
    const V half(typename V::value_type(0.5)), sum = half * (s[1] + s[2]);
    to[0] = s[0] + sum;
    to[step] = half * (s[1] - s[2]);
    to[2 * step] = sum + s[3];
  }
};

/// Steps of two. Taps 0 and 2 see every second input, which is F(2, 2), tap 1 the others, which has nothing to save: 5 products
/// for 2 results, 25 for 4 of a map where the definition has 36.
/// derivation  y0 = d0 g0 + d1 g1 + d2 g2 = (d0 - d2) g0 + d2 (g0 + g2) + d1 g1
///             y1 = d2 g0 + d3 g1 + d4 g2 = d2 (g0 + g2) + (d4 - d2) g2 + d3 g1
/// source      the idea of splitting by the stride: Huang et al. 2020, arXiv:2002.00552
struct winograd_by_two {
  static constexpr int inputs = 5, places = 5, kernels = 4, results = 2, step = 4, run = 96;
  static constexpr index_t kernel_of(index_t place) { return place < 4 ? place : 3; }

  template <class V>
  static void input(const V* d, V* to, index_t step) {
    to[0] = d[0] - d[2];
    to[step] = d[2];
    to[2 * step] = d[4] - d[2];
    to[3 * step] = d[1];
    to[4 * step] = d[3];
  }
  template <class V>
  static void result(const V* m, V* to, index_t step) {
    to[0] = m[0] + m[1] + m[3];
    to[step] = m[1] + m[2] + m[4];
  }
  template <class V>
  static void kernel(const V* g, V* to, index_t step) {
    to[0] = g[0];
    to[step] = g[0] + g[2];
    to[2 * step] = g[2];
    to[3 * step] = g[1];
  }
  template <class V>
  static void spread(const V* dy, V* to, index_t step) {
    to[0] = to[3 * step] = dy[0];
    to[step] = dy[0] + dy[1];
    to[2 * step] = to[4 * step] = dy[1];
  }
  template <class V>
  static void kernel_gradient(const V* s, V* to, index_t step) {
    to[0] = s[0] + s[1];
    to[step] = s[3];
    to[2 * step] = s[1] + s[2];
  }
};

/// The gradient of the input for steps of two: 4 results from 3 neighbours a, b, c of the gradient. With turned taps, every second
/// result is F(2, 2) of them, the others tap 1 times a neighbour. Which come first, follows from the padding (`Odd`).
/// derivation  dx(2 j + k - pad) takes dy(j) g(k); with h = turned g: b' = a h0 + b h2 = (a - b) h0 + b (h0 + h2), c' = b h0 + c h2
template <bool Odd>
struct winograd_by_two_back {
  static constexpr int inputs = 3, places = 5, kernels = 4, results = 4, step = 2;
  static constexpr index_t kernel_of(index_t place) { return winograd_by_two::kernel_of(place); }
  /// Of the neighbour a of the first result, counted backwards from 0.
  static constexpr index_t padding(index_t pad) { return Odd ? -(pad - 1) / 2 : 1 - pad / 2; }

  template <class V>
  static void input(const V* d, V* to, index_t step) {
    to[0] = d[0] - d[1];
    to[step] = d[1];
    to[2 * step] = d[2] - d[1];
    to[3 * step] = d[Odd ? 0 : 1];
    to[4 * step] = d[Odd ? 1 : 2];
  }
  template <class V>
  static void result(const V* m, V* to, index_t step) {
    to[Odd ? step : 0] = m[0] + m[1];
    to[Odd ? 3 * step : 2 * step] = m[1] + m[2];
    to[Odd ? 0 : step] = m[3];
    to[Odd ? 2 * step : 3 * step] = m[4];
  }
  template <class V>
  static void kernel(const V* g, V* to, index_t step) {
    winograd_by_two::kernel(g, to, step);
  }
};

}  // namespace pretext::simd::detail
