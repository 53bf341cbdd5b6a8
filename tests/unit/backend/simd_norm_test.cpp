// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/batch_norm.hpp"
#include "pretext/backend/simd/layer_norm.hpp"

#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::thread_pool;

namespace {

std::size_t at(index_t r, index_t columns, index_t c) { return static_cast<std::size_t>(r * columns + c); }

}  // namespace

TEMPLATE_TEST_CASE("simd batch_norm: normalisation, sums and input gradient agree with the definition",
                   "[backend][simd][batch_norm]", float, double) {
  using T = TestType;
  for (index_t rows : {2, 7, 31, 300})
    for (index_t C : {1, 7, 13, 64, 257}) {
      INFO("rows " << rows << " channels " << C);
      const auto x = random_values<T>(rows * C, 1), dy = random_values<T>(rows * C, 2), gamma = random_values<T>(C, 3, 0.5, 2),
                 beta = random_values<T>(C, 4);
      auto mean = empty<T>(C), m2 = mean, rstd = mean;
      thread_pool pool(3);
      auto moments = empty<T>(simd::column_moments_scratch<T, native>(rows, C));
      simd::column_moments<T, native>(pool, rows, C, x.data(), mean.data(), m2.data(), moments.data());
      for (index_t c = 0; c < C; ++c)
        rstd[at(0, C, c)] = T(1) / std::sqrt(m2[at(0, C, c)] / static_cast<T>(rows) + T(1e-5));
      std::vector<double> y(x.size()), dx(x.size()), eval(x.size()), s1(gamma.size()), s2(gamma.size());
      const auto xhat = [&](index_t r, index_t c) {
        return (static_cast<double>(x[at(r, C, c)]) - static_cast<double>(mean[at(0, C, c)])) *
               static_cast<double>(rstd[at(0, C, c)]);
      };
      for (index_t r = 0; r < rows; ++r)
        for (index_t c = 0; c < C; ++c) {
          y[at(r, C, c)] = xhat(r, c) * static_cast<double>(gamma[at(0, C, c)]) + static_cast<double>(beta[at(0, C, c)]);
          s1[at(0, C, c)] += static_cast<double>(dy[at(r, C, c)]);
          s2[at(0, C, c)] += static_cast<double>(dy[at(r, C, c)]) * xhat(r, c);
        }
      for (index_t r = 0; r < rows; ++r)
        for (index_t c = 0; c < C; ++c) {
          const double scale = static_cast<double>(gamma[at(0, C, c)]) * static_cast<double>(rstd[at(0, C, c)]);
          const double n = static_cast<double>(rows);
          dx[at(r, C, c)] =
              scale * (static_cast<double>(dy[at(r, C, c)]) - s1[at(0, C, c)] / n - xhat(r, c) * s2[at(0, C, c)] / n);
          eval[at(r, C, c)] = scale * static_cast<double>(dy[at(r, C, c)]);
        }
      const auto run = [&](thread_pool& p) {
        auto out = empty<T>(rows * C), in = out, constant = out, a = empty<T>(C), b = a;
        auto scratch = empty<T>(simd::column_scratch<T, native>(rows, C, 2));
        simd::batch_norm_normalise<T, native>(p, rows, C, x.data(), mean.data(), rstd.data(), gamma.data(), beta.data(),
                                              out.data());
        simd::batch_norm_gradient_sums<T, native>(p, rows, C, x.data(), dy.data(), mean.data(), rstd.data(), a.data(),
                                                  b.data(), scratch.data());
        simd::batch_norm_input_gradient<T, native>(p, rows, C, x.data(), dy.data(), mean.data(), rstd.data(), gamma.data(),
                                                   a.data(), b.data(), rows, in.data(), true);
        simd::batch_norm_input_gradient<T, native>(p, rows, C, x.data(), dy.data(), mean.data(), rstd.data(), gamma.data(),
                                                   static_cast<const T*>(nullptr), static_cast<const T*>(nullptr), rows,
                                                   constant.data(), false);
        for (const auto* v : {&in, &constant, &a, &b}) out.insert(out.end(), v->begin(), v->end());
        return out;
      };
      const auto all = run(pool);
      const index_t n = rows * C;
      CHECK(relative_error(all.data(), y.data(), n) < tolerance<T>());
      // With two rows the gradient is the difference of almost equal terms: measured against its terms.
      const double size = rows > 2 ? 1 : 100;
      CHECK(relative_error(all.data() + n + 1, dx.data(), n) < size * 10 * tolerance<T>());
      CHECK(relative_error(all.data() + 2 * (n + 1), eval.data(), n) < tolerance<T>());
      CHECK(relative_error(all.data() + 3 * (n + 1), s1.data(), C) < tolerance<T>());
      CHECK(relative_error(all.data() + 3 * (n + 1) + C + 1, s2.data(), C) < 10 * tolerance<T>());
      for (int threads : {1, 2, 5}) {
        thread_pool other(threads);
        CHECK(same_bits(all, run(other)));
      }
    }
}

TEMPLATE_TEST_CASE("simd layer_norm: forward and backward agree with the definition", "[backend][simd][layer_norm]", float,
                   double) {
  using T = TestType;
  for (index_t rows : {1, 7, 300})
    for (index_t W : {2, 7, 13, 64, 257}) {
      INFO("rows " << rows << " width " << W);
      const auto x = random_values<T>(rows * W, 1, 3, 5), dy = random_values<T>(rows * W, 2),
                 gamma = random_values<T>(W, 3, 0.5, 2), beta = random_values<T>(W, 4);
      const double eps = 1e-5, w = static_cast<double>(W);
      std::vector<double> y(x.size()), dx(x.size()), d_gamma(gamma.size()), d_beta(gamma.size());
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
        }
        for (index_t c = 0; c < W; ++c)
          dx[at(r, W, c)] = rstd * (value(dy, c) * static_cast<double>(gamma[at(0, W, c)]) - a - (value(x, c) - mean) * rstd * b);
      }
      const auto run = [&](int threads) {
        thread_pool pool(threads);
        auto out = empty<T>(rows * W), in = out, overwritten = out, g = empty<T>(W), b = g, mean = empty<T>(rows), rstd = mean;
        auto scratch = empty<T>(simd::layer_norm_backward_scratch<T, native>(rows, W));
        simd::layer_norm_forward<T, native>(pool, rows, W, x.data(), gamma.data(), beta.data(), T(eps), out.data(),
                                            mean.data(), rstd.data());
        simd::layer_norm_backward<T, native>(pool, rows, W, x.data(), gamma.data(), mean.data(), rstd.data(), dy.data(),
                                             in.data(), true, g.data(), b.data(), scratch.data());
        simd::layer_norm_backward<T, native>(pool, rows, W, x.data(), gamma.data(), mean.data(), rstd.data(), dy.data(),
                                             overwritten.data(), false, static_cast<T*>(nullptr), static_cast<T*>(nullptr),
                                             static_cast<T*>(nullptr));
        CHECK(same_bits(in, overwritten));
        for (const auto* v : {&in, &g, &b}) out.insert(out.end(), v->begin(), v->end());
        return out;
      };
      const auto all = run(1);
      const index_t n = rows * W;
      const double slack = W == 2 ? 1000 : 10;  // two elements: everything in dx cancels but eps
      // Two elements near each other: the mean's last bit is large beside their distance.
      CHECK(relative_error(all.data(), y.data(), n) < (W == 2 ? 20 : 2) * tolerance<T>());
      CHECK(relative_error(all.data() + n + 1, dx.data(), n) < slack * tolerance<T>());
      CHECK(relative_error(all.data() + 2 * (n + 1), d_gamma.data(), W) < (W == 2 ? 20 : 2) * tolerance<T>());
      CHECK(relative_error(all.data() + 2 * (n + 1) + W + 1, d_beta.data(), W) < 2 * tolerance<T>());
      for (int threads : {2, 3, 5}) CHECK(same_bits(all, run(threads)));
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
