// SPDX-License-Identifier: BSD-3-Clause
// The contrastive losses on tensor cores: tiles, fragments and masks on the host executor, beside the reference in double.
#include <cstring>

#define PRETEXT_OPS_ON_BLOCKS
#include "ops_support.hpp"
#include "pretext/backend/cuda/cuda_on_host.hpp"
#include "pretext/precision/bf16.hpp"
#include "pretext/similarity/similarity.hpp"

using namespace ops_test;
using namespace pretext;

namespace {

using rounding = precision::bf16_scores;
using forward_op = op::rounded<op::contrastive_forward_op, rounding>;
using gradient_op = op::rounded<op::contrastive_gradient_op, rounding>;

/// Neither symmetric nor of a constant derivative.
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

struct problem {
  index_t m, n, d;
  op::pair_mask mask = {};
  double inverse = 2;
  bool self = false, row_side = true, column_side = true, expected = true;
  bool only_lse = false;  // where a score is known too badly for its exponential
};

/// Rows of about length one; rounded to bfloat16 where a result is to be known better than the rounding.
template <class T>
std::vector<T> rows_of(index_t m, index_t d, std::uint64_t seed, bool rounded) {
  const double size = std::sqrt(3 / static_cast<double>(d));
  std::vector<T> z = values<T>(m * d, seed, -size, size);
  for (T& v : z)
    if (rounded) v = static_cast<T>(static_cast<float>(bfloat16(static_cast<float>(v))));
  return z;
}

template <class T, class Run, class Forward, class Gradient, class Pair>
outputs<T> computed(Run& run, Forward forward, Gradient gradient, const Pair& pair, const problem& p, bool rounded) {
  const auto q = rows_of<T>(p.m, p.d, 1, rounded), other = rows_of<T>(p.n, p.d, 2, rounded);
  const auto& k = p.self ? q : other;
  const std::vector<T> inverse{static_cast<T>(p.inverse)};
  std::vector<std::int32_t> row_positives(static_cast<std::size_t>(p.m)), column_positives(static_cast<std::size_t>(p.n), -1);
  for (index_t i = 0; i < p.m; ++i)
    row_positives[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(p.self ? (i + p.m / 2) % p.m : i % 4 == 3 ? -1 : i * 5 % (p.n > 0 ? p.n : 1));
  for (index_t j = 0; j < p.n; ++j)
    column_positives[static_cast<std::size_t>(j)] = static_cast<std::int32_t>(p.self ? (j + p.m / 2) % p.m : j % 3 == 0 ? j / 9 : -1);
  auto lse = stale<T>(p.m), positive = std::vector<T>(static_cast<std::size_t>(p.m), T(-5));
  run(forward, pair, in(q, {p.m, p.d}), in(k, {p.n, p.d}), in(row_positives, {p.m}), p.mask, in(inverse, {1}), out(lse, {p.m}), out(positive, {p.m}));
  auto d_rows = values<T>(p.m * p.d, 3, -1e-3, 1e-3);
  auto expected = stale<T>(p.m);
  const auto column_lse = p.self ? lse : values<T>(p.n, 4, 5, 6);
  run(gradient, pair, in(q, {p.m, p.d}), in(k, {p.n, p.d}), in(row_positives, {p.m}), in(column_positives, {p.n}), p.mask, in(inverse, {1}),
      p.row_side ? in(lse, {p.m}) : tensor_view<const T>{}, p.column_side ? in(column_lse, {p.n}) : tensor_view<const T>{}, T(0.25),
      out(d_rows, {p.m, p.d}), p.expected ? out(expected, {p.m}) : tensor_view<T>{});
  if (!p.expected) expected.clear();
  return {lse, positive, d_rows, expected};
}

/// In the 2-norm, relative to b or to `least` a number: a log-sum-exp may be zero by chance, and is known in nats.
double distance(const std::vector<float>& a, const std::vector<double>& b, double least = 0) {
  double difference = 0, size = least * least * static_cast<double>(b.size());
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (static_cast<double>(a[i]) == b[i]) continue;  // infinities
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    size += b[i] * b[i];
  }
  return difference == 0 ? 0 : std::sqrt(difference / size);
}

/// Of rounded rows the log-sum-exp and the scores are those of the reference, and the gradient but for the rounding of its weights.
template <class Pair>
void check(const Pair& pair, const problem& p) {
  INFO("m " << p.m << " n " << p.n << " d " << p.d << " offset " << p.mask.self_offset << " drop " << p.mask.drop_positive << " sides "
            << p.row_side << p.column_side << " inverse " << p.inverse);
  runner<backend::reference> specification;
  for (const bool rounded : {true, false}) {
    const auto wanted = computed<double>(specification, op::contrastive_forward, op::contrastive_gradient, pair, p, rounded);
    outputs<float> first;
    for (int order = 0; order < (rounded ? 4 : 1); ++order) {
      runner<backend::cuda_on_host> run(order);
      const auto got = computed<float>(run, forward_op{}, gradient_op{}, pair, p, rounded);
      CHECK(distance(got[0], wanted[0], 1) < (rounded ? 2e-6 : rounding::allowed));
      CHECK(distance(got[1], wanted[1]) < 2e-6);
      if (!p.only_lse || rounded) CHECK(distance(got[2], wanted[2]) < (rounded ? 3e-3 : rounding::allowed));
      if (p.expected && p.row_side) CHECK(distance(got[3], wanted[3]) < (rounded ? 5e-6 : rounding::allowed));
      if (order == 0)
        first = got;
      else
        for (std::size_t i = 0; i < got.size(); ++i)
          CHECK((got[i].empty() || std::memcmp(got[i].data(), first[i].data(), got[i].size() * sizeof(float)) == 0));
    }
  }
}

template <class Pair>
void check_all(const Pair& pair) {
  for (const index_t m : {2, 14, 62, 130, 258})
    for (const bool drop : {false, true})
      if (m > 2) check(pair, {.m = m, .n = m, .d = m == 62 ? 31 : 13, .mask = {0, drop, false}, .self = true});
  check(pair, {.m = 1, .n = 7, .d = 1});
  check(pair, {.m = 7, .n = 300, .d = 65, .column_side = false});
  check(pair, {.m = 31, .n = 257, .d = 7, .mask = {100, true}, .column_side = false});
  check(pair, {.m = 60, .n = 97, .d = 128, .mask = {7, false}, .row_side = false, .expected = false});
  check(pair, {.m = 129, .n = 33, .d = 129});
  check(pair, {.m = 13, .n = 31, .d = 257, .expected = false});
}

}  // namespace

TEST_CASE("cuda_contrastive_bf16: a row without candidates has lse -inf and no gradient", "[backend][cuda][contrastive]") {
  check(similarity::dot{}, {.m = 5, .n = 0, .d = 7, .column_side = false});
  check(similarity::dot{}, {.m = 0, .n = 5, .d = 7});
  check(similarity::dot{}, {.m = 1, .n = 1, .d = 7, .mask = {0, false}, .column_side = false, .expected = false});
}

TEST_CASE("cuda_contrastive_bf16: low temperatures, huge scores and a NaN", "[backend][cuda][contrastive]") {
  for (const double inverse : {0.01, 20.0, 100.0, 1000.0})
    check(similarity::dot{}, {.m = 130, .n = 130, .d = 40, .mask = {0, false}, .inverse = inverse, .self = true, .expected = false, .only_lse = inverse > 50});
  std::vector<float> z = rows_of<float>(130, 20, 9, true);
  z[100 * 20 + 3] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> one{2.0f};
  const std::vector<std::int32_t> none(130, -1);
  auto lse = stale<float>(130), positive = lse;
  std::fill(lse.begin(), lse.end(), 0.0f);
  runner<backend::cuda_on_host> run(0);
  run(forward_op{}, similarity::dot{}, in(z, {130, 20}), in(z, {130, 20}), in(none, {130}), op::pair_mask{0}, in(one, {1}), out(lse, {130}),
      out(positive, {130}));
  for (const float v : lse) CHECK(std::isnan(v));  // it is a candidate of every row
}

TEST_CASE("cuda_contrastive_bf16: memory is linear in the rows, below 100 MB for 65536 of 128", "[backend][cuda][contrastive]") {
  const auto scratch = [](index_t m) {
    const tensor_view<const float> z{nullptr, {m, 128}}, one{nullptr, 1}, row{nullptr, {m}};
    const tensor_view<const std::int32_t> ids{nullptr, {m}};
    return backend::cuda_on_host::scratch_bytes(gradient_op{}, similarity::dot{}, z, z, ids, ids, op::pair_mask{0}, one, row, row, 1.0f,
                                                tensor_view<float>{nullptr, {m, 128}}, tensor_view<float>{});
  };
  CHECK(scratch(65536) < 100'000'000);
  CHECK(scratch(131072) <= 2 * scratch(65536));
}

TEST_CASE("cuda_contrastive_bf16: what asks for it, and what does not know it", "[backend][cuda][contrastive]") {
  using exact = decltype(context<backend::cuda_on_host, float, comm::null, precision::bf16_products>{}.exact());
  CHECK(std::is_same_v<exact, context<backend::cuda_on_host, float, comm::null, rounding>>);
  using plain = decltype(context<backend::cuda_on_host, float, comm::null, void>{}.exact());
  CHECK(std::is_same_v<plain, context<backend::cuda_on_host, float, comm::null, void>>);
  // The SIMD back end runs its own kernels: to the bit what it computes without.
  const problem p{.m = 30, .n = 30, .d = 13, .mask = {0}, .self = true};
  runner<backend::strict<backend::simd<>>> run(1);
  CHECK(computed<float>(run, forward_op{}, gradient_op{}, similarity::dot{}, p, false) ==
        computed<float>(run, op::contrastive_forward, op::contrastive_gradient, similarity::dot{}, p, false));
  // Nor is anything of double rounded.
  runner<backend::cuda_on_host> blocks(0);
  CHECK(computed<double>(blocks, forward_op{}, gradient_op{}, similarity::dot{}, p, false) ==
        computed<double>(blocks, op::contrastive_forward, op::contrastive_gradient, similarity::dot{}, p, false));
}

TEST_CASE("cuda_contrastive_bf16: dot agrees with the reference", "[backend][cuda][contrastive]") { check_all(similarity::dot{}); }
TEST_CASE("cuda_contrastive_bf16: distances agree with the reference", "[backend][cuda][contrastive]") {
  check_all(similarity::negative_squared_euclidean{});
}
TEST_CASE("cuda_contrastive_bf16: a user's pair functor agrees with the reference", "[backend][cuda][contrastive]") { check_all(lopsided{}); }
