// SPDX-License-Identifier: BSD-3-Clause
// build: avx512bf16
#include "pretext/backend/simd/conv2d.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "pretext/backend/simd/gemm_bfloat16.hpp"
#include "pretext/backend/simd/gemm_block16.hpp"
#include "pretext/backend/simd/reduce.hpp"
#include "pretext/core/tensor.hpp"
#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::conv2d_geometry;
using pretext::thread_pool;

namespace {

conv2d_geometry geometry(index_t h, index_t w, index_t in_c, index_t out_c, index_t kh, index_t kw, index_t sh, index_t sw,
                         index_t ph, index_t pw, index_t groups = 1) {
  return {h, w, in_c, pretext::window_extent(h, kh, sh, ph), pretext::window_extent(w, kw, sw, pw), out_c, kh, kw, sh, sw,
          ph, pw, groups};
}

const std::vector<std::pair<index_t, conv2d_geometry>>& cases() {
  static const std::vector<std::pair<index_t, conv2d_geometry>> all{
      {2, geometry(7, 13, 3, 7, 3, 3, 1, 1, 1, 1)},       {3, geometry(9, 8, 5, 31, 3, 2, 2, 1, 1, 0)},
      {1, geometry(1, 1, 1, 1, 1, 1, 1, 1, 0, 0)},        {2, geometry(11, 9, 16, 33, 1, 1, 1, 1, 0, 0)},
      {2, geometry(10, 10, 13, 20, 1, 1, 2, 2, 0, 0)},    {2, geometry(13, 13, 3, 17, 7, 7, 2, 2, 3, 3)},
      {1, geometry(6, 5, 4, 6, 3, 3, 3, 2, 2, 2)},        {2, geometry(5, 5, 12, 18, 3, 3, 1, 1, 1, 1, 3)},
      {2, geometry(8, 7, 8, 4, 3, 3, 2, 2, 1, 1, 2)},     {2, geometry(9, 9, 35, 35, 3, 3, 1, 1, 1, 1, 35)},
      {2, geometry(9, 8, 20, 20, 3, 3, 2, 2, 1, 1, 20)},  {1, geometry(3, 3, 2, 3, 5, 5, 1, 1, 4, 4)},
      {2, geometry(4, 4, 130, 70, 3, 3, 1, 1, 1, 1)},     {9, geometry(20, 20, 3, 8, 3, 3, 1, 1, 1, 1)},
      {1, geometry(5, 4, 2, 3, 2, 2, 4, 3, 0, 0)},        {2, geometry(6, 6, 4, 8, 3, 3, 1, 1, 1, 1, 4)},
      // Pictures: one to four channels; strides, paddings and kernels wider than tall; lines that are no whole tile, lines
      // cut into chains, several blocks of lines.
      {2, geometry(9, 16, 1, 32, 3, 3, 1, 1, 1, 1)},      {1, geometry(6, 29, 4, 33, 3, 5, 1, 1, 1, 2)},
      {2, geometry(37, 18, 2, 16, 4, 3, 3, 2, 2, 0)},     {1, geometry(70, 9, 3, 40, 3, 2, 1, 1, 0, 1)},
      {1, geometry(3, 300, 1, 5, 1, 3, 1, 1, 0, 1)},      {3, geometry(5, 24, 1, 31, 2, 1, 4, 3, 0, 0)},
      {2, geometry(9, 8, 3, 7, 3, 3, 1, 1, 4, 4)},
      // Winograd: even and odd maps, every padding, channels that fill a panel or half of one, several blocks and parts,
      // sums that are cut.
      {3, geometry(8, 8, 16, 32, 3, 3, 1, 1, 1, 1)},      {2, geometry(7, 9, 48, 16, 3, 3, 1, 1, 1, 1)},
      {1, geometry(6, 5, 32, 48, 3, 3, 1, 1, 0, 2)},      {1, geometry(2, 2, 16, 16, 3, 3, 1, 1, 2, 1)},
      {9, geometry(20, 19, 16, 16, 3, 3, 1, 1, 1, 1)},    {2, geometry(4, 4, 272, 528, 3, 3, 1, 1, 1, 1)},
      // In tiles of 4 x 4: every rest of one, every padding, several blocks and parts, sums that are cut.
      {2, geometry(7, 13, 48, 16, 3, 3, 1, 1, 1, 1)},     {1, geometry(13, 14, 32, 48, 3, 3, 1, 1, 0, 2)},
      {2, geometry(10, 15, 16, 16, 3, 3, 1, 1, 2, 0)},    {2, geometry(8, 7, 272, 32, 3, 3, 1, 1, 1, 1)},
      {1, geometry(15, 16, 48, 32, 3, 3, 1, 1, 0, 0)},    {25, geometry(8, 8, 32, 32, 3, 3, 1, 1, 1, 1)},
      {1, geometry(31, 31, 16, 48, 3, 3, 1, 1, 1, 1)},    {2, geometry(13, 8, 32, 16, 3, 3, 1, 1, 2, 2)},
      // The same by steps of two: results that fill their tiles and that do not, both orders of the gradient's results.
      {3, geometry(8, 8, 16, 32, 3, 3, 2, 2, 1, 1)},      {2, geometry(31, 32, 48, 16, 3, 3, 2, 2, 1, 1)},
      {1, geometry(32, 29, 16, 48, 3, 3, 2, 2, 0, 2)},    {1, geometry(8, 7, 32, 16, 3, 3, 2, 2, 2, 2)},
      {5, geometry(8, 12, 16, 16, 3, 3, 2, 2, 0, 0)},     {2, geometry(4, 4, 272, 80, 3, 3, 2, 2, 1, 1)},
      {17, geometry(14, 14, 16, 16, 3, 3, 2, 2, 1, 1)},   {1, geometry(8, 8, 16, 16, 3, 3, 2, 2, 1, 2)},
  };
  return all;
}

/// The definition: visit(output offset, input offset, weight offset) for every product.
template <class Visit>
void each_product(const conv2d_geometry& g, index_t batch, Visit&& visit) {
  const index_t gi = g.in_c / g.groups, go = g.out_c / g.groups;
  for (index_t n = 0; n < batch; ++n)
    for (index_t oy = 0; oy < g.out_h; ++oy)
      for (index_t ox = 0; ox < g.out_w; ++ox)
        for (index_t ky = 0; ky < g.kernel_h; ++ky)
          for (index_t kx = 0; kx < g.kernel_w; ++kx) {
            const index_t iy = oy * g.stride_h - g.pad_h + ky, ix = ox * g.stride_w - g.pad_w + kx;
            if (iy < 0 || ix < 0 || iy >= g.in_h || ix >= g.in_w) continue;
            for (index_t group = 0; group < g.groups; ++group)
              for (index_t i = 0; i < gi; ++i)
                for (index_t o = 0; o < go; ++o)
                  visit(static_cast<std::size_t>(((n * g.out_h + oy) * g.out_w + ox) * g.out_c + group * go + o),
                        static_cast<std::size_t>(((n * g.in_h + iy) * g.in_w + ix) * g.in_c + group * gi + i),
                        static_cast<std::size_t>(((group * g.kernel_h * g.kernel_w + ky * g.kernel_w + kx) * gi + i) * go + o));
          }
}

template <class T, class Terms = simd::exact_terms>
struct run {
  conv2d_geometry g;
  index_t batch;
  index_t in_size() const { return batch * g.in_h * g.in_w * g.in_c; }
  index_t out_size() const { return batch * g.out_h * g.out_w * g.out_c; }
  std::vector<T> x() const { return random_values<T>(in_size(), 1); }
  std::vector<T> w() const { return random_values<T>(g.weights(), 2); }
  std::vector<T> dy() const { return random_values<T>(out_size(), 3); }
  std::vector<T> bias() const { return random_values<T>(g.out_c, 4); }

  std::vector<T> forward(int threads, bool with_bias, T least = -std::numeric_limits<T>::infinity()) const {
    thread_pool pool(threads);
    const auto in = x(), weights = w(), b = bias();
    auto y = empty<T>(out_size(), T(9)), s = scratch(simd::conv2d_forward_scratch<T, native, Terms>(threads, g, batch));
    simd::conv2d_forward<T, native, Terms>(pool, g, batch, in.data(), weights.data(), {with_bias ? b.data() : nullptr, least},
                                           y.data(), s.data());
    check(s);
    return y;
  }
  std::vector<T> input_gradient(int threads, bool accumulate) const {
    thread_pool pool(threads);
    const auto d = dy(), weights = w();
    auto dx = x(), s = scratch(simd::conv2d_input_gradient_scratch<T, native, Terms>(threads, g, batch));
    simd::conv2d_input_gradient<T, native, Terms>(pool, g, batch, d.data(), weights.data(), dx.data(), accumulate, s.data());
    check(s);
    return dx;
  }
  std::vector<T> weight_gradient(int threads) const {
    thread_pool pool(threads);
    const auto d = dy(), in = x();
    auto dw = w(), s = scratch(simd::conv2d_weight_gradient_scratch<T, native, Terms>(threads, g, batch));
    simd::conv2d_weight_gradient<T, native, Terms>(pool, g, batch, in.data(), d.data(), dw.data(), s.data());
    check(s);
    return dw;
  }
  static std::vector<T> scratch(index_t n) {
    auto s = empty<T>(n + 8, T(0));
    for (int i = 0; i < 8; ++i) s[static_cast<std::size_t>(n + i)] = T(77);
    return s;
  }
  static void check(const std::vector<T>& s) {
    for (std::size_t i = s.size() - 9; i + 1 < s.size(); ++i) REQUIRE(s[i] == T(77));
  }
};

template <class T>
struct exact : simd::exact_terms {
  using value = T;
  static bool close(const std::vector<T>& a, const std::vector<double>& ref, index_t n) {
    return relative_error(a, ref, n) < tolerance<T>();
  }
};
/// Operands rounded to bfloat16: as floats, and as pairs where the unit was compiled for them.
template <bool Dot>
struct bfloat16 : simd::bfloat16_terms_by<Dot && simd::has_bfloat16_dot<native>> {
  using value = float;
  static bool close(const std::vector<float>& a, const std::vector<double>& ref, index_t n) { return relative_l2(a, ref, n) < 5e-3; }
};
struct block16 : simd::block16_terms {
  using value = float;
  static bool close(const std::vector<float>& a, const std::vector<double>& ref, index_t n) { return relative_l2(a, ref, n) < 2e-3; }
};

}  // namespace

TEMPLATE_TEST_CASE("simd conv2d: forward and both gradients agree with the definition", "[backend][simd][conv2d]", exact<float>,
                   exact<double>, bfloat16<false>, bfloat16<true>, block16) {
  using T = typename TestType::value;
  int number = 0;
  for (const auto& [batch, g] : cases()) {
    INFO("case " << number++);
    const run<T, TestType> r{g, batch};
    const auto x = r.x(), w = r.w(), dy = r.dy(), bias = r.bias();
    std::vector<double> y(static_cast<std::size_t>(r.out_size())), dx(x.begin(), x.end()), dw(w.begin(), w.end());
    std::vector<double> overwritten(x.size());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<double>(bias[i % static_cast<std::size_t>(g.out_c)]);
    each_product(g, batch, [&](std::size_t o, std::size_t i, std::size_t k) {
      y[o] += static_cast<double>(x[i]) * static_cast<double>(w[k]);
      const double back = static_cast<double>(dy[o]) * static_cast<double>(w[k]);
      dx[i] += back;
      overwritten[i] += back;
      dw[k] += static_cast<double>(dy[o]) * static_cast<double>(x[i]);
    });
    CHECK(TestType::close(r.forward(1, true), y, r.out_size()));
    CHECK(TestType::close(r.input_gradient(1, true), dx, r.in_size()));
    CHECK(TestType::close(r.input_gradient(1, false), overwritten, r.in_size()));
    CHECK(TestType::close(r.weight_gradient(1), dw, g.weights()));
  }
}

TEMPLATE_TEST_CASE("simd conv2d: same bits for any number of threads", "[backend][simd][conv2d]", exact<float>, bfloat16<false>,
                   bfloat16<true>, block16) {
  for (const auto& [batch, g] : cases()) {
    const run<float, TestType> r{g, batch};
    const auto y = r.forward(1, true), dx = r.input_gradient(1, false), dw = r.weight_gradient(1);
    for (int threads : {2, 3, 5}) {
      CHECK(same_bits(y, r.forward(threads, true)));
      CHECK(same_bits(dx, r.input_gradient(threads, false)));
      CHECK(same_bits(dw, r.weight_gradient(threads)));
    }
  }
}

TEMPLATE_TEST_CASE("simd conv2d: a clamp on the way is one afterwards, to the bit", "[backend][simd][conv2d]", exact<float>, exact<double>,
                   bfloat16<false>, bfloat16<true>, block16) {
  using T = typename TestType::value;
  for (const auto& [batch, g] : cases()) {
    const run<T, TestType> r{g, batch};
    auto y = r.forward(1, true);
    const T least = y.size() % 2 == 0 ? T(0) : T(-0.25);
    for (T& v : y) v = v > least ? v : least;
    CHECK(same_bits(y, r.forward(2, true, least)));
  }
}

TEMPLATE_TEST_CASE("simd conv2d: moments taken on the way are those of what was written, far from zero and beside outliers", "[backend][simd][conv2d]",
                   exact<float>, exact<double>, block16) {
  using T = typename TestType::value;
  int taken = 0;
  for (const auto& [batch, g] : cases()) {
    const index_t size = simd::block_moments_scratch<T, native, TestType>(g, batch);
    if (size == 0) continue;
    ++taken;
    INFO(batch << " x " << g.in_h << "x" << g.in_w << "x" << g.in_c << " -> " << g.out_c << " by " << g.stride_h);
    const run<T, TestType> r{g, batch};
    const auto w = r.w();
    auto x = r.x();
    for (index_t i = 0; i < r.in_size(); i += g.in_h * g.in_w * g.in_c) x[static_cast<std::size_t>(i)] = T(300);  // where blocks begin
    const std::vector<T> bias(static_cast<std::size_t>(g.out_c), T(1000));
    const auto moments = [&](int threads, std::vector<T>& y) {
      thread_pool pool(threads);
      auto s = run<T, TestType>::scratch(simd::conv2d_forward_scratch<T, native, TestType>(threads, g, batch)), blocks = run<T, TestType>::scratch(size);
      simd::finished<T> finish(bias.data());
      finish.moments = {blocks.data(), g.out_c};
      simd::conv2d_forward<T, native, TestType>(pool, g, batch, x.data(), w.data(), finish, y.data(), s.data());
      std::vector<T> both(static_cast<std::size_t>(2 * g.out_c));
      simd::merge_blocks<T, native>(simd::forward_blocks<T, native, TestType>(g, batch), finish.moments, both.data(), both.data() + g.out_c);
      run<T, TestType>::check(s), run<T, TestType>::check(blocks);
      return both;
    };
    auto y = empty<T>(r.out_size(), T(9)), again = y;
    const auto found = moments(1, y);
    CHECK(same_bits(found, moments(3, again)));
    CHECK(same_bits(y, again));
    const index_t rows = r.out_size() / g.out_c;
    for (index_t c = 0; c < g.out_c; ++c) {
      long double mean = 0, m2 = 0;
      for (index_t i = 0; i < rows; ++i) mean += y[static_cast<std::size_t>(i * g.out_c + c)];
      mean /= static_cast<long double>(rows);
      for (index_t i = 0; i < rows; ++i) {
        const long double d = y[static_cast<std::size_t>(i * g.out_c + c)] - mean;
        m2 += d * d;
      }
      const double off = std::abs(static_cast<double>(found[static_cast<std::size_t>(c)] - mean)), spread = std::sqrt(static_cast<double>(m2) / static_cast<double>(rows));
      REQUIRE(off <= tolerance<T>() * std::max(spread, 0.1 * static_cast<double>(mean)));
      REQUIRE(std::abs(static_cast<double>(found[static_cast<std::size_t>(g.out_c + c)] - m2)) <= tolerance<T>() * static_cast<double>(m2));
    }
  }
  CHECK(taken >= (std::is_same_v<TestType, block16> ? 1 : 15));
}

TEMPLATE_TEST_CASE("simd conv2d: a sample has the same bits alone and in a batch", "[backend][simd][conv2d]", exact<float>,
                   bfloat16<false>, bfloat16<true>, block16) {
  for (const auto& [batch, g] : cases()) {
    if (batch < 2) continue;
    const run<float, TestType> many{g, batch};
    const auto y = many.forward(2, true), x = many.x(), w = many.w(), bias = many.bias();
    const index_t one = many.out_size() / batch, in = many.in_size() / batch;
    thread_pool pool(2);
    auto alone = empty<float>(one), s = empty<float>(simd::conv2d_forward_scratch<float, native, TestType>(2, g, 1));
    simd::conv2d_forward<float, native, TestType>(pool, g, 1, x.data() + in, w.data(), bias.data(), alone.data(), s.data());
    CHECK(std::memcmp(alone.data(), y.data() + one, static_cast<std::size_t>(one) * sizeof(float)) == 0);
    const auto dx = many.input_gradient(2, false), dy = many.dy();
    auto dx_alone = empty<float>(in), t = empty<float>(simd::conv2d_input_gradient_scratch<float, native, TestType>(2, g, 1));
    simd::conv2d_input_gradient<float, native, TestType>(pool, g, 1, dy.data() + one, w.data(), dx_alone.data(), false, t.data());
    CHECK(std::memcmp(dx_alone.data(), dx.data() + in, static_cast<std::size_t>(in) * sizeof(float)) == 0);
  }
}

TEST_CASE("simd conv2d: maps that go past the caches have the bits of those that do not", "[backend][simd][conv2d]") {
  // Two samples are above 16 MiB, one is not: by Winograd and by patches, forward and back, maps of odd height.
  for (const conv2d_geometry& g : {geometry(361, 366, 16, 16, 3, 3, 1, 1, 1, 1), geometry(361, 366, 3, 16, 3, 3, 1, 1, 1, 1),
                                   geometry(361, 366, 16, 3, 3, 3, 1, 1, 1, 1), geometry(361, 366, 16, 64, 3, 3, 2, 2, 1, 1)}) {
    const run<float> two{g, 2}, one{g, 1};
    REQUIRE((std::max(two.out_size(), two.in_size()) >= (1 << 22) && std::max(one.out_size(), one.in_size()) < (1 << 22)));
    const auto w = two.w(), x = two.x(), dy = two.dy();
    const auto results = [&](index_t batch, index_t first) {
      thread_pool pool(2);
      pretext::buffer<float> y(batch * one.out_size()), dx(batch * one.in_size());  // aligned: others never go past
      auto s = empty<float>(std::max(simd::conv2d_forward_scratch<float, native>(2, g, batch),
                                     simd::conv2d_input_gradient_scratch<float, native>(2, g, batch)));
      simd::conv2d_forward<float, native>(pool, g, batch, x.data() + first * one.in_size(), w.data(), nullptr, y.data(), s.data());
      simd::conv2d_input_gradient<float, native>(pool, g, batch, dy.data() + first * one.out_size(), w.data(), dx.data(), false,
                                                 s.data());
      return std::pair{std::move(y), std::move(dx)};
    };
    const auto [y, dx] = results(2, 0);
    const auto [y_alone, dx_alone] = results(1, 1);
    CHECK(std::memcmp(y_alone.data(), y.data() + one.out_size(), static_cast<std::size_t>(one.out_size()) * sizeof(float)) == 0);
    CHECK(std::memcmp(dx_alone.data(), dx.data() + one.in_size(), static_cast<std::size_t>(one.in_size()) * sizeof(float)) == 0);
  }
}

TEST_CASE("simd conv2d: a long sum of a small weight gradient is split by size and still exact",
          "[backend][simd][conv2d]") {
  const conv2d_geometry g = geometry(32, 32, 1, 2, 3, 3, 1, 1, 1, 1);
  const run<double> r{g, 20};
  REQUIRE(simd::detail::weight_gradient_parts<double, native>(g, 20 * 32 * 32) > 1);
  const auto x = r.x(), dy = r.dy(), w = r.w();
  std::vector<double> dw(w.begin(), w.end());
  each_product(g, 20, [&](std::size_t o, std::size_t i, std::size_t k) { dw[k] += dy[o] * x[i]; });
  const auto one = r.weight_gradient(1);
  CHECK(relative_error(one, dw, g.weights()) < 1e-12);
  CHECK(same_bits(one, r.weight_gradient(3)));
}

TEMPLATE_TEST_CASE("simd conv2d: scratch of a large batch is enough for smaller ones", "[backend][simd][conv2d]", exact<float>,
                   bfloat16<true>, block16) {
  for (const auto& [unused, g] : cases()) {
    (void)unused;
    for (index_t batch = 1; batch < 40; ++batch) {
      CHECK(simd::conv2d_forward_scratch<float, native, TestType>(2, g, batch) <= simd::conv2d_forward_scratch<float, native, TestType>(2, g, batch + 1));
      CHECK(simd::block_moments_scratch<float, native, TestType>(g, batch) <= simd::block_moments_scratch<float, native, TestType>(g, batch + 1));
      CHECK(simd::forward_blocks<float, native, TestType>(g, batch).count() <= simd::forward_blocks<float, native, TestType>(g, batch + 1).most);
      CHECK(simd::conv2d_input_gradient_scratch<float, native, TestType>(2, g, batch) <=
            simd::conv2d_input_gradient_scratch<float, native, TestType>(2, g, batch + 1));
      CHECK(simd::conv2d_weight_gradient_scratch<float, native, TestType>(2, g, batch) <=
            simd::conv2d_weight_gradient_scratch<float, native, TestType>(2, g, batch + 1));
    }
  }
}
