// SPDX-License-Identifier: BSD-3-Clause
// build: avx512bf16
#include "pretext/backend/simd/gemm_bfloat16.hpp"

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "pretext/core/bfloat16.hpp"
#include "simd_product.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::thread_pool;

namespace {

float from_bits(std::uint32_t bits) { return __builtin_bit_cast(float, bits); }
std::uint32_t bits_of(float x) { return __builtin_bit_cast(std::uint32_t, x); }
float rounded(float x) { return pretext::float_from_bfloat16(pretext::bfloat16_from_float(x)); }

struct rounded_terms : simd::bfloat16_terms_by<false> {};
/// The way of this test: pairs where the unit was compiled for them (and then the processor has them).
struct paired_terms : simd::bfloat16_terms_by<simd::has_bfloat16_dot<native>> {};

}  // namespace

TEST_CASE("simd bfloat16: rounding goes to nearest, ties to even, and keeps NaN, infinities and what is exact", "[backend][simd][bfloat16]") {
  const std::pair<std::uint32_t, std::uint32_t> cases[]{
      {0x3F800000u, 0x3F800000u},   // 1
      {0x3F808000u, 0x3F800000u},   // half way, the lower is even
      {0x3F818000u, 0x3F820000u},   // half way, the upper is even
      {0x3F808001u, 0x3F810000u},   // just above half way
      {0x3F817FFFu, 0x3F810000u},   // just below
      {0xBF818000u, 0xBF820000u},   // the same below zero
      {0x00000000u, 0x00000000u},   {0x80000000u, 0x80000000u},
      {0x7F7FFFFFu, 0x7F800000u},   // the largest float becomes infinity
      {0x7F7F7FFFu, 0x7F7F0000u},   // the last that does not
      {0x7F800000u, 0x7F800000u},   {0xFF800000u, 0xFF800000u},
      {0x7FC12345u, 0x7FC10000u},   // NaN
      {0x7F800001u, 0x7FC00000u},   // a signalling NaN whose payload is lost becomes a quiet one, not infinity
      {0xFFFFFFFFu, 0xFFFF0000u},   {0x00018000u, 0x00020000u},  // below 2^-126: rounded like any other
  };
  std::vector<float> from, to;
  for (int repeat = 0; repeat < 5; ++repeat)  // whole vectors and a rest
    for (const auto& [given, expected] : cases) {
      from.push_back(from_bits(given));
      CHECK(pretext::bfloat16_from_float(from_bits(given)) == expected >> 16);
    }
  from.pop_back();
  to.resize(from.size() + 1, 7.0f);
  simd::round_to_bfloat16<native>(from.data(), static_cast<index_t>(from.size()), to.data());
  for (std::size_t i = 0; i < from.size(); ++i) CHECK(bits_of(to[i]) == cases[i % std::size(cases)].second);
  CHECK(to.back() == 7.0f);
  std::uint32_t x = 1;
  index_t wrong = 0;
  for (int i = 0; i < 200000; ++i) {
    x = x * 1664525u + 1013904223u;
    float one = from_bits(x), got = 0;
    simd::round_to_bfloat16<native>(&one, 1, &got);
    wrong += bits_of(got) != bits_of(rounded(one));
  }
  CHECK(wrong == 0);
}

TEST_CASE("simd bfloat16: hand values", "[backend][simd][bfloat16]") {
  // 1 + 2^-8 is half way and becomes 1; 1 + 3 2^-8 becomes 1 + 4 2^-8. Sums are float: 2^-20 beside 1 is kept.
  const std::vector<float> a{1.00390625f, 1.01171875f, 0x1p-20f}, b{2, 4, 1};
  float c = 0;
  thread_pool pool(1);
  auto scratch = empty<float>(simd::bfloat16_terms::scratch<float, native>(1, 1, 1, 3));
  simd::gemm<float, native, simd::bfloat16_terms>(pool, 1, 1, 3, a.data(), 3, false, b.data(), 1, false, &c, 1, false, scratch.data());
  CHECK(c == 2.0f + 4 * 1.015625f + 0x1p-20f);
}

TEMPLATE_TEST_CASE("simd bfloat16: the product of rounded operands at awkward sizes", "[backend][simd][bfloat16]", rounded_terms,
                   paired_terms) {
  for (index_t m : {1, 2, 7, 13, 31, 100})
    for (index_t n : {1, 7, 13, 31, 65})
      for (index_t k : {1, 2, 7, 13, 31, 257})
        for (int variant = 0; variant < 4; ++variant) {
          const product p{m, n, k, (variant & 1) != 0, (variant & 2) != 0, (m + n + k + variant) % 2 == 0,
                          (m + variant) % 3 == 0, (n + k) % 2 == 0 ? index_t{0} : index_t{3}};
          INFO("m " << m << " n " << n << " k " << k << " variant " << variant);
          // Against rounded operands as exact as floats are; the gaps between rows are compared too.
          const auto got = p.run<TestType>(1);
          REQUIRE(!got.empty());
          REQUIRE(relative_error(got, p.naive(rounded), p.m * p.ldc()) < tolerance<float>());
        }
}

TEMPLATE_TEST_CASE("simd bfloat16: above every block, and within 5e-3 of the exact product", "[backend][simd][bfloat16]",
                   rounded_terms, paired_terms) {
  for (int variant = 0; variant < 4; ++variant) {
    const product p{257, 300, variant == 3 ? 2301 : 1100, (variant & 1) != 0, (variant & 2) != 0, variant == 1, variant == 2, 0};
    const auto got = p.run<TestType>(2);
    REQUIRE(relative_error(got, p.naive(rounded), p.m * p.ldc()) < tolerance<float>());
    CHECK(relative_l2(got, p.naive(), p.m * p.ldc()) < 5e-3);
  }
  const product aligned{50, 20, 1024, false, false, false, true, 0};
  REQUIRE(relative_error(aligned.run<TestType>(1), aligned.naive(rounded), aligned.m * aligned.ldc()) < tolerance<float>());
}

TEMPLATE_TEST_CASE("simd bfloat16: same bits for any number of threads, and for a row alone and among others",
                   "[backend][simd][bfloat16]", rounded_terms, paired_terms) {
  for (const product& p : {product{300, 270, 1300}, product{257, 31, 501, true, true, true}, product{13, 1000, 31, false, true, false, true}}) {
    const auto one = p.run<TestType>(1);
    for (int threads : {2, 3, 5}) CHECK(same_bits(one, p.run<TestType>(threads)));
  }
  thread_pool pool(2);
  for (index_t n : {1, 10, 64, 300})
    for (index_t k : {31, 576, 1901}) {
      const index_t m = 131;
      const auto a = random_values<float>(m * k, 5), b = random_values<float>(k * n, 6);
      auto all = empty<float>(m * n), some = empty<float>(m * n);
      auto scratch = empty<float>(TestType::template scratch<float, native>(2, m, n, k));
      simd::gemm<float, native, TestType>(pool, m, n, k, a.data(), k, false, b.data(), n, false, all.data(), n, false, scratch.data());
      for (index_t rows : {1, 2, 7, 12, 13, 96}) {
        simd::gemm<float, native, TestType>(pool, rows, n, k, a.data() + 5 * k, k, false, b.data(), n, false, some.data(), n, false,
                                            scratch.data());
        INFO("n " << n << " k " << k << " rows " << rows);
        CHECK(std::memcmp(some.data(), all.data() + 5 * n, static_cast<std::size_t>(rows * n) * sizeof(float)) == 0);
      }
    }
}

TEMPLATE_TEST_CASE("simd bfloat16: infinities and NaN stay in their rows", "[backend][simd][bfloat16]", rounded_terms, paired_terms) {
  thread_pool pool(1);
  const index_t m = 14, n = 35, k = 21;
  auto a = random_values<float>(m * k, 7);
  const auto b = random_values<float>(k * n, 8, 0.5, 1);
  a[3 * k + 20] = HUGE_VALF;
  a[13 * k + 1] = NAN;
  auto c = empty<float>(m * n), scratch = empty<float>(TestType::template scratch<float, native>(1, m, n, k));
  simd::gemm<float, native, TestType>(pool, m, n, k, a.data(), k, false, b.data(), n, false, c.data(), n, false, scratch.data());
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < n; ++j) {
      const float x = c[static_cast<std::size_t>(i * n + j)];
      CHECK((i == 3 ? std::isinf(x) : i == 13 ? std::isnan(x) : std::isfinite(x)));
    }
}

TEST_CASE("simd bfloat16: an inner extent of zero gives zero or the bias; double stays double", "[backend][simd][bfloat16]") {
  thread_pool pool(2);
  std::vector<float> c(12, 3.0f), bias{1, 2, 3, 4};
  auto scratch = empty<float>(simd::bfloat16_terms::scratch<float, native>(2, 3, 4, 0));
  simd::gemm<float, native, simd::bfloat16_terms>(pool, 3, 4, 0, nullptr, 0, false, nullptr, 4, false, c.data(), 4, false,
                                                  scratch.data(), bias.data());
  CHECK(c == std::vector<float>{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4});
  const double x = 1.0 / 3, y = 3;
  double z = 0;
  auto wide = empty<double>(simd::bfloat16_terms::scratch<double, native>(1, 1, 1, 1));
  simd::gemm<double, native, simd::bfloat16_terms>(pool, 1, 1, 1, &x, 1, false, &y, 1, false, &z, 1, false, wide.data());
  CHECK(z == 1.0);
}
