// SPDX-License-Identifier: BSD-3-Clause
// build: avx512bf16
#include "pretext/backend/simd/gemm_block16.hpp"

#include <vector>

#include "simd_product.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::thread_pool;
using terms = simd::block16_terms;

namespace {

std::vector<float> multiply(index_t m, index_t n, index_t k, const std::vector<float>& a, const std::vector<float>& b) {
  thread_pool pool(1);
  auto c = empty<float>(m * n), scratch = empty<float>(terms::scratch<float, native>(1, m, n, k));
  simd::gemm<float, native, terms>(pool, m, n, k, a.data(), k, false, b.data(), n, false, c.data(), n, false, scratch.data());
  c.pop_back();
  return c;
}

}  // namespace

TEST_CASE("simd block16: sums of integers never leave 32 bits", "[backend][simd][block16]") {
  for (index_t k = 2; k <= 512; k += 2) {
    const double q = static_cast<double>(simd::detail::block16_limit(k));
    CHECK(q * q * static_cast<double>(k) <= 2147483647.0);
    CHECK(q >= 2047);
  }
  // All terms as large as can be, of one sign: the sum that comes nearest.
  for (index_t k : {1, 2, 7, 64, 511, 512, 513, 1500}) {
    const auto c = multiply(3, 5, k, std::vector<float>(static_cast<std::size_t>(3 * k), -3.0f),
                            std::vector<float>(static_cast<std::size_t>(5 * k), 0.7f));
    for (float x : c) CHECK(std::fabs(x / (-2.1f * static_cast<float>(k)) - 1) < 1e-6f);
  }
}

TEST_CASE("simd block16: hand values", "[backend][simd][block16]") {
  // Two terms have 16 bits: q = 32767 and round(32767 / 3) = 10922, and 32767 twice.
  const auto c = multiply(1, 1, 2, {3.0f, -1.0f}, {2.0f, 2.0f});
  CHECK(std::fabs(c[0] - 6.0f * (1.0f - 10922.0f / 32767.0f)) < 1e-6f);
  CHECK(multiply(1, 1, 1, {0.1f}, {-0.3f})[0] == Approx(0.1f * -0.3f).epsilon(1e-6));
  CHECK(multiply(1, 2, 3, {0, 0, 0}, {1, 2, 3, 4, 5, 6}) == std::vector<float>{0, 0});
}

TEST_CASE("simd block16: agrees with the product at awkward sizes", "[backend][simd][block16]") {
  // 11 to 15 digits for the largest term of a row, 2^-12 of it in the others: the largest error over the largest result.
  each_awkward_product<float>([](const product<float>& p) { REQUIRE(relative_error(p.run<terms>(1), p.naive(), p.size()) < 2e-3); });
}

TEST_CASE("simd block16: agrees with the product above every block", "[backend][simd][block16]") {
  for (int variant = 0; variant < 4; ++variant) {
    const product<float> p{257, 300, variant == 3 ? 2301 : 1100, (variant & 1) != 0, (variant & 2) != 0, variant == 1, variant == 2, 0};
    CHECK(relative_l2(p.run<terms>(2), p.naive(), p.size()) < 5e-4);
  }
  const product<float> aligned{50, 20, 1024, false, false, false, true, 0};
  CHECK(relative_l2(aligned.run<terms>(1), aligned.naive(), aligned.size()) < 5e-4);
}

TEST_CASE("simd block16: an element's error is at most |row| |column| sqrt(k) / limit, whatever the values", "[backend][simd][block16]") {
  const index_t m = 24, n = 40, k = 512;
  auto a = random_values<float>(m * k, 1), b = random_values<float>(k * n, 2);
  for (index_t i = 0; i < m; ++i) a[static_cast<std::size_t>(i * k + i)] = 3.0f * static_cast<float>(1 << i);
  for (index_t j = 0; j < n; ++j) b[static_cast<std::size_t>((j + 100) * n + j)] = 30.0f;
  const auto c = multiply(m, n, k, a, b);
  double worst = 0;
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < n; ++j) {
      double exact = 0, row = 0, column = 0;
      for (index_t p = 0; p < k; ++p) {
        const double x = static_cast<double>(a[static_cast<std::size_t>(i * k + p)]), y = static_cast<double>(b[static_cast<std::size_t>(p * n + j)]);
        exact += x * y;
        row += x * x;
        column += y * y;
      }
      const double error = std::fabs(static_cast<double>(c[static_cast<std::size_t>(i * n + j)]) - exact);
      worst = std::fmax(worst, error / std::sqrt(row * column));
    }
  CHECK(worst < std::sqrt(512.0) / 2047);
}

TEST_CASE("simd block16: a power of two on a row or column is one on the result, bit for bit", "[backend][simd][block16]") {
  const index_t m = 15, n = 37, k = 301;
  auto a = random_values<float>(m * k, 1), b = random_values<float>(k * n, 2);
  const auto one = multiply(m, n, k, a, b);
  for (index_t p = 0; p < k; ++p) {
    a[static_cast<std::size_t>(3 * k + p)] *= 0x1p60f;
    b[static_cast<std::size_t>(p * n + 5)] *= 0x1p-70f;
  }
  const auto two = multiply(m, n, k, a, b);
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < n; ++j)
      CHECK(two[static_cast<std::size_t>(i * n + j)] ==
            one[static_cast<std::size_t>(i * n + j)] * (i == 3 ? 0x1p60f : 1.0f) * (j == 5 ? 0x1p-70f : 1.0f));
}

TEST_CASE("simd block16: same bits for any number of threads, and for a row alone and among others", "[backend][simd][block16]") {
  check_bits<float, terms>();
}

TEST_CASE("simd block16: what is not finite makes its rows and columns NaN, and what is below 2^-100 is zero", "[backend][simd][block16]") {
  const index_t m = 14, n = 35, k = 21;
  auto a = random_values<float>(m * k, 7), b = random_values<float>(k * n, 8, 0.5, 1);
  a[3 * k + 20] = HUGE_VALF;
  a[13 * k + 1] = NAN;
  b[4 * n + 33] = -HUGE_VALF;
  for (index_t p = 0; p < k; ++p) a[static_cast<std::size_t>(5 * k + p)] = 0x1p-101f;
  const auto c = multiply(m, n, k, a, b);
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < n; ++j) {
      const float x = c[static_cast<std::size_t>(i * n + j)];
      if (!simd::has_int16_dot<native>) continue;
      CHECK((i == 3 || i == 13 || j == 33 ? std::isnan(x) : i == 5 ? x == 0 : std::isfinite(x)));
    }
}

TEST_CASE("simd block16: scratch of a large product is enough for every smaller one; double stays double", "[backend][simd][block16]") {
  check_scratch_bound<simd::int16_pair>();
  thread_pool pool(1);
  const double x = 1.0 / 3, y = 3;
  double z = 0;
  auto wide = empty<double>(terms::scratch<double, native>(1, 1, 1, 1));
  simd::gemm<double, native, terms>(pool, 1, 1, 1, &x, 1, false, &y, 1, false, &z, 1, false, wide.data());
  CHECK(z == 1.0);
}
