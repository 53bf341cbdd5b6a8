// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"

#include "pretext/nn/activation.hpp"

using namespace ops_test;
namespace functor = pretext::nn::functor;

namespace {

const index_t sizes[] = {0, 1, 7, 13, 31, 257, 40001};

/// Uses every function of a math policy.
struct everything {
  template <class M, class V>
  static V value(const V& x) {
    const V e = M::exp(M::min(x, V(3))), s = M::sqrt(V(1) + x * x);
    return M::select(x > V(0), M::log(V(1) + e), M::tanh(x)) + M::erf(x) / M::max(s, V(2));
  }
  template <class M, class V>
  static V derivative(const V& x) {
    return M::select(x <= V(1), M::exp(V(0) - x), V(0.5) * x);
  }
};

template <class F>
void check_map() {
  for (const index_t n : sizes) {
    INFO("size " << n);
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      const auto x = values<T>(n, 1, -4, 4), dy = values<T>(n, 2);
      auto y = stale<T>(n), dx = stale<T>(n), in_place = x, sum = dy;
      run(op::map, F{}, in(x, {n}), out(y, {n}));
      run(op::map_backward, F{}, in(x, {n}), in(dy, {n}), out(dx, {n}));
      run(op::map, F{}, in(in_place, {n}), out(in_place, {n}));
      run(op::add_map, F{}, in(x, {n}), out(sum, {n}));
      CHECK((n == 0 || std::memcmp(in_place.data(), y.data(), y.size() * sizeof(T)) == 0));
      return outputs<T>{y, dx, sum};
    });
  }
}

}  // namespace

TEST_CASE("map: the layers' functors agree with the reference", "[backend][ops][map]") {
  check_map<functor::relu>();
  check_map<functor::gelu>();
  check_map<functor::tanh>();
}
TEST_CASE("map: a functor may use every function of the math policy", "[backend][ops][map]") { check_map<everything>(); }

TEST_CASE("map: a NaN goes through relu", "[backend][ops][map]") {
  runner<simd> run(1);
  std::vector<float> x{NAN, -1, 2}, y(3);
  run(op::map, functor::relu{}, in(x, {3}), out(y, {3}));
  CHECK(std::isnan(y[0]));
  CHECK(y[1] == 0.0f);
  CHECK(y[2] == 2.0f);
}

TEST_CASE("add, copy, fill, scale, shift, add_scaled, add_scaled_squares: agree with the reference", "[backend][ops]") {
  for (const index_t n : sizes) {
    INFO("size " << n);
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      const auto x = values<T>(n, 1), y = values<T>(n, 2);
      auto sum = y, copied = stale<T>(n), filled = stale<T>(n), scaled = y, shifted = y, moved = y, squares = y;
      run(op::add, in(x, {n}), out(sum, {n}));
      run(op::copy, in(x, {n}), out(copied, {n}));
      run(op::fill, T(0.75), out(filled, {n}));
      run(op::scale, T(-1.5), out(scaled, {n}));
      run(op::shift, T(0.25), out(shifted, {n}));
      run(op::add_scaled, in(x, {n}), T(0.3f), out(moved, {n}));
      run(op::add_scaled_squares, in(x, {n}), T(0.3f), out(squares, {n}));
      return outputs<T>{sum, copied, filled, scaled, shifted, moved, squares};
    });
  }
}

TEMPLATE_TEST_CASE("dropout: every bit is the reference's", "[backend][ops][dropout]", float, double) {
  const pretext::rng::key key{.seed = 9, .sample = 5};
  for (const index_t n : sizes)
    for (const double rate : {0.0, 0.1, 0.5, 0.999, 1.0})
      for (const index_t first : {index_t{0}, index_t{3}, index_t{1000001}}) {
        const auto x = values<TestType>(n, 1);
        auto expected = stale<TestType>(n), y = expected;
        runner<backend::reference> specification;
        specification(op::dropout, key, rate, first, in(x, {n}), out(expected, {n}));
        runner<simd> run(3);
        run(op::dropout, key, rate, first, in(x, {n}), out(y, {n}));
        INFO(n << " rate " << rate << " first " << first);
        CHECK(same_bits<TestType>({y}, {expected}));
      }
}
