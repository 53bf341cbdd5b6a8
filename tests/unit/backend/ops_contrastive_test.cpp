// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"

#include "pretext/similarity/similarity.hpp"

using namespace ops_test;
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
};

template <class Pair>
void check(const Pair& pair, const problem& p) {
  INFO("m " << p.m << " n " << p.n << " d " << p.d << " offset " << p.mask.self_offset << " drop " << p.mask.drop_positive
            << " sides " << p.row_side << p.column_side);
  agree([&](auto& run, auto zero) {
    using T = decltype(zero);
    const double size = 1 / std::sqrt(static_cast<double>(p.d));
    const auto q = values<T>(p.m * p.d, 1, -size, size), other = values<T>(p.n * p.d, 2, -size, size);
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
void check_all(const Pair& pair) {
  for (const index_t m : {2, 14, 62, 258})
    for (const bool drop : {false, true})
      if (m > 2 || !drop) check(pair, {.m = m, .n = m, .d = m == 62 ? 31 : 13, .mask = {0, drop}, .self = true});
  check(pair, {.m = 1, .n = 7, .d = 1, .mask = {}});
  check(pair, {.m = 7, .n = 300, .d = 65, .mask = {}, .row_side = true, .column_side = false});
  check(pair, {.m = 31, .n = 257, .d = 7, .mask = {100, true}, .row_side = true, .column_side = false});
  check(pair, {.m = 60, .n = 513, .d = 33, .mask = {7, false}, .row_side = false, .column_side = true, .expected = false});
  check(pair, {.m = 13, .n = 31, .d = 64, .mask = {}, .expected = false});
}

}  // namespace

TEST_CASE("contrastive: dot agrees with the reference", "[backend][ops][contrastive]") { check_all(similarity::dot{}); }
TEST_CASE("contrastive: negative_squared_euclidean agrees with the reference", "[backend][ops][contrastive]") {
  check_all(similarity::negative_squared_euclidean{});
}
TEST_CASE("contrastive: gaussian_kernel agrees with the reference", "[backend][ops][contrastive]") {
  check_all(gaussian(0.5f));
}
TEST_CASE("contrastive: a user's pair functor agrees with the reference", "[backend][ops][contrastive]") { check_all(lopsided{}); }

TEST_CASE("contrastive: a row without candidates has lse -inf and no gradient", "[backend][ops][contrastive]") {
  check(similarity::dot{}, {.m = 5, .n = 0, .d = 7, .mask = {}, .row_side = true, .column_side = false});
  check(similarity::dot{}, {.m = 0, .n = 5, .d = 7, .mask = {}});
  check(similarity::dot{}, {.m = 1, .n = 1, .d = 7, .mask = {0, false}, .row_side = true, .column_side = false});
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
