// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/pool2d.hpp"

#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::pool2d_geometry;
using pretext::thread_pool;
using pretext::window_extent;

namespace {

pool2d_geometry geometry(index_t h, index_t w, index_t c, index_t k, index_t s, index_t p) {
  return {h, w, c, window_extent(h, k, s, p), window_extent(w, k, s, p), k, k, s, s, p, p};
}

const std::vector<pool2d_geometry>& cases() {
  static const std::vector<pool2d_geometry> all{geometry(8, 6, 1, 2, 2, 0),   geometry(7, 9, 13, 3, 2, 1),
                                                geometry(5, 5, 65, 3, 1, 1),  geometry(4, 4, 31, 4, 4, 0),
                                                geometry(1, 1, 7, 1, 1, 0),   geometry(13, 7, 130, 2, 3, 1)};
  return all;
}

template <class Visit>
void each_window_pixel(const pool2d_geometry& g, index_t batch, Visit&& visit) {
  for (index_t n = 0; n < batch; ++n)
    for (index_t oy = 0; oy < g.out_h; ++oy)
      for (index_t ox = 0; ox < g.out_w; ++ox)
        for (index_t ky = 0; ky < g.kernel_h; ++ky)
          for (index_t kx = 0; kx < g.kernel_w; ++kx) {
            const index_t y = oy * g.stride_h - g.pad_h + ky, x = ox * g.stride_w - g.pad_w + kx;
            if (y < 0 || x < 0 || y >= g.in_h || x >= g.in_w) continue;
            for (index_t c = 0; c < g.channels; ++c)
              visit(static_cast<std::size_t>(((n * g.out_h + oy) * g.out_w + ox) * g.channels + c),
                    static_cast<std::size_t>(((n * g.in_h + y) * g.in_w + x) * g.channels + c),
                    static_cast<std::int32_t>(y * g.in_w + x));
          }
}

}  // namespace

TEMPLATE_TEST_CASE("simd pool2d: maxima, winners and their gradient agree with the definition", "[backend][simd][pool]",
                   float, double) {
  using T = TestType;
  const index_t batch = 3;
  for (const auto& g : cases()) {
    const index_t in = batch * g.in_h * g.in_w * g.channels, out = batch * g.out_h * g.out_w * g.channels;
    auto x = random_values<T>(in, 1);
    for (auto& v : x) v = std::round(v * 4);  // many equal values: the first must win
    const auto dy = random_values<T>(out, 2);
    std::vector<T> best(static_cast<std::size_t>(out), -std::numeric_limits<T>::infinity());
    std::vector<std::int32_t> winner(best.size(), -1);
    std::vector<std::size_t> source(best.size());
    each_window_pixel(g, batch, [&](std::size_t o, std::size_t i, std::int32_t pixel) {
      if (x[i] > best[o]) {
        best[o] = x[i];
        winner[o] = pixel;
        source[o] = i;
      }
    });
    std::vector<double> dx(x.begin(), x.end());
    for (std::size_t o = 0; o < best.size(); ++o) dx[source[o]] += static_cast<double>(dy[o]);
    std::vector<T> first;
    for (int threads : {1, 2, 3, 5}) {
      thread_pool pool(threads);
      std::vector<T> y(best.size());
      std::vector<std::int32_t> argmax(best.size());
      simd::max_pool2d_forward<T, native>(pool, g, batch, x.data(), y.data(), argmax.data());
      CHECK(y == best);
      CHECK(argmax == winner);
      auto d = x;
      simd::max_pool2d_backward<T, native>(pool, g, batch, dy.data(), argmax.data(), d.data(), true);
      CHECK(relative_error(d, dx, in) < tolerance<T>());
      if (first.empty()) first = d;
      CHECK(same_bits(first, d));
      auto overwritten = x, zero = std::vector<T>(x.size(), T(0));
      simd::max_pool2d_backward<T, native>(pool, g, batch, dy.data(), argmax.data(), overwritten.data(), false);
      simd::max_pool2d_backward<T, native>(pool, g, batch, dy.data(), argmax.data(), zero.data(), true);
      CHECK(overwritten == zero);
    }
  }
}

TEMPLATE_TEST_CASE("simd pool2d: averages and their gradient agree with the definition", "[backend][simd][pool]", float,
                   double) {
  using T = TestType;
  const index_t batch = 2;
  for (const auto& g : cases())
    for (bool padding : {false, true}) {
      const index_t in = batch * g.in_h * g.in_w * g.channels, out = batch * g.out_h * g.out_w * g.channels;
      const auto x = random_values<T>(in, 1), dy = random_values<T>(out, 2);
      std::vector<double> y(static_cast<std::size_t>(out)), count(y.size()), dx(x.begin(), x.end());
      each_window_pixel(g, batch, [&](std::size_t o, std::size_t i, std::int32_t) {
        y[o] += static_cast<double>(x[i]);
        count[o] += 1;
      });
      if (padding)
        for (auto& c : count) c = static_cast<double>(g.kernel_h * g.kernel_w);
      for (std::size_t o = 0; o < y.size(); ++o) y[o] /= count[o];
      each_window_pixel(g, batch, [&](std::size_t o, std::size_t i, std::int32_t) { dx[i] += static_cast<double>(dy[o]) / count[o]; });
      std::vector<T> first;
      for (int threads : {1, 3}) {
        thread_pool pool(threads);
        auto result = empty<T>(out);
        simd::average_pool2d_forward<T, native>(pool, g, batch, padding, x.data(), result.data());
        CHECK(relative_error(result, y, out) < tolerance<T>());
        auto d = x;
        simd::average_pool2d_backward<T, native>(pool, g, batch, padding, dy.data(), d.data(), true);
        CHECK(relative_error(d, dx, in) < tolerance<T>());
        if (first.empty()) first = d;
        CHECK(same_bits(first, d));
      }
    }
}

TEST_CASE("simd pool2d: a NaN wins its window", "[backend][simd][pool]") {
  thread_pool pool(1);
  const auto g = geometry(2, 2, 3, 2, 2, 0);
  std::vector<float> x{1, 2, 3, 4, NAN, 6, 7, 8, -9, 1, 1, 1}, y(3);
  std::vector<std::int32_t> argmax(3);
  simd::max_pool2d_forward<float, native>(pool, g, 1, x.data(), y.data(), argmax.data());
  CHECK(y[0] == 7.0f);
  CHECK(std::isnan(y[1]));
  CHECK(y[2] == 6.0f);
  CHECK(argmax == std::vector<std::int32_t>{2, 1, 1});
}

TEMPLATE_TEST_CASE("simd pool2d: the global average and its gradient agree with the definition", "[backend][simd][pool]",
                   float, double) {
  using T = TestType;
  for (index_t pixels : {1, 16, 257})
    for (index_t C : {1, 13, 64, 257}) {
      const index_t batch = 3;
      const auto x = random_values<T>(batch * pixels * C, 1), dy = random_values<T>(batch * C, 2);
      std::vector<double> y(dy.size()), dx(x.begin(), x.end());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t c = i % static_cast<std::size_t>(C), n = i / static_cast<std::size_t>(pixels * C);
        y[n * static_cast<std::size_t>(C) + c] += static_cast<double>(x[i]) / static_cast<double>(pixels);
        dx[i] += static_cast<double>(dy[n * static_cast<std::size_t>(C) + c]) / static_cast<double>(pixels);
      }
      thread_pool pool(2);
      auto result = empty<T>(batch * C), d = x;
      simd::global_average_forward<T, native>(pool, batch, pixels, C, x.data(), result.data());
      simd::global_average_backward<T, native>(pool, batch, pixels, C, dy.data(), d.data(), true);
      CHECK(relative_error(result, y, batch * C) < tolerance<T>());
      CHECK(relative_error(d, dx, batch * pixels * C) < tolerance<T>());
    }
}
