// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

#include "../../config.hpp"
#include "../geometry.hpp"

/// Fast algorithms for one axis of a convolution with three taps; used on rows and columns they make those of a map.
///   results (results) = result(kernel(taps) . input(inputs)),   . place by place
/// `places` products take the place of three for each result. Where places share a transformed tap, `kernel_of` says which of the
/// `kernels` it is. The transposes give the gradient of the taps: kernel_gradient(input(inputs) . spread(gradients)), summed over
/// tiles, of which `run` at a time are transformed. `block` says how many the other passes hold at once, with rows of `row`
/// elements and tiles of `rows`. A function reads a few neighbours and writes its results `apart` elements from each other.
namespace pretext::simd::detail {

/// body(0), ... body(N - 1), written out, so that arrays indexed by the number become registers.
template <int N, class Body>
PRETEXT_FOLDED inline void each(const Body& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) PRETEXT_IN_PLACE { (body(i), ...); }(std::make_integer_sequence<int, N>{});
}

/// As many tiles as keep what is transformed of them in the second-level cache.
template <class T>
constexpr index_t cached_block(index_t places, index_t row, index_t rows) {
  const index_t fitting = (index_t{1} << 20) / (places * row * static_cast<index_t>(sizeof(T))) / rows * rows;
  return fitting < 4 * rows ? 4 * rows : fitting > 8 * rows ? 8 * rows : fitting;
}

/// Steps of one: F(2, 3) of Lavin and Gray 2016, arXiv:1509.09308, section 4.1; 4 products for 2 results, 16 for 4 of a map
/// where the definition has 36. The gradient of the input is the same with turned taps. Coefficients are 0, 1 and 1/2.
struct winograd_by_one {
  static constexpr int inputs = 4, places = 4, kernels = 4, results = 2, step = 2, run = 192;
  static constexpr index_t kernel_of(index_t place) { return place; }
  template <class T>
  static constexpr index_t block(index_t row, index_t rows) {
    return cached_block<T>(places * places, row, rows);
  }

  template <class O, class V = typename O::vector>
  static void input(const V* d, V* to, index_t apart) {
    to[0] = d[0] - d[2];
    to[apart] = d[1] + d[2];
    to[2 * apart] = d[2] - d[1];
    to[3 * apart] = d[1] - d[3];
  }
  template <class O, class V = typename O::vector>
  static void result(const V* m, V* to, index_t apart) {
    to[0] = m[0] + m[1] + m[2];
    to[apart] = m[1] - m[2] - m[3];
  }
  template <class O, class V = typename O::vector>
  static void kernel(const V* g, V* to, index_t apart) {
    const V half = O::set(0.5), ends = half * (g[0] + g[2]), middle = half * g[1];
    to[0] = g[0];
    to[apart] = ends + middle;
    to[2 * apart] = ends - middle;
    to[3 * apart] = g[2];
  }
  template <class O, class V = typename O::vector>
  static void spread(const V* dy, V* to, index_t apart) {
    to[0] = dy[0];
    to[apart] = dy[0] + dy[1];
    to[2 * apart] = dy[0] - dy[1];
    to[3 * apart] = O::zero() - dy[1];
  }
  template <class O, class V = typename O::vector>
  static void kernel_gradient(const V* s, V* to, index_t apart) {
    const V half = O::set(0.5), sum = half * (s[1] + s[2]);
    to[0] = s[0] + sum;
    to[apart] = half * (s[1] - s[2]);
    to[2 * apart] = sum + s[3];
  }
};

/// Steps of one: F(4, 3); 6 products for 4 results, 36 for 16 of a map where the definition has 144. Polynomials are evaluated at
/// 0, +-a, +-b and infinity:
///   result   row i: 0^i, a^i, (-a)^i, b^i, (-b)^i, and 1 at infinity for i = 3
///   kernel   row of p: (1, p, p^2) / N(p), N(p) the product over the other points q of p - q; (0, 0, 1) at infinity
///   input    row of p: the coefficients of the product over the other points q of x - q; at infinity over all points
/// With a = 1, b = 2, the usual choice, errors are 2.3 times those of a = 5/8, b = 3/2, which oneDNN uses and a search over both in
/// steps of 0.05 confirmed; a^2, b^2 and the coefficients of `input` are exact in float.
/// source  Lavin and Gray 2016, arXiv:1509.09308; choice of points: Barabasz et al. 2020, arXiv:1803.10986
struct winograd_in_fours {
  static constexpr int inputs = 6, places = 6, kernels = 6, results = 4, step = 4, run = 72;
  static constexpr index_t kernel_of(index_t place) { return place; }
  /// From 128 channels on, larger blocks gain more by reading the kernels less often than they lose by leaving the
  /// second-level cache.
  template <class T>
  static constexpr index_t block(index_t row, index_t rows) {
    return (row < 128 ? 4 : 8) * rows;
  }
  static constexpr double a = 0.625, b = 1.5, a2 = a * a, b2 = b * b;
  static constexpr double at_zero = 1 / (a2 * b2), at_a = 1 / (2 * a2 * (a2 - b2)), at_b = 1 / (2 * b2 * (b2 - a2));  // 1 / N

  template <class O, class V = typename O::vector>
  static void input(const V* d, V* to, index_t apart) {
    const V product = O::set(a2 * b2), sum = O::set(a2 + b2);
    to[0] = O::fma(product, d[0], O::fnma(sum, d[2], d[4]));
    to[5 * apart] = O::fma(product, d[1], O::fnma(sum, d[3], d[5]));
    pair<O>(O::fnma(O::set(b2), d[2], d[4]), O::fnma(O::set(b2), d[1], d[3]), a, to + apart, apart);
    pair<O>(O::fnma(O::set(a2), d[2], d[4]), O::fnma(O::set(a2), d[1], d[3]), b, to + 3 * apart, apart);
  }
  template <class O, class V = typename O::vector>
  static void result(const V* m, V* to, index_t apart) {
    const V even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
    to[0] = m[0] + (even_a + even_b);
    to[apart] = O::fma(O::set(b), odd_b, O::set(a) * odd_a);
    to[2 * apart] = O::fma(O::set(b2), even_b, O::set(a2) * even_a);
    to[3 * apart] = O::fma(O::set(b2 * b), odd_b, O::fma(O::set(a2 * a), odd_a, m[5]));
  }
  template <class O, class V = typename O::vector>
  static void kernel(const V* g, V* to, index_t apart) {
    to[0] = O::set(at_zero) * g[0];
    pair<O>(O::fma(O::set(a2 * at_a), g[2], O::set(at_a) * g[0]), g[1], a * at_a, to + apart, apart);
    pair<O>(O::fma(O::set(b2 * at_b), g[2], O::set(at_b) * g[0]), g[1], b * at_b, to + 3 * apart, apart);
    to[5 * apart] = g[2];
  }
  template <class O, class V = typename O::vector>
  static void spread(const V* dy, V* to, index_t apart) {
    to[0] = dy[0];
    pair<O>(O::fma(O::set(a2), dy[2], dy[0]), O::fma(O::set(a2), dy[3], dy[1]), a, to + apart, apart);
    pair<O>(O::fma(O::set(b2), dy[2], dy[0]), O::fma(O::set(b2), dy[3], dy[1]), b, to + 3 * apart, apart);
    to[5 * apart] = dy[3];
  }
  template <class O, class V = typename O::vector>
  static void kernel_gradient(const V* s, V* to, index_t apart) {
    const V even_a = O::set(at_a) * (s[1] + s[2]), odd_a = O::set(at_a * a) * (s[1] - s[2]);
    const V even_b = O::set(at_b) * (s[3] + s[4]), odd_b = O::set(at_b * b) * (s[3] - s[4]);
    to[0] = O::fma(O::set(at_zero), s[0], even_a + even_b);
    to[apart] = odd_a + odd_b;
    to[2 * apart] = O::fma(O::set(a2), even_a, O::fma(O::set(b2), even_b, s[5]));
  }

 private:
  /// even + p odd and even - p odd: a polynomial at p and -p.
  template <class O, class V>
  static void pair(const V& even, const V& odd, double p, V* to, index_t apart) {
    const V point = O::set(p);
    to[0] = O::fma(point, odd, even);
    to[apart] = O::fnma(point, odd, even);
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
  template <class T>
  static constexpr index_t block(index_t row, index_t rows) {
    return cached_block<T>(places * places, row, rows);
  }

  template <class O, class V = typename O::vector>
  static void input(const V* d, V* to, index_t apart) {
    to[0] = d[0] - d[2];
    to[apart] = d[2];
    to[2 * apart] = d[4] - d[2];
    to[3 * apart] = d[1];
    to[4 * apart] = d[3];
  }
  template <class O, class V = typename O::vector>
  static void result(const V* m, V* to, index_t apart) {
    to[0] = m[0] + m[1] + m[3];
    to[apart] = m[1] + m[2] + m[4];
  }
  template <class O, class V = typename O::vector>
  static void kernel(const V* g, V* to, index_t apart) {
    to[0] = g[0];
    to[apart] = g[0] + g[2];
    to[2 * apart] = g[2];
    to[3 * apart] = g[1];
  }
  template <class O, class V = typename O::vector>
  static void spread(const V* dy, V* to, index_t apart) {
    to[0] = to[3 * apart] = dy[0];
    to[apart] = dy[0] + dy[1];
    to[2 * apart] = to[4 * apart] = dy[1];
  }
  template <class O, class V = typename O::vector>
  static void kernel_gradient(const V* s, V* to, index_t apart) {
    to[0] = s[0] + s[1];
    to[apart] = s[3];
    to[2 * apart] = s[1] + s[2];
  }
};

/// The gradient of the input for steps of two: 4 results from 3 neighbours a, b, c of the gradient. With turned taps, every second
/// result is F(2, 2) of them, the others tap 1 times a neighbour. Which come first, follows from the padding (`Odd`).
/// derivation  dx(2 j + k - pad) takes dy(j) g(k); with h = turned g: b' = a h0 + b h2 = (a - b) h0 + b (h0 + h2), c' = b h0 + c h2
template <bool Odd>
struct winograd_by_two_back {
  static constexpr int inputs = 3, places = 5, kernels = 4, results = 4, step = 2;
  static constexpr index_t kernel_of(index_t place) { return winograd_by_two::kernel_of(place); }
  template <class T>
  static constexpr index_t block(index_t row, index_t rows) {
    return cached_block<T>(places * places, row, rows);
  }
  /// Of the neighbour a of the first result, counted backwards from 0.
  static constexpr index_t padding(index_t pad) { return Odd ? -(pad - 1) / 2 : 1 - pad / 2; }

  template <class O, class V = typename O::vector>
  static void input(const V* d, V* to, index_t apart) {
    to[0] = d[0] - d[1];
    to[apart] = d[1];
    to[2 * apart] = d[2] - d[1];
    to[3 * apart] = d[Odd ? 0 : 1];
    to[4 * apart] = d[Odd ? 1 : 2];
  }
  template <class O, class V = typename O::vector>
  static void result(const V* m, V* to, index_t apart) {
    to[Odd ? apart : 0] = m[0] + m[1];
    to[Odd ? 3 * apart : 2 * apart] = m[1] + m[2];
    to[Odd ? 0 : apart] = m[3];
    to[Odd ? 2 * apart : 3 * apart] = m[4];
  }
  template <class O, class V = typename O::vector>
  static void kernel(const V* g, V* to, index_t apart) {
    winograd_by_two::kernel<O>(g, to, apart);
  }
};

}  // namespace pretext::simd::detail
