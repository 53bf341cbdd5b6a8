// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"

#include "pretext/similarity/similarity.hpp"

using namespace ops_test;
using pretext::workspace;
namespace similarity = pretext::similarity;

namespace {

/// Any function of (dot, |row|^2, |column|^2) will do; this one is neither symmetric nor has a constant derivative.
struct lopsided {
  static constexpr bool uses_norms = true;
  template <class M, class V>
  static V score(const V& dot, const V& row, const V& column) {
    return M::tanh(dot) + V(0.25) * row * dot - M::sqrt(V(1) + column);
  }
  template <class M, class V>
  static similarity::partials<V> derivative(const V& dot, const V& row, const V&) {
    const V t = M::tanh(dot);
    return {V(1) - t * t + V(0.25) * row, V(0.25) * dot};
  }
};

similarity::gaussian_kernel gaussian(float width) {
  similarity::gaussian_kernel k;
  k.width = width;
  return k;
}

struct problem {
  index_t m, n, d;
  op::pair_mask mask = {};
  double inverse = 2;
  bool self = false;      // columns are the rows
  bool row_side = true, column_side = true, expected = true;
  bool unit = false;      // rows of length one, as a cosine takes them
};

template <class T>
std::vector<T> rows_of(index_t m, index_t d, std::uint64_t seed, bool unit) {
  const double size = 1 / std::sqrt(static_cast<double>(d));
  std::vector<T> z = values<T>(m * d, seed, -size, size);
  for (index_t i = 0; unit && i < m; ++i) {
    double square = 0;
    for (index_t j = 0; j < d; ++j) square += std::pow(static_cast<double>(z[static_cast<std::size_t>(i * d + j)]), 2);
    // Through float, so that every type starts from the same numbers.
    for (index_t j = 0; j < d; ++j) {
      T& v = z[static_cast<std::size_t>(i * d + j)];
      v = static_cast<T>(static_cast<float>(static_cast<double>(v) / std::sqrt(square)));
    }
  }
  return z;
}

template <class Pair>
void check(const Pair& pair, const problem& p) {
  INFO("m " << p.m << " n " << p.n << " d " << p.d << " offset " << p.mask.self_offset << " drop " << p.mask.drop_positive
            << " same " << p.mask.same_rows << " sides " << p.row_side << p.column_side);
  agree([&](auto& run, auto zero) {
    using T = decltype(zero);
    const auto q = rows_of<T>(p.m, p.d, 1, p.unit), other = rows_of<T>(p.n, p.d, 2, p.unit);
    const auto& k = p.self ? q : other;
    const std::vector<T> inverse{static_cast<T>(p.inverse)};
    std::vector<std::int32_t> row_positives(static_cast<std::size_t>(p.m)), column_positives(static_cast<std::size_t>(p.n), -1);
    for (index_t i = 0; i < p.m; ++i) {
      const auto at = static_cast<std::size_t>(i);
      row_positives[at] = static_cast<std::int32_t>(p.self ? (i + p.m / 2) % p.m : i % 4 == 3 ? -1 : i * 5 % (p.n > 0 ? p.n : 1));
    }
    // Several columns may share a row, others have none.
    for (index_t j = 0; j < p.n; ++j)
      column_positives[static_cast<std::size_t>(j)] =
          static_cast<std::int32_t>(p.self ? (j + p.m / 2) % p.m : j % 3 == 0 ? j / 9 : -1);
    auto lse = stale<T>(p.m), positive = std::vector<T>(static_cast<std::size_t>(p.m), T(-5));
    run(op::contrastive_forward, pair, in(q, {p.m, p.d}), in(k, {p.n, p.d}), in(row_positives, {p.m}), p.mask, in(inverse, {1}),
        out(lse, {p.m}), out(positive, {p.m}));
    auto d_rows = values<T>(p.m * p.d, 3, -1e-3, 1e-3);
    auto expected = stale<T>(p.m);
    const auto column_lse = p.self ? lse : values<T>(p.n, 4, 2, 3);
    run(op::contrastive_gradient, pair, in(q, {p.m, p.d}), in(k, {p.n, p.d}), in(row_positives, {p.m}), in(column_positives, {p.n}),
        p.mask, in(inverse, {1}), p.row_side ? in(lse, {p.m}) : tensor_view<const T>{},
        p.column_side ? in(column_lse, {p.n}) : tensor_view<const T>{}, T(0.25), out(d_rows, {p.m, p.d}),
        p.expected ? out(expected, {p.m}) : tensor_view<T>{});
    if (!p.expected) expected.clear();
    return outputs<T>{lse, positive, d_rows, expected};
  });
}

template <class Pair>
void check_all(const Pair& pair, bool unit = false) {
  for (const index_t m : {2, 14, 62, 258})
    for (const bool drop : {false, true})
      if (m > 2 || !drop)
        for (const bool same : {false, true})
          check(pair, {.m = m, .n = m, .d = m == 62 ? 31 : 13, .mask = {0, drop, same}, .self = true, .expected = !same, .unit = unit});
  check(pair, {.m = 30, .n = 30, .d = 13, .mask = {0, false, true}, .self = true, .unit = unit});
  // Blocks of pairs have up to 192 rows, a quarter of them where they are few: one more than whole blocks of any width.
  for (const index_t m : {66, 194, 514})
    check(pair, {.m = m, .n = m, .d = m == 66 ? 129 : 5, .mask = {0, m == 194, true}, .self = true, .expected = false, .unit = unit});
  check(pair, {.m = 1, .n = 7, .d = 1, .mask = {}, .unit = unit});
  check(pair, {.m = 7, .n = 300, .d = 65, .mask = {}, .row_side = true, .column_side = false, .unit = unit});
  check(pair, {.m = 31, .n = 257, .d = 7, .mask = {100, true}, .row_side = true, .column_side = false, .unit = unit});
  check(pair, {.m = 60, .n = 513, .d = 33, .mask = {7, false}, .row_side = false, .column_side = true, .expected = false, .unit = unit});
  check(pair, {.m = 13, .n = 31, .d = 64, .mask = {}, .expected = false, .unit = unit});
}

/// Loss and gradient of a batch of rows z, each its own column, on a back end.
template <class B, class Pair, class T>
outputs<T> batch(runner<B>& run, const Pair& pair, const std::vector<T>& z, index_t m, T inverse_temperature, bool same = false) {
  const index_t d = static_cast<index_t>(z.size()) / m;
  std::vector<std::int32_t> positives(static_cast<std::size_t>(m));
  for (index_t i = 0; i < m; ++i) positives[static_cast<std::size_t>(i)] = m % 2 == 0 ? static_cast<std::int32_t>((i + m / 2) % m) : -1;
  const std::vector<T> inverse{inverse_temperature};
  const op::pair_mask mask{0, false, same};
  auto lse = stale<T>(m), positive = lse;
  std::vector<T> dz(z.size());
  run(op::contrastive_forward, pair, in(z, {m, d}), in(z, {m, d}), in(positives, {m}), mask, in(inverse, {1}),
      out(lse, {m}), out(positive, {m}));
  run(op::contrastive_gradient, pair, in(z, {m, d}), in(z, {m, d}), in(positives, {m}), in(positives, {m}), mask,
      in(inverse, {1}), in(lse, {m}), in(lse, {m}), T(1), out(dz, {m, d}), tensor_view<T>{});
  return {lse, dz};
}

}  // namespace

TEST_CASE("contrastive: dot agrees with the reference", "[backend][ops][contrastive]") { check_all(similarity::dot{}); }
TEST_CASE("contrastive: negative_squared_euclidean agrees with the reference", "[backend][ops][contrastive]") {
  check_all(similarity::negative_squared_euclidean{});
}
TEST_CASE("contrastive: cosine agrees with the reference", "[backend][ops][contrastive]") { check_all(similarity::cosine{}, true); }
TEST_CASE("contrastive: gaussian_kernel agrees with the reference", "[backend][ops][contrastive]") {
  check_all(gaussian(0.5f));
}
TEST_CASE("contrastive: a user's pair functor agrees with the reference", "[backend][ops][contrastive]") { check_all(lopsided{}); }

TEST_CASE("contrastive: a row without candidates has lse -inf and no gradient", "[backend][ops][contrastive]") {
  check(similarity::dot{}, {.m = 5, .n = 0, .d = 7, .mask = {}, .row_side = true, .column_side = false});
  check(similarity::dot{}, {.m = 0, .n = 5, .d = 7, .mask = {}});
  check(similarity::dot{}, {.m = 1, .n = 1, .d = 7, .mask = {0, false}, .row_side = true, .column_side = false});
}

TEMPLATE_TEST_CASE("contrastive: bounded scores agree at any temperature, with one exponential a pair and with two",
                   "[backend][ops][contrastive]", float, double) {
  using T = TestType;
  runner<simd> run(1);
  runner<backend::reference> specification;
  // Up to 70 for cosines in float and 600 in double one exponential serves both sides; twice that for gaussian kernels.
  for (const double inverse : {0.01, 1.0, 5.0, 69.9, 70.1, 100.0, 139.0, 141.0, 599.0, 601.0, 1000.0, 10000.0}) {
    INFO("inverse temperature " << inverse);
    auto z = rows_of<T>(130, 24, 1, true);
    for (index_t j = 0; j < 24; ++j) {  // rows that all scores of lie at an end of the range
      const auto at = static_cast<std::size_t>(j);
      for (const std::size_t row : {3u, 4u, 5u}) z[row * 24 + at] = z[at];
      z[6 * 24 + at] = -z[at];
    }
    const std::vector<double> same(z.begin(), z.end());
    const auto hold = [&](const auto& pair) {
      const outputs<double> expected = batch(specification, pair, same, 130, static_cast<double>(static_cast<T>(inverse)));
      for (const bool same_rows : {false, true}) {
        const outputs<T> got = batch(run, pair, z, 130, static_cast<T>(inverse), same_rows);
        // A score is known to the last bit of the inverse temperature, and its exponential to as much: no form can do better.
        const double unit = std::fmax(1.0, inverse / 20);
        for (std::size_t i = 0; i < got.size(); ++i) CHECK(relative_error(got[i], expected[i]) <= unit * tolerance<T>());
      }
    };
    hold(similarity::cosine{});
    hold(gaussian(0.7f));
  }
}

TEST_CASE("contrastive: all rows but one at one pole, at the lowest temperature of one exponential", "[backend][ops][contrastive]") {
  const index_t m = 600;
  std::vector<float> z(static_cast<std::size_t>(2 * m));
  for (index_t i = 0; i < m; ++i) z[static_cast<std::size_t>(2 * i)] = i == 77 ? -1.0f : 1.0f;
  const std::vector<double> same(z.begin(), z.end());
  runner<simd> run(2);
  runner<backend::reference> specification;
  for (const float inverse : {70.0f, 70.5f, 1000.0f}) {
    const outputs<double> expected = batch(specification, similarity::cosine{}, same, m, static_cast<double>(inverse));
    for (const bool same_rows : {false, true}) {
      const outputs<float> got = batch(run, similarity::cosine{}, z, m, inverse, same_rows);
      CHECK(relative_error(got[0], expected[0]) < 1e-6);
      // Nearly all rows have a gradient of zero, the difference of terms that are known to the last bit of the log-sum-exp.
      CHECK(relative_error(got[1], expected[1]) < 2e-5 * static_cast<double>(inverse) / 10);
    }
  }
}

TEMPLATE_TEST_CASE("contrastive: the same rows in any number have one result on any number of threads", "[backend][ops][contrastive]", float,
                   double) {
  using T = TestType;
  runner<backend::reference> specification;
  runner<simd> one(1), two(2), three(3), five(5);
  // Odd numbers of rows have no positives: what derived objectives ask for. Two rows are each other's.
  for (const index_t m : {1, 2, 7, 33, 193, 2 * 257, 1537}) {
    INFO("m " << m);
    const auto z = rows_of<T>(m, m < 300 ? 40 : 6, 5, true);
    const std::vector<double> same(z.begin(), z.end());
    const auto hold = [&](const auto& pair) {
      if (m > 1000 && !std::is_same_v<decltype(pair), const similarity::cosine&>) return;
      const outputs<T> got = batch(one, pair, z, m, T(8), true);
      CHECK(same_bits(batch(two, pair, z, m, T(8), true), got));
      CHECK(same_bits(batch(three, pair, z, m, T(8), true), got));
      CHECK(same_bits(batch(five, pair, z, m, T(8), true), got));
      const outputs<double> expected = batch(specification, pair, same, m, 8.0, true);
      CHECK(relative_error(got[0], expected[0]) <= tolerance<T>());
      // Two rows leave no choice: the gradient is zero, the difference of terms of the size of the inverse temperature.
      if (m > 2) CHECK(relative_error(got[1], expected[1]) <= tolerance<T>());
      else
        for (const T v : got[1]) CHECK(std::fabs(static_cast<double>(v)) <= 8 * tolerance<T>());
    };
    hold(similarity::cosine{});
    hold(similarity::dot{});
    hold(gaussian(0.7f));
  }
}

TEST_CASE("contrastive: the same rows, huge, tiny, zero and not a number", "[backend][ops][contrastive]") {
  const index_t m = 258, d = 20;
  runner<simd> run(2);
  runner<backend::reference> specification;
  for (const float size : {0.0f, 1e-30f, 1e-4f, 30.0f}) {
    INFO("size " << size);
    auto z = rows_of<float>(m, d, 9, true);
    for (index_t j = 0; j < d; ++j) z[static_cast<std::size_t>(200 * d + j)] *= size;
    const std::vector<double> same(z.begin(), z.end());
    const outputs<float> got = batch(run, similarity::dot{}, z, m, 2.0f, true);
    const outputs<double> expected = batch(specification, similarity::dot{}, same, m, 2.0, true);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(relative_error(got[i], expected[i]) <= 1e-5);
  }
  auto z = rows_of<float>(m, d, 9, true);
  z[200 * d + 3] = std::numeric_limits<float>::quiet_NaN();
  const outputs<float> got = batch(run, similarity::cosine{}, z, m, 2.0f, true);
  for (const float v : got[0]) CHECK(std::isnan(v));  // it is a candidate of every row
}

TEST_CASE("contrastive: memory of the same rows is linear in them, 40 MB for 32768 rows of 128", "[backend][ops][contrastive]") {
  const backend::simd<> of(2);
  backend::count<backend::simd<>> be(of);
  const auto scratch = [&](index_t m) {
    const tensor_view<const float> z{nullptr, {m, 128}}, one{nullptr, 1}, row{nullptr, {m}};
    const tensor_view<const std::int32_t> ids{nullptr, {m}};
    const op::pair_mask mask{0, false, true};
    workspace memory;
    be.run(op::contrastive_forward, memory, similarity::cosine{}, z, z, ids, mask, one, tensor_view<float>{nullptr, {m}},
           tensor_view<float>{nullptr, {m}});
    be.run(op::contrastive_gradient, memory, similarity::cosine{}, z, z, ids, ids, mask, one, row, row, 1.0f,
           tensor_view<float>{nullptr, {m, 128}}, tensor_view<float>{});
    return memory.peak();
  };
  CHECK(scratch(32768) <= 40'000'000);
  CHECK(scratch(65536) <= 2 * scratch(32768));
  std::size_t before = 0;
  for (index_t m = 1; m < 3000; m += 7) {
    CHECK(scratch(m) >= before);
    before = scratch(m);
  }
}

TEST_CASE("contrastive: a row has the same bits alone and among others", "[backend][ops][contrastive]") {
  const index_t n = 300, d = 24;
  const auto q = rows_of<float>(131, d, 1, true), k = rows_of<float>(n, d, 2, true), column_lse = values<float>(n, 3, 2, 3);
  const std::vector<float> inverse{4};
  runner<simd> run(2);
  const auto part = [&](index_t first, index_t rows) {
    const std::vector<float> some(q.begin() + first * d, q.begin() + (first + rows) * d);
    const std::vector<std::int32_t> none(static_cast<std::size_t>(rows), -1), no_column(static_cast<std::size_t>(n), -1);
    auto lse = stale<float>(rows), positive = lse;
    std::vector<float> dq(some.size());
    run(op::contrastive_forward, similarity::cosine{}, in(some, {rows, d}), in(k, {n, d}), in(none, {rows}), op::pair_mask{}, in(inverse, {1}),
        out(lse, {rows}), out(positive, {rows}));
    run(op::contrastive_gradient, similarity::cosine{}, in(some, {rows, d}), in(k, {n, d}), in(none, {rows}), in(no_column, {n}),
        op::pair_mask{}, in(inverse, {1}), in(lse, {rows}), in(column_lse, {n}), 1.0f, out(dq, {rows, d}), tensor_view<float>{});
    return outputs<float>{lse, dq};
  };
  const outputs<float> all = part(0, 131);
  for (const index_t rows : {1, 5, 12, 50}) {
    const outputs<float> some = part(7, rows);
    CHECK(std::memcmp(some[0].data(), all[0].data() + 7, static_cast<std::size_t>(rows) * sizeof(float)) == 0);
    CHECK(std::memcmp(some[1].data(), all[1].data() + 7 * d, static_cast<std::size_t>(rows * d) * sizeof(float)) == 0);
  }
}

TEMPLATE_TEST_CASE("contrastive: scores of a thousand stay finite", "[backend][ops][contrastive]", float, double) {
  using T = TestType;
  const index_t m = 26, d = 5;
  const auto z = values<T>(m * d, 1, -30, 30);
  std::vector<std::int32_t> positives(26);
  for (int i = 0; i < 26; ++i) positives[static_cast<std::size_t>(i)] = (i + 13) % 26;
  const std::vector<T> inverse{1};
  auto lse = stale<T>(m), positive = lse;
  std::vector<T> dz(static_cast<std::size_t>(m * d));
  runner<simd> run(1);
  run(op::contrastive_forward, similarity::dot{}, in(z, {m, d}), in(z, {m, d}), in(positives, {m}), op::pair_mask{0, false},
      in(inverse, {1}), out(lse, {m}), out(positive, {m}));
  run(op::contrastive_gradient, similarity::dot{}, in(z, {m, d}), in(z, {m, d}), in(positives, {m}), in(positives, {m}),
      op::pair_mask{0, false}, in(inverse, {1}), in(lse, {m}), in(lse, {m}), T(1), out(dz, {m, d}), tensor_view<T>{});
  for (const T v : lse) CHECK(std::isfinite(v));
  for (const T v : dz) CHECK(std::isfinite(v));
}
