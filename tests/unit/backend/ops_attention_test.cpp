// SPDX-License-Identifier: BSD-3-Clause
// build: O2 avx2 avx512
#include "ops_support.hpp"

using namespace ops_test;
using pretext::extent;

namespace {

struct sizes {
  index_t samples, length, heads, width;
};
/// Everything that both ops write.
template <class Run, class T>
outputs<T> attend(Run& run, T, const sizes& z, const extent& structure, op::attention_options o, double spread = 2) {
  o.heads = z.heads;
  const extents in_size(z.samples, z.length, 3 * z.heads * z.width), out_size(z.samples, z.length, z.heads * z.width);
  const auto qkv = values<T>(in_size.size(), 1, -spread, spread), dy = values<T>(out_size.size(), 2);
  auto y = stale<T>(out_size.size()), lse = stale<T>(z.samples * z.heads * z.length), dqkv = stale<T>(in_size.size());
  run(op::attention, in(qkv, in_size), structure, o, out(y, out_size), out(lse, {z.samples, z.heads, z.length}));
  run(op::attention_gradient, in(qkv, in_size), structure, o, in(y, out_size), in(lse, {z.samples, z.heads, z.length}), in(dy, out_size),
      out(dqkv, in_size));
  for (T& v : lse)
    if (v == -std::numeric_limits<T>::infinity()) v = T(-1000);  // so that errors can be relative
  return {y, lse, dqkv};
}
constexpr sizes few[] = {{1, 1, 1, 1}, {2, 7, 1, 13}, {1, 13, 3, 7}, {2, 31, 2, 16}, {1, 257, 1, 8}, {1, 65, 2, 33}, {0, 5, 2, 3}, {2, 0, 2, 3}};

}  // namespace

TEST_CASE("attention: value and gradient agree with the reference", "[backend][ops][attention]") {
  for (const sizes& z : few)
    for (const bool causal : {false, true}) {
      INFO(z.samples << " " << z.length << " " << z.heads << " " << z.width << (causal ? " causal" : ""));
      agree([&](auto& run, auto zero) { return attend(run, zero, z, extent{}, {.causal = causal}); });
    }
}

TEST_CASE("attention: more keys than a strip and a block hold", "[backend][ops][attention]") {
  for (const bool causal : {false, true})
    agree([&](auto& run, auto zero) { return attend(run, zero, {1, 613, 1, 5}, extent{}, {.causal = causal}); });
}

TEST_CASE("attention: samples of their own lengths, none of them 0", "[backend][ops][attention]") {
  for (const index_t length : {1, 7, 31, 257}) {
    const std::vector<std::int32_t> lengths{static_cast<std::int32_t>(length), 0, static_cast<std::int32_t>(length / 2 + 1), 1};
    const extent structure{.samples = 4, .length = length, .lengths = lengths.data()};
    for (const bool causal : {false, true})
      agree([&](auto& run, auto zero) {
        const auto r = attend(run, zero, {4, length, 2, 5}, structure, {.causal = causal});
        for (index_t b = 0; b < 4; ++b)
          for (index_t t = lengths[static_cast<std::size_t>(b)]; t < length; ++t)
            for (index_t c = 0; c < 30; ++c) {
              if (c < 10) REQUIRE(r[0][static_cast<std::size_t>((b * length + t) * 10 + c)] == 0);
              REQUIRE(r[2][static_cast<std::size_t>((b * length + t) * 30 + c)] == 0);
            }
        return r;
      });
  }
}

TEST_CASE("attention: packed sequences do not see each other", "[backend][ops][attention]") {
  for (const index_t length : {5, 40, 400}) {
    std::vector<std::int32_t> blocks(static_cast<std::size_t>(2 * length));
    for (index_t t = 0; t < length; ++t) {
      blocks[static_cast<std::size_t>(t)] = t >= length - 2 ? -1 : static_cast<std::int32_t>(t * t / (3 * length));
      blocks[static_cast<std::size_t>(length + t)] = static_cast<std::int32_t>(t < 3 ? -1 : t / 37);
    }
    const extent structure{.samples = 2, .length = length, .blocks = blocks.data()};
    for (const bool causal : {false, true})
      agree([&](auto& run, auto zero) { return attend(run, zero, {2, length, 1, 6}, structure, {.causal = causal}); });
  }
}

TEST_CASE("attention: packed sequences give what they give alone", "[backend][ops][attention]") {
  // Two sequences of 20 and 17 positions in one row of 37, and the same as two samples.
  constexpr index_t first = 20, second = 17, d = 8;
  std::vector<std::int32_t> blocks(37, 0);
  for (std::size_t t = first; t < 37; ++t) blocks[t] = 1;
  const extent packed{.samples = 1, .length = 37, .blocks = blocks.data()};
  const auto qkv = values<double>(37 * 3 * d, 1);
  runner<simd> run(1);
  const op::attention_options o{.heads = 2, .causal = true};
  auto y = stale<double>(37 * d), lse = stale<double>(37 * 2), a = stale<double>(first * d), b = stale<double>(second * d);
  run(op::attention, in(qkv, {1, 37, 3 * d}), packed, o, out(y, {1, 37, d}), out(lse, {1, 2, 37}));
  const std::vector<double> head(qkv.begin(), qkv.begin() + first * 3 * d), tail(qkv.begin() + first * 3 * d, qkv.end());
  run(op::attention, in(head, {1, first, 3 * d}), extent{}, o, out(a, {1, first, d}), tensor_view<double>{nullptr, {1, 2, first}});
  run(op::attention, in(tail, {1, second, 3 * d}), extent{}, o, out(b, {1, second, d}), tensor_view<double>{nullptr, {1, 2, second}});
  a.insert(a.end(), b.begin(), b.end());
  CHECK(relative_error(y, a) <= 1e-14);
}

TEST_CASE("attention: what stands in the padding is never read", "[backend][ops][attention]") {
  constexpr index_t length = 45, d = 6;
  const std::vector<std::int32_t> lengths{33};
  const extent structure{.samples = 1, .length = length, .lengths = lengths.data()};
  auto qkv = values<float>(length * 3 * d, 1), dy = values<float>(length * d, 2);
  for (std::size_t i = 33 * 3 * d; i < qkv.size(); ++i) qkv[i] = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t i = 33 * d; i < dy.size(); ++i) dy[i] = std::numeric_limits<float>::quiet_NaN();
  runner<simd> run(1);
  for (const bool causal : {false, true}) {
    const op::attention_options o{.heads = 1, .causal = causal};
    auto y = stale<float>(length * d), lse = stale<float>(length), dqkv = stale<float>(length * 3 * d);
    run(op::attention, in(qkv, {1, length, 3 * d}), structure, o, out(y, {1, length, d}), out(lse, {1, 1, length}));
    run(op::attention_gradient, in(qkv, {1, length, 3 * d}), structure, o, in(y, {1, length, d}), in(lse, {1, 1, length}), in(dy, {1, length, d}),
        out(dqkv, {1, length, 3 * d}));
    bool finite = true;
    for (const float v : y) finite = finite && std::isfinite(v);
    for (const float v : dqkv) finite = finite && std::isfinite(v);
    CHECK(finite);
  }
}

TEST_CASE("attention: dropped weights are the same everywhere, also in a part of the batch", "[backend][ops][attention]") {
  const pretext::rng::key key = pretext::rng::key{.seed = 5}.with_purpose(pretext::rng::purpose::dropout);
  for (const sizes& z : {sizes{2, 7, 2, 3}, sizes{1, 300, 1, 4}})
    for (const double rate : {0.1, 0.9, 1.0})
      agree([&](auto& run, auto zero) { return attend(run, zero, z, extent{}, {.causal = z.length == 300, .dropout = rate, .key = key, .first_sample = 3}); });
}

TEST_CASE("attention: huge scores give the softmax, not infinities", "[backend][ops][attention]") {
  agree([&](auto& run, auto zero) { return attend(run, zero, {1, 40, 1, 2}, extent{}, {.scale = 100}, 1); });
}

TEST_CASE("attention: two keys of equal score share, a position alone takes its own value", "[backend][ops][attention]") {
  const std::vector<double> qkv{0, 1, 3, 0, 2, 5};  // d = 1: q, k, v of two positions
  runner<simd> run(1);
  std::vector<double> y(2), lse(2);
  run(op::attention, in(qkv, {1, 2, 3}), extent{}, op::attention_options{}, out(y, {1, 2, 1}), out(lse, {1, 1, 2}));
  CHECK(y == std::vector<double>{4, 4});
  CHECK(lse[0] == Approx(std::log(2)));
  run(op::attention, in(qkv, {1, 2, 3}), extent{}, op::attention_options{.causal = true}, out(y, {1, 2, 1}), out(lse, {1, 1, 2}));
  CHECK(y == std::vector<double>{3, 4});
  CHECK(lse[0] == 0);
}

TEST_CASE("attention: sizes that do not fit are refused", "[backend][ops][attention]") {
  const std::vector<float> qkv(2 * 3 * 5);
  std::vector<float> y(2 * 5), lse(4);
  runner<simd> run(1);
  CHECK_THROWS_WITH(run(op::attention, in(qkv, {1, 2, 15}), extent{}, op::attention_options{.heads = 2}, out(y, {1, 2, 5}), out(lse, {1, 2, 2})),
                    Catch::Contains("shape.123"));
}

TEST_CASE("attention: a sample longer than its row is refused", "[backend][ops][attention]") {
  const std::vector<float> qkv(2 * 2 * 3);
  std::vector<float> y(2 * 2), lse(2 * 2), dqkv(2 * 2 * 3);
  for (const std::vector<std::int32_t>& lengths : {std::vector<std::int32_t>{2, 3}, std::vector<std::int32_t>{-1, 2}}) {
    const extent structure{.samples = 2, .length = 2, .lengths = lengths.data()};
    const auto refused = [&](auto&& run) {
      CHECK_THROWS_WITH(run(op::attention, in(qkv, {2, 2, 3}), structure, op::attention_options{}, out(y, {2, 2, 1}), out(lse, {2, 1, 2})),
                        Catch::Contains("value.124"));
      CHECK_THROWS_WITH(run(op::attention_gradient, in(qkv, {2, 2, 3}), structure, op::attention_options{}, in(y, {2, 2, 1}), in(lse, {2, 1, 2}),
                            in(y, {2, 2, 1}), out(dqkv, {2, 2, 3})),
                        Catch::Contains("value.124"));
    };
    refused(runner<simd>(1));
    refused(runner<pretext::backend::reference>());
  }
}
