// SPDX-License-Identifier: BSD-3-Clause
// Laws and errors of Winograd's method; simd_conv2d_test.cpp holds it to the definition.
#include "pretext/backend/simd/conv2d_winograd.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "pretext/backend/simd/conv2d.hpp"
#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::conv2d_geometry;

namespace {

conv2d_geometry geometry(index_t h, index_t w, index_t in_c, index_t out_c, index_t pad_h, index_t pad_w, index_t step = 1) {
  return {h, w, in_c, pretext::window_extent(h, 3, step, pad_h), pretext::window_extent(w, 3, step, pad_w), out_c, 3, 3, step, step, pad_h,
          pad_w, 1};
}
bool in_fours(const conv2d_geometry& g) {
  return g.stride_h == 1 && pretext::prefers_tiles_of_four(g.out_h, g.out_w) && pretext::prefers_tiles_of_four(g.in_h, g.in_w);
}

/// Tiles of 4 x 4, of 2 x 2, and steps of two.
const std::vector<std::pair<index_t, conv2d_geometry>>& cases() {
  static const std::vector<std::pair<index_t, conv2d_geometry>> all{
      {2, geometry(9, 7, 16, 32, 1, 1)},   {3, geometry(15, 16, 32, 16, 0, 2)}, {1, geometry(12, 31, 16, 16, 1, 2)}, {25, geometry(8, 8, 16, 32, 1, 1)},
      {2, geometry(5, 10, 32, 16, 1, 1)}, {2, geometry(4, 4, 16, 48, 2, 0)},   {2, geometry(8, 8, 16, 32, 1, 1, 2)}};
  return all;
}

/// Standard normal numbers.
template <class T>
std::vector<T> normal(index_t n, std::uint64_t seed) {
  const auto u = random_values<double>(2 * n, seed, 0, 1);
  std::vector<T> v(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<T>(std::sqrt(-2 * std::log(1 - u[2 * i])) * std::cos(6.283185307179586 * u[2 * i + 1]));
  return v;
}
template <class T>
double dot(const std::vector<T>& a, const std::vector<T>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// One convolution of normal numbers and its results.
template <class T>
struct convolution {
  conv2d_geometry g;
  index_t batch;
  std::vector<T> x, w, dy, y, dx, dw;
  pretext::thread_pool pool{1};

  convolution(index_t n, const conv2d_geometry& geometry)
      : g(geometry), batch(n), x(normal<T>(n * g.in_h * g.in_w * g.in_c, 1)), w(normal<T>(g.weights(), 2)),
        dy(normal<T>(n * g.out_h * g.out_w * g.out_c, 3)), y(dy.size()), dx(x.size()), dw(w.size()) {}

  void forward() {
    auto s = empty<T>(simd::conv2d_forward_scratch<T, native>(1, g, batch));
    simd::conv2d_forward<T, native>(pool, g, batch, x.data(), w.data(), {}, y.data(), s.data());
  }
  void run() {
    forward();
    auto s = empty<T>(std::max(simd::conv2d_input_gradient_scratch<T, native>(1, g, batch), simd::conv2d_weight_gradient_scratch<T, native>(1, g, batch)));
    simd::conv2d_input_gradient<T, native>(pool, g, batch, dy.data(), w.data(), dx.data(), false, s.data());
    simd::conv2d_weight_gradient<T, native>(pool, g, batch, x.data(), dy.data(), dw.data(), s.data());
  }
};

}  // namespace

TEMPLATE_TEST_CASE("simd winograd: both gradients are the adjoints of the forward pass", "[backend][simd][conv2d]", float, double) {
  for (const auto& [batch, g] : cases()) {
    convolution<TestType> c(batch, g);
    c.run();
    // y is linear in x and in w: <y, dy> = <x, dx> = <w, dw>.
    const double forward = dot(c.y, c.dy), allowed = tolerance<TestType>() * std::sqrt(dot(c.y, c.y) * dot(c.dy, c.dy));
    CHECK(std::fabs(forward - dot(c.x, c.dx)) < allowed);
    CHECK(std::fabs(forward - dot(c.w, c.dw)) < allowed);
  }
}

TEST_CASE("simd winograd: the gradient of the weights is the difference of forward passes", "[backend][simd][conv2d]") {
  for (const auto& [batch, g] : cases()) {
    convolution<double> c(batch, g);
    c.run();
    for (std::size_t k = 0; k < c.w.size(); k += 401) {
      const double was = c.w[k], step = 0.5;
      const auto loss = [&](double at) {
        c.w[k] = at;
        c.forward();
        return dot(c.y, c.dy);
      };
      const double slope = (loss(was + step) - loss(was - step)) / (2 * step);
      c.w[k] = was;
      CHECK(std::fabs(slope - c.dw[k]) < 1e-9);
    }
  }
}

TEST_CASE("simd winograd: an empty batch adds nothing to the gradient of the weights", "[backend][simd][conv2d]") {
  for (const auto& [unused, g] : cases()) {
    convolution<float> none(0, g);
    none.dw = none.w;
    none.run();
    CHECK(same_bits(none.dw, none.w));
  }
}

TEST_CASE("simd winograd: what is not finite reaches every result that reads it, and no other sample", "[backend][simd][conv2d]") {
  for (const conv2d_geometry& g : {geometry(9, 8, 16, 32, 1, 1), geometry(5, 5, 16, 32, 1, 1)})
    for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
      for (const auto& [py, px] : {std::pair<index_t, index_t>{0, 0}, {4, 3}, {g.in_h - 1, g.in_w - 1}}) {
        convolution<float> c(3, g);
        c.x[static_cast<std::size_t>(((g.in_h + py) * g.in_w + px) * g.in_c + 5)] = bad;  // in sample 1
        c.forward();
        index_t missed = 0, leaked = 0;
        for (std::size_t i = 0; i < c.y.size(); ++i) {
          const index_t pixel = static_cast<index_t>(i) / g.out_c, n = pixel / (g.out_h * g.out_w);
          const index_t down = pixel / g.out_w % g.out_h - py, beside = pixel % g.out_w - px;
          const bool finite = std::isfinite(c.y[i]);
          if (n == 1) missed += finite && down >= -1 && down <= 1 && beside >= -1 && beside <= 1;
          else leaked += !finite;
        }
        CHECK(missed == 0);
        CHECK(leaked == 0);
      }
}

// The figures of docs/design/matrix_kernel.md, for normal numbers, relative 2-norm.
TEST_CASE("simd winograd: errors of float in tiles of 4x4 are a few times those of 2x2, and below 3e-6", "[backend][simd][conv2d]") {
  for (const index_t channels : {64, 256, 512}) {
    const conv2d_geometry large = geometry(8, 8, channels, 32, 1, 1), small = geometry(6, 6, channels, 32, 1, 1);
    REQUIRE((in_fours(large) && !in_fours(small)));
    const auto errors = [](const conv2d_geometry& g) {
      convolution<float> c(2, g);
      c.run();
      convolution<double> twin(2, g);
      twin.x.assign(c.x.begin(), c.x.end());
      twin.w.assign(c.w.begin(), c.w.end());
      twin.dy.assign(c.dy.begin(), c.dy.end());
      twin.run();  // rounds 2^29 times less
      return std::array{relative_l2(c.y, twin.y, static_cast<index_t>(c.y.size())), relative_l2(c.dx, twin.dx, static_cast<index_t>(c.dx.size())),
                        relative_l2(c.dw, twin.dw, static_cast<index_t>(c.dw.size()))};
    };
    const auto fours = errors(large), twos = errors(small);
    for (std::size_t pass = 0; pass < 3; ++pass) {
      INFO("channels " << channels << " pass " << pass << ": " << fours[pass] << " and " << twos[pass]);
      CHECK(fours[pass] < 3e-6);
      CHECK(fours[pass] < 5 * twos[pass]);
    }
  }
}
