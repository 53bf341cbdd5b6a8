// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/reduce.hpp"

#include "pretext/backend/simd/elementwise.hpp"
#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::thread_pool;

TEMPLATE_TEST_CASE("simd elementwise: maps agree with plain loops at every length", "[backend][simd][elementwise]", float,
                   double) {
  using T = TestType;
  using V = simd::vec<T, native>;
  thread_pool pool(3);
  for (index_t n : {0, 1, 7, 13, 31, 257, 40000}) {
    const auto a = random_values<T>(n, 1), b = random_values<T>(n, 2);
    auto y = empty<T>(n, T(9)), expected = y;
    simd::map<T, native>(pool, n, y.data(), [](const V& p, const V& q) { return p * q; }, a.data(), b.data());
    for (std::size_t i = 0; i < a.size(); ++i) expected[i] = a[i] * b[i];
    CHECK(y == expected);  // and the guard behind the end is still 9
    simd::map_add<T, native>(pool, n, y.data(), [](const V& p) { return p + p; }, a.data());
    for (std::size_t i = 0; i < a.size(); ++i) expected[i] = expected[i] + (a[i] + a[i]);
    CHECK(y == expected);
    simd::add<T, native>(pool, n, a.data(), y.data());
    for (std::size_t i = 0; i < a.size(); ++i) expected[i] = expected[i] + a[i];
    CHECK(y == expected);
    simd::axpy<T, native>(pool, n, T(0.5), b.data(), y.data());
    for (std::size_t i = 0; i < a.size(); ++i) expected[i] = expected[i] + T(0.5) * b[i];  // exact factor: no rounding in it
    CHECK(y == expected);
    simd::scale<T, native>(pool, n, T(3), y.data(), y.data());
    for (std::size_t i = 0; i < a.size(); ++i) expected[i] *= T(3);
    CHECK(y == expected);
    simd::copy<T, native>(pool, n, a.data(), y.data());
    for (std::size_t i = 0; i < a.size(); ++i) expected[i] = a[i];
    CHECK(y == expected);
    simd::fill<T, native>(pool, n, T(4), y.data());
    for (std::size_t i = 0; i < a.size(); ++i) expected[i] = T(4);
    CHECK(y == expected);
  }
}

TEST_CASE("simd elementwise: an element's bits do not depend on where it stands", "[backend][simd][elementwise]") {
  using V = simd::vec<float, native>;
  thread_pool pool(1);
  const auto f = [](const V& p, const V& q) { return p * q + q * q - p; };
  const auto a = random_values<float>(100, 1), b = random_values<float>(100, 2);
  auto whole = empty<float>(100), part = empty<float>(100);
  simd::map<float, native>(pool, 100, whole.data(), f, a.data(), b.data());
  for (index_t start : {1, 3, 50, 97})
    for (index_t n = 1; start + n <= 100; n += 5) {
      simd::map<float, native>(pool, n, part.data(), f, a.data() + start, b.data() + start);
      CHECK(std::memcmp(part.data(), whole.data() + start, static_cast<std::size_t>(n) * sizeof(float)) == 0);
    }
}

TEMPLATE_TEST_CASE("simd reduce: column sums, moments, row sums and maxima agree with the definition",
                   "[backend][simd][reduce]", float, double) {
  using T = TestType;
  for (index_t rows : {1, 7, 31, 257, 5000})
    for (index_t columns : {1, 7, 13, 64, 257}) {
      INFO("rows " << rows << " columns " << columns);
      thread_pool pool(2);
      const auto x = random_values<T>(rows * columns, 3, -1, 2);
      const auto start = random_values<T>(columns, 4);
      std::vector<double> sum(start.begin(), start.end()), mean(start.size()), m2(start.size()), by_row, top;
      for (index_t r = 0; r < rows; ++r) {
        double s = 0, t = -HUGE_VAL;
        for (index_t c = 0; c < columns; ++c) {
          const double v = static_cast<double>(x[static_cast<std::size_t>(r * columns + c)]);
          sum[static_cast<std::size_t>(c)] += v;
          mean[static_cast<std::size_t>(c)] += v / static_cast<double>(rows);
          s += v;
          t = std::fmax(t, v);
        }
        by_row.push_back(s);
        top.push_back(t);
      }
      for (index_t r = 0; r < rows; ++r)
        for (index_t c = 0; c < columns; ++c) {
          const double d = static_cast<double>(x[static_cast<std::size_t>(r * columns + c)]) - mean[static_cast<std::size_t>(c)];
          m2[static_cast<std::size_t>(c)] += d * d;
        }
      auto sums = start, means = start, squares = start;
      auto row = empty<T>(rows), most = empty<T>(rows);
      auto scratch = empty<T>(simd::column_scratch<T, native>(rows, columns));
      auto moments = empty<T>(simd::column_moments_scratch<T, native>(rows, columns));
      simd::column_sums<T, native>(pool, rows, columns, x.data(), sums.data(), scratch.data());
      simd::column_moments<T, native>(pool, rows, columns, x.data(), means.data(), squares.data(), moments.data());
      simd::row_sums<T, native>(pool, rows, columns, x.data(), row.data());
      simd::row_max<T, native>(pool, rows, columns, x.data(), most.data());
      CHECK(relative_error(sums, sum, columns) < tolerance<T>());
      CHECK(relative_error(means, mean, columns) < tolerance<T>());
      CHECK(relative_error(squares, m2, columns) < tolerance<T>());
      CHECK(relative_error(row, by_row, rows) < tolerance<T>());
      CHECK(relative_error(most, top, rows) == 0.0);
      for (int threads : {1, 3, 5}) {
        thread_pool other(threads);
        auto again = start, mean_again = start, m2_again = start;
        simd::column_sums<T, native>(other, rows, columns, x.data(), again.data(), scratch.data());
        simd::column_moments<T, native>(other, rows, columns, x.data(), mean_again.data(), m2_again.data(), moments.data());
        CHECK(same_bits(again, sums));
        CHECK(same_bits(mean_again, means));
        CHECK(same_bits(m2_again, squares));
      }
    }
}

TEST_CASE("simd reduce: moments of numbers far from zero keep their digits", "[backend][simd][reduce]") {
  // E[x^2] - E[x]^2 in float is off by orders of magnitude here.
  thread_pool pool(2);
  const index_t rows = 3001, columns = 5;
  std::vector<float> x;
  for (index_t r = 0; r < rows; ++r)
    for (index_t c = 0; c < columns; ++c) x.push_back(c == 4 ? 12345.678f : 100000.0f + static_cast<float>((r * 7 + c) % 4));
  std::vector<double> exact(5);
  for (index_t c = 0; c < columns; ++c) {
    double mean = 0;
    for (index_t r = 0; r < rows; ++r) mean += static_cast<double>(x[static_cast<std::size_t>(r * columns + c)]) / rows;
    for (index_t r = 0; r < rows; ++r) {
      const double d = static_cast<double>(x[static_cast<std::size_t>(r * columns + c)]) - mean;
      exact[static_cast<std::size_t>(c)] += d * d;
    }
  }
  auto mean = empty<float>(columns), m2 = mean;
  auto scratch = empty<float>(simd::column_moments_scratch<float, native>(rows, columns));
  simd::column_moments<float, native>(pool, rows, columns, x.data(), mean.data(), m2.data(), scratch.data());
  CHECK(relative_error(m2, exact, 4) < 2e-2);  // the mean itself is rounded to 2^-7 here
  CHECK(m2[4] == 0.0f);                        // a constant column has no variance at all
  CHECK(mean[4] == 12345.678f);
}

TEMPLATE_TEST_CASE("simd reduce: the sum of squares is a double sum with fixed bits", "[backend][simd][reduce]", float,
                   double) {
  using T = TestType;
  for (index_t n : {0, 1, 7, 257, 16384, 16385, 100003}) {
    const auto x = random_values<T>(n, 9, 0, 1000);
    long double exact = 0;
    for (T v : x) exact += static_cast<long double>(v) * static_cast<long double>(v);
    auto scratch = empty<double>(simd::sum_of_squares_scratch(n));
    thread_pool one(1), five(5);
    const double s = simd::sum_of_squares<T, native>(one, n, x.data(), scratch.data());
    CHECK(std::fabs(s - static_cast<double>(exact)) <= 1e-13 * static_cast<double>(exact));
    CHECK(s == simd::sum_of_squares<T, native>(five, n, x.data(), scratch.data()));
  }
}

TEST_CASE("simd reduce: no rows leave sums alone and give zero moments", "[backend][simd][reduce]") {
  thread_pool pool(2);
  std::vector<float> sums{1, 2}, mean{3, 4}, m2{5, 6};
  simd::column_sums<float, native>(pool, 0, 2, static_cast<const float*>(nullptr), sums.data(), nullptr);
  simd::column_moments<float, native>(pool, 0, 2, static_cast<const float*>(nullptr), mean.data(), m2.data(), nullptr);
  CHECK(sums == std::vector<float>{1, 2});
  CHECK(mean == std::vector<float>{0, 0});
  CHECK(m2 == std::vector<float>{0, 0});
}

TEST_CASE("simd reduce: scratch of many rows is enough for fewer", "[backend][simd][reduce]") {
  index_t wrong = 0;
  for (index_t columns : {1, 13, 257, 4096, 20000})
    for (index_t rows = 1; rows < 300; ++rows) {
      wrong += simd::row_chunks(rows, columns).count > simd::row_chunks::most(rows, columns);
      wrong += simd::row_chunks::most(rows, columns) > simd::row_chunks::most(rows + 1, columns);
    }
  CHECK(wrong == 0);
}
