// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/contrastive.hpp"

#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::thread_pool;

namespace {

/// The definition in double: all similarities in a matrix.
struct naive {
  std::vector<double> lse, dq;
};

template <class T>
naive compute(const simd::contrast<T>& p, double scale, const std::vector<T>* column_lse, const std::vector<T>& row_weight,
              const std::vector<T>& column_weight, double factor) {
  naive r;
  r.dq.assign(static_cast<std::size_t>(p.rows * p.width), 0.0);
  for (index_t i = 0; i < p.rows; ++i) {
    std::vector<double> s;
    std::vector<index_t> which;
    double top = -HUGE_VAL, sum = 0;
    for (index_t j = 0; j < p.columns; ++j) {
      if (j == i + p.self_offset || (p.excluded && j == p.excluded[i])) continue;
      double dot = 0;
      for (index_t d = 0; d < p.width; ++d)
        dot += static_cast<double>(p.q[i * p.q_stride + d]) * static_cast<double>(p.k[j * p.k_stride + d]);
      s.push_back(scale * dot);
      which.push_back(j);
      top = std::fmax(top, s.back());
    }
    for (double v : s) sum += std::exp(v - top);
    r.lse.push_back(s.empty() ? -HUGE_VAL : top + std::log(sum));
    for (std::size_t a = 0; a < s.size(); ++a) {
      const auto j = static_cast<std::size_t>(which[a]);
      double w = static_cast<double>(row_weight[static_cast<std::size_t>(i)]) * std::exp(s[a] - r.lse.back());
      if (column_lse) w += static_cast<double>(column_weight[j]) * std::exp(s[a] - static_cast<double>((*column_lse)[j]));
      for (index_t d = 0; d < p.width; ++d)
        r.dq[static_cast<std::size_t>(i * p.width + d)] +=
            factor * w * scale * static_cast<double>(p.k[which[a] * p.k_stride + d]);
    }
  }
  return r;
}

template <class T>
std::vector<T> unit_rows(index_t rows, index_t width, std::uint64_t seed) {
  auto z = random_values<T>(rows * width, seed);
  for (index_t i = 0; i < rows; ++i) {
    double n = 0;
    for (index_t d = 0; d < width; ++d) n += std::pow(static_cast<double>(z[static_cast<std::size_t>(i * width + d)]), 2);
    for (index_t d = 0; d < width; ++d) z[static_cast<std::size_t>(i * width + d)] /= static_cast<T>(std::sqrt(n));
  }
  return z;
}

template <class T>
std::vector<T> lse_of(const simd::contrast<T>& p, T scale, int threads) {
  thread_pool pool(threads);
  auto lse = empty<T>(p.rows);
  const index_t size = simd::contrast_row_lse_scratch<T, native>(threads, p.columns, p.width);
  auto scratch = empty<T>(size + 8, T(77));
  simd::contrast_row_lse<T, native>(pool, p, simd::scaled_dot<T, native>{scale}, lse.data(), scratch.data());
  for (index_t i = size; i < size + 8; ++i) REQUIRE(scratch[static_cast<std::size_t>(i)] == T(77));
  return lse;
}

template <class T>
std::vector<T> gradient_of(const simd::contrast<T>& p, T scale, const simd::contrast_weights<T>& w, T factor, int threads) {
  thread_pool pool(threads);
  auto dq = empty<T>(p.rows * p.width, T(0));
  const index_t size = simd::contrast_gradient_scratch<T, native>(threads, p.columns, p.width);
  auto scratch = empty<T>(size + 8, T(77));
  simd::contrast_gradient<T, native>(pool, p, simd::scaled_dot<T, native>{scale}, w, factor, dq.data(), p.width,
                                     scratch.data());
  for (index_t i = size; i < size + 8; ++i) REQUIRE(scratch[static_cast<std::size_t>(i)] == T(77));
  return dq;
}

}  // namespace

TEMPLATE_TEST_CASE("simd contrastive: symmetric rows agree with the whole matrix", "[backend][simd][contrastive]", float,
                   double) {
  using T = TestType;
  for (index_t m : {2, 14, 62, 258, 600})
    for (index_t width : {1, 13, 64, 130})
      for (bool decoupled : {false, true}) {
        INFO("rows " << m << " width " << width << " decoupled " << decoupled);
        const auto z = unit_rows<T>(m, width, 1);
        std::vector<std::int32_t> positive;
        for (index_t i = 0; i < m; ++i) positive.push_back(static_cast<std::int32_t>((i + m / 2) % m));
        const simd::contrast<T> p{m, m, width, z.data(), width, z.data(), width, 0, decoupled ? positive.data() : nullptr};
        const auto lse = lse_of<T>(p, T(5), 1);
        const auto w = random_values<T>(m, 2, 0.5, 2);
        const auto expected = compute<T>(p, 5, &lse, w, w, 0.25);
        if (decoupled && m == 2) {
          CHECK(lse[0] == -HUGE_VAL);  // nothing is left in the denominator
          for (T v : gradient_of<T>(p, T(5), {lse.data(), w.data(), lse.data(), w.data()}, T(0.25), 1)) CHECK(v == T(0));
          continue;
        }
        CHECK(relative_error(lse, expected.lse, m) < tolerance<T>());
        const auto dz = gradient_of<T>(p, T(5), {lse.data(), w.data(), lse.data(), w.data()}, T(0.25), 1);
        CHECK(relative_error(dz, expected.dq, m * width) < tolerance<T>());
        for (int threads : {2, 3, 5}) {
          CHECK(same_bits(lse, lse_of<T>(p, T(5), threads)));
          CHECK(same_bits(dz, gradient_of<T>(p, T(5), {lse.data(), w.data(), lse.data(), w.data()}, T(0.25), threads)));
        }
      }
}

TEMPLATE_TEST_CASE("simd contrastive: rows against other columns, with offset and strides, agree with the matrix",
                   "[backend][simd][contrastive]", float, double) {
  using T = TestType;
  for (index_t m : {1, 7, 31, 100})
    for (index_t n : {1, 13, 257, 700}) {
      const index_t width = 31, stride = 40;
      const auto q = random_values<T>(m * stride, 1), k = random_values<T>(n * stride, 2);
      for (index_t offset : {-1 - m, index_t{0}, n / 2}) {
        INFO("m " << m << " n " << n << " offset " << offset);
        const simd::contrast<T> p{m, n, width, q.data(), stride, k.data(), stride, offset, nullptr};
        const auto lse = lse_of<T>(p, T(0.7), 2);
        const std::vector<T> ones(static_cast<std::size_t>(n > m ? n : m), T(1));
        const auto expected = compute<T>(p, T(0.7), static_cast<const std::vector<T>*>(nullptr), ones, ones, 1);
        if (n == 1 && offset == 0) {
          CHECK(lse[0] == -HUGE_VAL);
          continue;
        }
        CHECK(relative_error(lse, expected.lse, m) < tolerance<T>());
        const auto dq = gradient_of<T>(p, T(0.7), {lse.data()}, T(1), 2);
        CHECK(relative_error(dq, expected.dq, m * width) < tolerance<T>());
      }
    }
}

TEST_CASE("simd contrastive: equal rows give the log of the number of others", "[backend][simd][contrastive]") {
  for (index_t m : {2, 7, 300}) {
    std::vector<float> z(static_cast<std::size_t>(m * 4), 0.5f);
    const simd::contrast<float> p{m, m, 4, z.data(), 4, z.data(), 4, 0, nullptr};
    const auto lse = lse_of<float>(p, 10.0f, 1);
    for (index_t i = 0; i < m; ++i)
      CHECK(lse[static_cast<std::size_t>(i)] == Approx(10.0 + std::log(static_cast<double>(m - 1))));
  }
}

TEST_CASE("simd contrastive: long rows and tiny temperatures neither overflow nor lose the sum",
          "[backend][simd][contrastive]") {
  const index_t m = 90, width = 20;
  auto z = random_values<float>(m * width, 1, -6, 6);
  const simd::contrast<float> p{m, m, width, z.data(), width, z.data(), width, 0, nullptr};
  for (float scale : {1.0f, 100.0f}) {
    const auto lse = lse_of<float>(p, scale, 1);
    const std::vector<float> ones(static_cast<std::size_t>(m), 1.0f);
    const auto expected = compute<float>(p, static_cast<double>(scale), nullptr, ones, ones, 1);
    CHECK(relative_error(lse, expected.lse, m) < 1e-5);
    const auto dz = gradient_of<float>(p, scale, {lse.data()}, 1.0f, 1);
    for (index_t i = 0; i < m * width; ++i) CHECK(std::isfinite(dz[static_cast<std::size_t>(i)]));
  }
}

TEST_CASE("simd contrastive: a row has the same bits alone and among others", "[backend][simd][contrastive]") {
  const auto q = random_values<float>(131 * 24, 1), k = random_values<float>(300 * 24, 2);
  const simd::contrast<float> all{131, 300, 24, q.data(), 24, k.data(), 24, -1000, nullptr};
  const auto lse = lse_of<float>(all, 2.0f, 2);
  const auto dq = gradient_of<float>(all, 2.0f, {lse.data()}, 1.0f, 2);
  for (index_t rows : {1, 5, 12, 50}) {
    const simd::contrast<float> some{rows, 300, 24, q.data() + 7 * 24, 24, k.data(), 24, -1000, nullptr};
    const auto part = lse_of<float>(some, 2.0f, 1);
    CHECK(std::memcmp(part.data(), lse.data() + 7, static_cast<std::size_t>(rows) * sizeof(float)) == 0);
    const auto d = gradient_of<float>(some, 2.0f, {lse.data() + 7}, 1.0f, 1);
    CHECK(std::memcmp(d.data(), dq.data() + 7 * 24, static_cast<std::size_t>(rows * 24) * sizeof(float)) == 0);
  }
}
