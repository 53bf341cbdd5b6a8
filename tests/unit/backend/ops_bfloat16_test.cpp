// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512 avx512bf16
// Ops on maps stored as bfloat16: what is stored is the exact result rounded once, what is summed is as exact as with floats.
#include "ops_support.hpp"

#include "pretext/nn/activation.hpp"

using namespace ops_test;
using pretext::bfloat16;
using pretext::conv2d_geometry;
using pretext::master_t;
using pretext::pool2d_geometry;
using pretext::nn::functor::relu;

namespace {

/// What an op wrote, as doubles, and whether it was rounded to bfloat16.
struct written {
  std::vector<double> values;
  bool stored;
};
using results = std::vector<written>;

/// Numbers that are exact in bfloat16, so that every type starts from the same.
template <class S>
std::vector<S> map_values(index_t n, std::uint64_t seed, double low = -1, double high = 1) {
  std::vector<S> v(static_cast<std::size_t>(n));
  const auto f = values<float>(n, seed, low, high);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<S>(static_cast<float>(bfloat16(f[i])));
  return v;
}
template <class S>
std::vector<S> unwritten(index_t n) {
  return std::vector<S>(static_cast<std::size_t>(n), S(std::numeric_limits<float>::quiet_NaN()));
}
template <class S>
void add(results& r, const std::vector<S>& v, bool stored) {
  written w{std::vector<double>(v.size()), stored};
  for (std::size_t i = 0; i < v.size(); ++i) w.values[i] = static_cast<double>(v[i]);
  r.push_back(std::move(w));
}

/// Elements further from the exact result than one rounding and what float sums lose, of which the latter is `slack` of the largest.
index_t wrong(const written& got, const written& exact, double slack = 1e-5) {
  if (got.values.size() != exact.values.size()) return -1;
  double largest = 0;
  for (const double v : exact.values) largest = std::fmax(largest, std::fabs(v));
  index_t n = 0;
  for (std::size_t i = 0; i < got.values.size(); ++i)
    n += !(std::fabs(got.values[i] - exact.values[i]) <= (got.stored ? 0x1p-8 * std::fabs(exact.values[i]) : 0.0) + slack * largest);
  return n;
}
bool same(const results& a, const results& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].values.size() != b[i].values.size() ||
        (!a[i].values.empty() && std::memcmp(a[i].values.data(), b[i].values.data(), 8 * a[i].values.size()) != 0))
      return false;
  return a.size() == b.size();
}

/// A case runs ops on maps stored as S beside numbers of master_t<S>. simd on one to three threads and the reference, both in
/// bfloat16, against the reference in double.
template <class Case>
void agree_stored(const Case& c) {
  runner<backend::reference> specification;
  const results exact = c(specification, double{}), plain = c(specification, bfloat16{});
  runner<simd> one(1), two(2), three(3);
  const results got = c(one, bfloat16{});
  REQUIRE(got.size() == exact.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("output " << i);
    CHECK(wrong(got[i], exact[i]) == 0);
    CHECK(wrong(plain[i], exact[i]) == 0);
  }
  CHECK(same(c(two, bfloat16{}), got));
  CHECK(same(c(three, bfloat16{}), got));
}

conv2d_geometry geometry(index_t h, index_t w, index_t in_c, index_t out_c, index_t k, index_t stride, index_t pad, index_t groups) {
  return {h, w, in_c, pretext::window_extent(h, k, stride, pad), pretext::window_extent(w, k, stride, pad), out_c,
          k, k, stride, stride, pad, pad, groups};
}
void check_convolution(index_t b, const conv2d_geometry& g) {
  INFO("batch " << b << " " << g.in_h << "x" << g.in_w << "x" << g.in_c << " -> " << g.out_c << " kernel " << g.kernel_h
                << " stride " << g.stride_h << " pad " << g.pad_h << " groups " << g.groups);
  const extents x_size(b, g.in_h, g.in_w, g.in_c), y_size(b, g.out_h, g.out_w, g.out_c),
      w_size(g.groups, g.kernel_h, g.kernel_w, g.group_in(), g.group_out());
  agree_stored([&](auto& run, auto zero) {
    using S = decltype(zero);
    using M = master_t<S>;
    const auto x = map_values<S>(x_size.size(), 1), dy = map_values<S>(y_size.size(), 4);
    const auto w = values<M>(w_size.size(), 2), bias = values<M>(g.out_c, 3);
    auto y = unwritten<S>(y_size.size()), plain = y, clamped = y, dx = unwritten<S>(x_size.size());
    auto dw = values<M>(w_size.size(), 5);
    run(op::conv2d, in(x, x_size), in(w, w_size), in(bias, {g.out_c}), out(y, y_size), g);
    run(op::conv2d, in(x, x_size), in(w, w_size), tensor_view<const M>{}, out(plain, y_size), g);
    run(op::conv2d_map, relu{}, in(x, x_size), in(w, w_size), in(bias, {g.out_c}), out(clamped, y_size), g);
    run(op::conv2d_input_gradient, in(dy, y_size), in(w, w_size), out(dx, x_size), g);
    run(op::conv2d_weight_gradient, in(x, x_size), in(dy, y_size), out(dw, w_size), g);
    auto measured = unwritten<S>(y_size.size());
    auto mean = unwritten<M>(g.out_c), m2 = mean, mean_of_stored = mean, m2_of_stored = mean;
    run(op::conv2d_moments, in(x, x_size), in(w, w_size), in(bias, {g.out_c}), out(measured, y_size), out(mean, {g.out_c}), out(m2, {g.out_c}), g);
    run(op::column_moments, in(measured, y_size), out(mean_of_stored, {g.out_c}), out(m2_of_stored, {g.out_c}));
    CHECK((mean == mean_of_stored && m2 == m2_of_stored));  // moments of what was rounded
    results r;
    add(r, y, true), add(r, plain, true), add(r, clamped, true), add(r, dx, true), add(r, dw, false);
    add(r, measured, true);
    return r;
  });
}

void check_products(index_t m, index_t n, index_t k) {
  INFO(m << " x " << n << " x " << k);
  agree_stored([&](auto& run, auto zero) {
    using S = decltype(zero);
    using M = master_t<S>;
    const auto x = map_values<S>(m * k, 1), dy = map_values<S>(m * n, 2);
    const auto w = values<M>(n * k, 3), bias = values<M>(n, 4);
    auto y = unwritten<S>(m * n), clamped = y, dx = unwritten<S>(m * k), added = map_values<S>(m * n, 6);
    auto dw = values<M>(n * k, 5), sums = values<M>(n, 7);
    run(op::linear, in(x, {m, k}), in(w, {n, k}), in(bias, {n}), out(y, {m, n}));
    run(op::linear_map, relu{}, in(x, {m, k}), in(w, {n, k}), in(bias, {n}), out(clamped, {m, n}));
    run(op::matmul, in(dy, {m, n}), in(w, {n, k}), out(dx, {m, k}), op::matmul_options{});
    run(op::matmul, in(dy, {m, n}), in(x, {m, k}), out(dw, {n, k}), op::matmul_options{.transpose_a = true, .accumulate = true});
    run(op::column_sums, in(dy, {m, n}), out(sums, {n}));
    run(op::matmul, in(x, {m, k}), in(w, {n, k}), out(added, {m, n}), op::matmul_options{.transpose_b = true, .accumulate = true});
    results r;
    add(r, y, true), add(r, clamped, true), add(r, dx, true), add(r, dw, false), add(r, sums, false), add(r, added, true);
    return r;
  });
}

}  // namespace

TEST_CASE("bf16 maps: products agree with the exact ones", "[backend][ops][bf16]") {
  for (const index_t m : {0, 1, 7, 13})
    for (const index_t n : {1, 13, 31})
      for (const index_t k : {1, 7, 33}) check_products(m, n, k);
  check_products(131, 97, 257);
}
// More terms than a block of steps: the sums in between have to keep all their digits.
TEST_CASE("bf16 maps: long sums are rounded once", "[backend][ops][bf16]") {
  check_products(5, 33, 1025);
  check_products(37, 1500, 70);
  check_products(2, 3, 9000);
}
TEST_CASE("bf16 maps: products of two maps, either one transposed", "[backend][ops][bf16]") {
  for (const int bits : {0, 1, 2, 3})
    agree_stored([&](auto& run, auto zero) {
      using S = decltype(zero);
      const bool ta = (bits & 1) != 0, tb = (bits & 2) != 0;
      const index_t m = 19, n = 35, k = 41;
      const auto a = map_values<S>(m * k, 1), b = map_values<S>(k * n, 2);
      auto c = unwritten<S>(m * n);
      run(op::matmul, in(a, ta ? extents(k, m) : extents(m, k)), in(b, tb ? extents(n, k) : extents(k, n)), out(c, {m, n}),
          op::matmul_options{.transpose_a = ta, .transpose_b = tb});
      results r;
      add(r, c, true);
      return r;
    });
}

TEST_CASE("bf16 maps: convolutions of every kind agree with the exact ones", "[backend][ops][bf16]") {
  for (const index_t b : {0, 1, 3}) {
    check_convolution(b, geometry(7, 6, 3, 7, 3, 1, 1, 1));
    check_convolution(b, geometry(9, 8, 13, 31, 3, 2, 1, 1));
    check_convolution(b, geometry(5, 5, 31, 13, 1, 1, 0, 1));
    check_convolution(b, geometry(5, 7, 7, 5, 1, 2, 0, 1));
    check_convolution(b, geometry(6, 6, 6, 9, 3, 1, 1, 3));
    check_convolution(b, geometry(7, 5, 33, 33, 3, 2, 1, 33));
    check_convolution(b, geometry(9, 7, 16, 32, 3, 1, 1, 1));  // Winograd
    check_convolution(b, geometry(8, 8, 48, 16, 3, 1, 0, 1));
  }
  check_convolution(4, geometry(20, 20, 1, 32, 3, 1, 1, 1));
  check_convolution(2, geometry(17, 18, 3, 32, 7, 2, 3, 1));
  check_convolution(2, geometry(6, 6, 130, 40, 3, 2, 1, 1));  // 1170 terms
}

TEST_CASE("bf16 maps: elementwise ops", "[backend][ops][bf16]") {
  for (const index_t n : {0, 1, 7, 31, 257, 20000})
    agree_stored([&](auto& run, auto zero) {
      using S = decltype(zero);
      using M = master_t<S>;
      const auto x = map_values<S>(n, 1), dy = map_values<S>(n, 2);
      auto y = unwritten<S>(n), dx = y, narrow = y, kept = y, filled = y, added = map_values<S>(n, 3), joined = added, scaled = added, shifted = added;
      auto wide = unwritten<M>(n);
      run(op::map, pretext::nn::functor::gelu{}, in(x, {n}), out(y, {n}));
      run(op::map_backward, pretext::nn::functor::relu{}, in(x, {n}), in(dy, {n}), out(dx, {n}));
      run(op::add, in(x, {n}), out(added, {n}));
      run(op::add_map, pretext::nn::functor::relu{}, in(x, {n}), out(joined, {n}));
      run(op::copy, in(x, {n}), out(wide, {n}));
      run(op::copy, in(values<M>(n, 8), {n}), out(narrow, {n}));
      run(op::fill, M(0.3f), out(filled, {n}));
      run(op::scale, M(0.7f), out(scaled, {n}));
      run(op::shift, M(0.7f), out(shifted, {n}));
      run(op::dropout, pretext::rng::key{.seed = 3}, 0.3, index_t{5}, in(x, {n}), out(kept, {n}));
      results r;
      add(r, y, true), add(r, dx, true), add(r, added, true), add(r, joined, true), add(r, wide, false), add(r, narrow, true);
      add(r, filled, true), add(r, scaled, true), add(r, shifted, true), add(r, kept, true);
      return r;
    });
}

TEST_CASE("bf16 maps: batch_norm's ops, whose statistics stay floats", "[backend][ops][bf16]") {
  for (const index_t m : {1, 13, 70})
    for (const index_t c : {1, 7, 33, 64})
      agree_stored([&](auto& run, auto zero) {
        using S = decltype(zero);
        using M = master_t<S>;
        using F = pretext::nn::functor::relu;
        const extents map(m, c);
        const auto x = map_values<S>(m * c, 1), dy = map_values<S>(m * c, 2);
        const auto mean = values<M>(c, 3), rstd = values<M>(c, 4, 0.5, 2), gamma = values<M>(c, 5), beta = values<M>(c, 6), s = values<M>(c, 7), t = values<M>(c, 8);
        auto own_mean = unwritten<M>(c), m2 = own_mean, a = own_mean, b = own_mean, d = own_mean, e = own_mean;
        auto y = unwritten<S>(m * c), z = y, dx = y, dz = y, scaled = y, constant = y;
        const auto row = [&](const auto& v) { return in(v, {c}); };
        run(op::column_moments, in(x, map), out(own_mean, {c}), out(m2, {c}));
        run(op::normalize_columns, in(x, map), row(mean), row(rstd), row(gamma), row(beta), out(y, map));
        run(op::normalize_columns_map, F{}, in(x, map), row(mean), row(rstd), row(gamma), row(beta), out(z, map));
        run(op::batch_norm_sums, in(x, map), in(dy, map), row(mean), row(rstd), out(a, {c}), out(b, {c}));
        run(op::batch_norm_map_sums, F{}, in(x, map), in(dy, map), row(mean), row(rstd), row(gamma), row(beta), out(d, {c}), out(e, {c}));
        const double count = static_cast<double>(m);
        run(op::batch_norm_input_gradient, in(x, map), in(dy, map), row(mean), row(rstd), row(gamma), row(s), row(t), count, out(dx, map));
        run(op::batch_norm_map_input_gradient, F{}, in(x, map), in(dy, map), row(mean), row(rstd), row(gamma), row(beta), row(s), row(t), count, out(dz, map));
        run(op::batch_norm_map_input_gradient, F{}, in(x, map), in(dy, map), row(mean), row(rstd), row(gamma), row(beta), row(s), row(t), 0.0, out(constant, map));
        run(op::scale_columns, in(dy, map), row(rstd), row(gamma), out(scaled, map));
        results r;
        add(r, own_mean, false), add(r, m2, false), add(r, a, false), add(r, b, false), add(r, d, false), add(r, e, false);
        add(r, y, true), add(r, z, true), add(r, dx, true), add(r, dz, true), add(r, constant, true), add(r, scaled, true);
        return r;
      });
}

TEST_CASE("bf16 maps: pooling, also where windows overlap", "[backend][ops][bf16]") {
  for (const index_t c : {1, 7, 33, 70})
    for (const auto& [kernel, stride, pad] : {std::array<index_t, 3>{2, 2, 0}, {3, 2, 1}, {3, 1, 1}})
      agree_stored([&](auto& run, auto zero) {
        using S = decltype(zero);
        const index_t h = 7, w = 6, b = 2, oh = pretext::window_extent(h, kernel, stride, pad), ow = pretext::window_extent(w, kernel, stride, pad);
        const pool2d_geometry g{.in_h = h, .in_w = w, .channels = c, .out_h = oh, .out_w = ow, .kernel_h = kernel, .kernel_w = kernel,
                                .stride_h = stride, .stride_w = stride, .pad_h = pad, .pad_w = pad};
        const extents map(b, h, w, c), small(b, oh, ow, c), mean(b, c);
        const auto x = map_values<S>(map.size(), 1), dy = map_values<S>(small.size(), 2), dm = map_values<S>(b * c, 3);
        auto y = unwritten<S>(small.size()), average = y, dx = unwritten<S>(map.size()), spread = dx, means = unwritten<S>(b * c);
        std::vector<std::int32_t> argmax(static_cast<std::size_t>(small.size()), -7);
        run(op::max_pool2d, in(x, map), out(y, small), out(argmax, small), g);
        run(op::max_pool2d_backward, in(dy, small), in(argmax, small), out(dx, map), g);
        run(op::avg_pool2d, in(x, map), out(average, small), g);
        run(op::spatial_mean, in(x, {b, h * w, c}), out(means, mean));
        run(op::spatial_mean_backward, in(dm, mean), out(spread, {b, h * w, c}));
        results r;
        add(r, y, true), add(r, dx, true), add(r, average, true), add(r, means, true), add(r, spread, true), add(r, argmax, false);
        return r;
      });
}

TEST_CASE("bf16 maps: NaN, infinities and ties are stored as a single conversion does", "[backend][ops][bf16]") {
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> x{0.0f, -0.0f, inf, -inf, std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(), 3.4e38f, -3.4e38f,
                       1.00390625f, 1.01171875f, 1.0039063f, -1.00390625f, 1e-30f, 65280.0f, __builtin_bit_cast(float, 0x7F800001u)};
  for (const float v : values<float>(1000, 9, -1e5, 1e5)) x.push_back(v);
  const index_t n = static_cast<index_t>(x.size());
  for (index_t skip = 0; skip < 17; ++skip) {
    std::vector<bfloat16> y(static_cast<std::size_t>(n - skip));
    std::vector<float> back(y.size());
    runner<simd> run(1);
    run(op::copy, tensor_view<const float>{x.data() + skip, {n - skip}}, out(y, {n - skip}));
    run(op::copy, in(y, {n - skip}), out(back, {n - skip}));
    index_t differ = 0;
    for (index_t i = 0; i < n - skip; ++i) {
      const float own = x[static_cast<std::size_t>(i + skip)], stored = y[static_cast<std::size_t>(i)];
      differ += std::isnan(own) ? !std::isnan(stored) : y[static_cast<std::size_t>(i)].bits != bfloat16(own).bits;
      differ += __builtin_bit_cast(std::uint32_t, back[static_cast<std::size_t>(i)]) != __builtin_bit_cast(std::uint32_t, stored);
    }
    CHECK(differ == 0);
  }
}

TEST_CASE("bf16 maps: attention and its gradient", "[backend][ops][bf16][attention]") {
  for (const index_t length : {1, 13, 70, 300}) {
    constexpr index_t d = 6, heads = 2;
    const std::vector<std::int32_t> lengths{static_cast<std::int32_t>(length), static_cast<std::int32_t>(length / 2)};
    const pretext::extent structure{.samples = 2, .length = length, .lengths = lengths.data()};
    const extents in_size(2, length, 3 * heads * d), out_size(2, length, heads * d), lse_size(2, heads, length);
    agree_stored([&](auto& run, auto zero) {
      using S = decltype(zero);
      using M = master_t<S>;
      const op::attention_options o{.heads = heads, .causal = length == 70};
      const auto qkv = map_values<S>(in_size.size(), 1), dy = map_values<S>(out_size.size(), 2), any_y = map_values<S>(out_size.size(), 3);
      auto y = unwritten<S>(out_size.size()), dqkv = unwritten<S>(in_size.size());
      auto lse = unwritten<M>(lse_size.size());
      run(op::attention, in(qkv, in_size), structure, o, out(y, out_size), out(lse, lse_size));
      run(op::attention_gradient, in(qkv, in_size), structure, o, in(any_y, out_size), in(lse, lse_size), in(dy, out_size), out(dqkv, in_size));
      results r;
      add(r, y, true), add(r, dqkv, true);
      return r;
    });
  }
}
