// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/batch_norm.hpp"
#include "pretext/backend/simd/layer_norm.hpp"

#include <limits>

#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::thread_pool;

namespace {

std::size_t at(index_t r, index_t columns, index_t c) { return static_cast<std::size_t>(r * columns + c); }

}  // namespace

TEMPLATE_TEST_CASE("simd batch_norm: the gradient's sums agree with the definition", "[backend][simd][batch_norm]", float, double) {
  using T = TestType;
  for (index_t rows : {1, 2, 7, 31, 300})
    for (index_t C : {1, 7, 13, 64, 257}) {
      INFO("rows " << rows << " channels " << C);
      const auto x = random_values<T>(rows * C, 1), dy = random_values<T>(rows * C, 2), mean = random_values<T>(C, 3, -0.5, 0.5),
                 rstd = random_values<T>(C, 4, 0.5, 2);
      std::vector<double> s1(mean.size()), s2(mean.size());
      for (index_t r = 0; r < rows; ++r)
        for (index_t c = 0; c < C; ++c) {
          const auto k = at(0, C, c);
          const double d = static_cast<double>(dy[at(r, C, c)]);
          s1[k] += d;
          s2[k] += d * (static_cast<double>(x[at(r, C, c)]) - static_cast<double>(mean[k])) * static_cast<double>(rstd[k]);
        }
      const auto run = [&](int threads) {
        thread_pool pool(threads);
        auto a = empty<T>(C), b = a;
        auto scratch = empty<T>(simd::column_scratch<T, native>(rows, C, 2));
        simd::batch_norm_gradient_sums<T, native>(pool, rows, C, x.data(), dy.data(), mean.data(), rstd.data(), a.data(), b.data(), scratch.data());
        a.insert(a.end(), b.begin(), b.end());
        return a;
      };
      const auto all = run(1);
      CHECK(relative_error(all.data(), s1.data(), C) < tolerance<T>());
      CHECK(relative_error(all.data() + C + 1, s2.data(), C) < tolerance<T>());
      for (int threads : {2, 3, 5}) CHECK(same_bits(all, run(threads)));
    }
}

namespace {

/// y and the gradients of rows of width W, by the definition in double.
template <class T>
struct normalised {
  index_t rows, W;
  double eps;
  std::vector<T> x, dy = random_values<T>(rows * W, 2), gamma = random_values<T>(W, 3, 0.5, 2), beta = random_values<T>(W, 4);
  std::vector<double> y = std::vector<double>(x.size()), dx = y, d_gamma = std::vector<double>(gamma.size()), d_beta = d_gamma;
  double largest_term = 0;  // of those that dx is the sum of

  void define() {
    const double w = static_cast<double>(W);
    for (index_t r = 0; r < rows; ++r) {
      double mean = 0, variance = 0, a = 0, b = 0;
      const auto value = [&](const std::vector<T>& v, index_t c) { return static_cast<double>(v[at(r, W, c)]); };
      for (index_t c = 0; c < W; ++c) mean += value(x, c) / w;
      for (index_t c = 0; c < W; ++c) variance += (value(x, c) - mean) * (value(x, c) - mean) / w;
      const double rstd = 1 / std::sqrt(variance + eps);
      for (index_t c = 0; c < W; ++c) {
        const double xhat = (value(x, c) - mean) * rstd, g = static_cast<double>(gamma[at(0, W, c)]);
        y[at(r, W, c)] = xhat * g + static_cast<double>(beta[at(0, W, c)]);
        d_gamma[at(0, W, c)] += value(dy, c) * xhat;
        d_beta[at(0, W, c)] += value(dy, c);
        a += value(dy, c) * g / w;
        b += value(dy, c) * g * xhat / w;
        largest_term = std::fmax(largest_term, std::fabs(rstd * value(dy, c) * g));
      }
      for (index_t c = 0; c < W; ++c)
        dx[at(r, W, c)] = rstd * (value(dy, c) * static_cast<double>(gamma[at(0, W, c)]) - a - (value(x, c) - mean) * rstd * b);
    }
  }
  /// y, dx, d_gamma, d_beta one after the other, each with a place more.
  std::vector<T> run(int threads) const {
    thread_pool pool(threads);
    auto out = empty<T>(rows * W), in = out, overwritten = out, g = empty<T>(W), b = g, mean = empty<T>(rows), rstd = mean;
    auto scratch = empty<T>(simd::layer_norm_backward_scratch<T, native>(rows, W));
    simd::layer_norm_forward<T, native>(pool, rows, W, x.data(), gamma.data(), beta.data(), T(eps), out.data(), mean.data(), rstd.data());
    simd::layer_norm_backward<T, native>(pool, rows, W, x.data(), gamma.data(), mean.data(), rstd.data(), dy.data(), in.data(), true, g.data(), b.data(), scratch.data());
    simd::layer_norm_backward<T, native>(pool, rows, W, x.data(), gamma.data(), mean.data(), rstd.data(), dy.data(), overwritten.data(),
                                         false, static_cast<T*>(nullptr), static_cast<T*>(nullptr), static_cast<T*>(nullptr));
    CHECK(same_bits(in, overwritten));
    for (const auto* v : {&in, &g, &b}) out.insert(out.end(), v->begin(), v->end());
    return out;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("simd layer_norm: forward and backward agree with the definition", "[backend][simd][layer_norm]", float,
                   double) {
  using T = TestType;
  for (index_t rows : {1, 7, 300})
    for (index_t W : {2, 7, 13, 64, 257}) {
      INFO("rows " << rows << " width " << W);
      normalised<T> p{rows, W, 1e-5, random_values<T>(rows * W, 1, 3, 5)};
      if (W == 2) {
        // Two elements become +-1 whatever they are: dx is what eps leaves of terms that cancel, and a row of two near
        // values is its rounding (the next test). Values well apart and an eps of their variance's size have a dx.
        p.eps = 0.5;
        for (index_t r = 0; r < rows; ++r) p.x[at(r, 2, 1)] = p.x[at(r, 2, 0)] + (r % 2 == 0 ? T(1.5) : T(-1.25));
      }
      p.define();
      const auto all = p.run(1);
      const index_t n = rows * W;
      CHECK(relative_error(all.data(), p.y.data(), n) < tolerance<T>());
      CHECK(relative_error(all.data() + n + 1, p.dx.data(), n) < tolerance<T>());
      CHECK(relative_error(all.data() + 2 * (n + 1), p.d_gamma.data(), W) < tolerance<T>());
      CHECK(relative_error(all.data() + 2 * (n + 1) + W + 1, p.d_beta.data(), W) < tolerance<T>());
      for (int threads : {2, 3, 5}) CHECK(same_bits(all, p.run(threads)));
    }
}

TEMPLATE_TEST_CASE("simd layer_norm: near values lose the digits that their distance costs and no more", "[backend][simd][layer_norm]",
                   float, double) {
  using T = TestType;
  for (const double distance : {1.0, 1e-1, 1e-2, 1e-3}) {
    INFO("distance " << distance);
    normalised<T> p{1, 2, 1e-5, {static_cast<T>(4 - distance / 2), static_cast<T>(4 + distance / 2)}};
    p.define();
    const auto all = p.run(1);
    // The mean of values near m is known to u m, u half the last bit's value, and their distance from it is of the size of
    // the standard deviation s: (x - mean) / s has a relative error of u m / s, the condition number of the problem, and so
    // has every term of dx, whose sum cancels. A kernel that took E[x^2] - E[x]^2 would have (m / s)^2.
    const double half = (static_cast<double>(p.x[1]) - static_cast<double>(p.x[0])) / 2, condition = 4 / std::sqrt(half * half + p.eps);
    const double unit = static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(std::fabs(static_cast<double>(all[i]) - p.y[i]) <= 4 * unit * (1 + condition) * static_cast<double>(p.gamma[i]));
      CHECK(std::fabs(static_cast<double>(all[3 + i]) - p.dx[i]) <= 8 * unit * (1 + condition) * p.largest_term);
    }
  }
}

TEST_CASE("simd layer_norm: a common offset costs no digits and equal elements give beta", "[backend][simd][layer_norm]") {
  thread_pool pool(1);
  std::vector<float> x(40), gamma(40, 1), beta(40, 0.25f), y(40), mean(1), rstd(1);
  for (std::size_t i = 0; i < 40; ++i) x[i] = 1048576.0f + static_cast<float>(i % 2);
  simd::layer_norm_forward<float, native>(pool, 1, 40, x.data(), gamma.data(), beta.data(), 0.0f, y.data(), mean.data(),
                                          rstd.data());
  CHECK(mean[0] == 1048576.5f);
  CHECK(rstd[0] == Approx(2.0f));
  CHECK(y[0] == Approx(-0.75f));
  CHECK(y[1] == Approx(1.25f));
  for (auto& v : x) v = 7.7f;
  simd::layer_norm_forward<float, native>(pool, 1, 40, x.data(), gamma.data(), beta.data(), 1e-5f, y.data(), mean.data(),
                                          rstd.data());
  for (float v : y) CHECK(v == 0.25f);
}
