// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/vector_math.hpp"

#include <cmath>
#include <limits>

#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;

namespace {

template <class T>
using O = simd::vector_ops<T, native>;
template <class T>
using M = simd::vector_math<T, native>;

template <class T, class F>
T one(const F& f, T x) {
  alignas(64) T out[64 / sizeof(T)];
  O<T>::store(out, f(O<T>::set(x)));
  return out[0];
}

/// Distance in units in the last place of the exact result, over [low, high] and its edges.
template <class T, class F, class R>
double worst_ulp(const F& f, const R& exact, double low, double high, int count = 40000) {
  pretext::rng::stream draw(pretext::rng::key{5, 0, 0, 0, 0, 0});
  constexpr index_t W = O<T>::width;
  double worst = 0;
  for (int i = 0; i < count; ++i) {
    alignas(64) T x[W], y[W];
    for (auto& v : x) v = static_cast<T>(draw.uniform(low, high));
    O<T>::store(y, f(O<T>::load(x)));
    for (index_t l = 0; l < W; ++l) {
      const long double r = exact(static_cast<long double>(x[l]));
      const T rounded = static_cast<T>(r);
      const T ulp = std::nextafter(std::fabs(rounded), std::numeric_limits<T>::infinity()) - std::fabs(rounded);
      const double e = static_cast<double>(std::fabs((static_cast<long double>(y[l]) - r) / static_cast<long double>(ulp)));
      if (!(e <= worst)) worst = e;
    }
  }
  return worst;
}

}  // namespace

TEMPLATE_TEST_CASE("simd vector_math: exp, log, tanh, erf and rsqrt are exact to a few units", "[backend][simd][math]",
                   float, double) {
  using T = TestType;
  const double ulps = sizeof(T) == 4 ? 2.0 : 8.0;
  const auto exp = [](const auto& v) { return M<T>::exp(v); };
  const auto log = [](const auto& v) { return M<T>::log(v); };
  const auto tanh = [](const auto& v) { return M<T>::tanh(v); };
  const auto erf = [](const auto& v) { return M<T>::erf(v); };
  const auto rsqrt = [](const auto& v) { return M<T>::rsqrt(v); };
  CHECK(worst_ulp<T>(exp, [](long double x) { return std::exp(x); }, -1, 1) < ulps);
  CHECK(worst_ulp<T>(exp, [](long double x) { return std::exp(x); }, -87, 88) < ulps);
  CHECK(worst_ulp<T>(exp, [](long double x) { return std::exp(x); }, -103, -87) < ulps);
  const auto exp_near = [](const auto& v) { return M<T>::exp_near(v); };
  CHECK(worst_ulp<T>(exp_near, [](long double x) { return std::exp(x); }, -1, 1) < ulps);
  CHECK(worst_ulp<T>(exp_near, [](long double x) { return std::exp(x); }, sizeof(T) == 4 ? -87 : -708, sizeof(T) == 4 ? 87 : 708) < ulps);
  CHECK(worst_ulp<T>(log, [](long double x) { return std::log(x); }, 1e-30, 3) < ulps);
  CHECK(worst_ulp<T>(log, [](long double x) { return std::log(x); }, 0.9, 1.1) < ulps);
  CHECK(worst_ulp<T>(log, [](long double x) { return std::log(x); }, 1, 1e30) < ulps);
  CHECK(worst_ulp<T>(log, [](long double x) { return std::log(x); }, 1e-45, 1e-38) < ulps);
  CHECK(worst_ulp<T>(tanh, [](long double x) { return std::tanh(x); }, -1, 1) < ulps);
  CHECK(worst_ulp<T>(tanh, [](long double x) { return std::tanh(x); }, -30, 30) < ulps);
  CHECK(worst_ulp<T>(tanh, [](long double x) { return std::tanh(x); }, -1e-6, 1e-6) < ulps);
  CHECK(worst_ulp<T>(erf, [](long double x) { return std::erf(x); }, -1, 1) < ulps);
  CHECK(worst_ulp<T>(erf, [](long double x) { return std::erf(x); }, -7, 7) < ulps);
  CHECK(worst_ulp<T>(rsqrt, [](long double x) { return 1 / std::sqrt(x); }, 1e-20, 1e3) < ulps);
  const auto sigmoid = [](const auto& v) { return M<T>::sigmoid(v); };
  CHECK(worst_ulp<T>(sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }, -3, 3) < 1.5 * ulps);
  CHECK(worst_ulp<T>(sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }, -86, 86) < 1.5 * ulps);
}

TEMPLATE_TEST_CASE("simd vector_math: extremes go where the exact functions go", "[backend][simd][math]", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto exp = [](const auto& v) { return M<T>::exp(v); };
  const auto log = [](const auto& v) { return M<T>::log(v); };
  const auto tanh = [](const auto& v) { return M<T>::tanh(v); };
  const auto erf = [](const auto& v) { return M<T>::erf(v); };
  CHECK(one<T>(exp, T(0)) == T(1));
  CHECK(one<T>(exp, T(-800)) == T(0));
  CHECK(one<T>(exp, T(800)) == inf);
  CHECK(one<T>(exp, inf) == inf);
  CHECK(one<T>(exp, -inf) == T(0));
  CHECK(std::isnan(one<T>(exp, nan)));
  const auto exp_near = [](const auto& v) { return M<T>::exp_near(v); };
  CHECK(one<T>(exp_near, T(0)) == T(1));
  CHECK(std::isnan(one<T>(exp_near, nan)));
  const auto sigmoid = [](const auto& v) { return M<T>::sigmoid(v); };
  CHECK(one<T>(sigmoid, inf) == T(1));
  CHECK(one<T>(sigmoid, T(1e30)) == T(1));
  CHECK(one<T>(sigmoid, -inf) < T(1.7e-38));
  CHECK(std::isnan(one<T>(sigmoid, nan)));
  if (sizeof(T) == 4) {
    CHECK(one<T>(exp, T(-200)) == T(0));
    CHECK(one<T>(exp, T(100)) == inf);
    CHECK(one<T>(exp, T(-103)) > T(0));
    CHECK(std::isfinite(one<T>(exp, T(88.7))));
  }
  CHECK(one<T>(log, T(1)) == T(0));
  CHECK(one<T>(log, T(0)) == -inf);
  CHECK(one<T>(log, inf) == inf);
  CHECK(std::isnan(one<T>(log, T(-1))));
  CHECK(std::isnan(one<T>(log, -inf)));
  CHECK(std::isnan(one<T>(log, nan)));
  for (const T sign : {T(1), T(-1)}) {
    CHECK(one<T>(tanh, sign * inf) == sign);
    CHECK(one<T>(tanh, sign * T(1e30)) == sign);
    CHECK(one<T>(erf, sign * inf) == sign);
    CHECK(one<T>(erf, sign * T(1e30)) == sign);
    CHECK(one<T>(tanh, sign * T(1e-30)) == sign * T(1e-30));
    CHECK(std::signbit(one<T>(tanh, sign * T(0))) == (sign < 0));
  }
  CHECK(std::isnan(one<T>(tanh, nan)));
  CHECK(std::isnan(one<T>(erf, nan)));
}

TEMPLATE_TEST_CASE("simd vector_ops: partial loads and stores touch nothing else and transposition is exact",
                   "[backend][simd]", float, double) {
  using T = TestType;
  constexpr index_t W = O<T>::width;
  for (index_t n = 0; n <= W; ++n) {
    std::vector<T> exact_size;
    for (index_t i = 0; i < n; ++i) exact_size.push_back(static_cast<T>(i + 1));
    T y[2 * W];
    O<T>::store(y, O<T>::load_some(exact_size.data(), n, T(-5)));
    for (index_t i = 0; i < W; ++i) CHECK(y[i] == (i < n ? static_cast<T>(i + 1) : T(-5)));
    for (auto& v : y) v = T(9);
    O<T>::store_some(y, O<T>::set(T(3)), n);
    for (index_t i = 0; i < 2 * W; ++i) CHECK(y[i] == (i < n ? T(3) : T(9)));
  }
  T a[W * (W + 3)], b[W * (W + 1)];
  for (index_t i = 0; i < W * (W + 3); ++i) a[i] = static_cast<T>(i);
  O<T>::transpose(a, W + 3, b, W + 1);
  index_t wrong = 0;
  for (index_t i = 0; i < W; ++i)
    for (index_t j = 0; j < W; ++j) wrong += b[i * (W + 1) + j] != a[j * (W + 3) + i];
  CHECK(wrong == 0);
  CHECK(O<T>::sum(O<T>::load(a)) == static_cast<T>(W * (W - 1) / 2));
  CHECK(O<T>::largest(O<T>::load(a)) == static_cast<T>(W - 1));
}
