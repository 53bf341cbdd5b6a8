// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"

#include "pretext/similarity/similarity.hpp"

using namespace ops_test;
namespace similarity = pretext::similarity;

namespace {

similarity::gaussian_kernel gaussian(float width) {
  similarity::gaussian_kernel k;
  k.width = width;
  return k;
}

template <class Pair>
void check(const Pair& pair) {
  for (const index_t m : {0, 1, 7, 31, 257})
    for (const index_t d : {1, 13, 65})
      for (const bool count_it : {true, false})
        agree([&](auto& run, auto zero) {
          using T = decltype(zero);
          const double size = 1 / std::sqrt(static_cast<double>(d));
          const auto a = values<T>(m * d, 1, -size, size), b = values<T>(m * d, 2, -size, size);
          const std::vector<T> inverse{5};
          auto lse = values<T>(m, 3, -2, 3), scores = stale<T>(m), d_rows = values<T>(m * d, 4), expected = values<T>(m, 5);
          if (m > 3) lse[3] = -std::numeric_limits<T>::infinity();
          run(op::positive_forward, pair, in(a, {m, d}), in(b, {m, d}), in(inverse, {1}), count_it, out(lse, {m}), out(scores, {m}));
          if (m > 3 && !count_it) lse[3] = 1;
          run(op::positive_gradient, pair, in(a, {m, d}), in(b, {m, d}), in(inverse, {1}), count_it, in(lse, {m}), T(0.5),
              out(d_rows, {m, d}), out(expected, {m}));
          return outputs<T>{lse, scores, d_rows, expected};
        });
}

}  // namespace

TEST_CASE("positive_forward, positive_gradient: agree with the reference", "[backend][ops][contrastive]") {
  check(similarity::dot{});
  check(gaussian(0.7f));
}

TEST_CASE("pair_indices: the rotation of the first n, -1 behind them", "[backend][ops][contrastive]") {
  runner<simd> run(1);
  std::vector<std::int32_t> y(7, 99);
  run(op::pair_indices, index_t{10}, index_t{2}, index_t{4}, out(y, {7}));
  CHECK(y == std::vector<std::int32_t>{12, 13, 10, 11, -1, -1, -1});
}

TEST_CASE("scheduled_inverse: a straight line in the temperature", "[backend][ops][contrastive]") {
  pretext::step_inputs inputs;
  inputs.progress = 0.25;
  runner<simd> run(1);
  std::vector<float> y(1);
  run(op::scheduled_inverse, 0.4, 0.2, static_cast<const pretext::step_inputs*>(&inputs), out(y, {1}));
  CHECK(y[0] == Approx(1 / 0.35));
}
