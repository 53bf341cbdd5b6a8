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
  each_awkward_product<float>([](const product<float>& p) {  // against rounded operands as exact as floats are
    REQUIRE(relative_error(p.run<TestType>(1), p.naive(rounded), p.size()) < tolerance<float>());
  });
}

TEMPLATE_TEST_CASE("simd bfloat16: above every block, and within 5e-3 of the exact product", "[backend][simd][bfloat16]",
                   rounded_terms, paired_terms) {
  for (int variant = 0; variant < 4; ++variant) {
    const product<float> p{257, 300, variant == 3 ? 2301 : 1100, (variant & 1) != 0, (variant & 2) != 0, variant == 1, variant == 2, 0};
    const auto got = p.run<TestType>(2);
    REQUIRE(relative_error(got, p.naive(rounded), p.size()) < tolerance<float>());
    CHECK(relative_l2(got, p.naive(), p.size()) < 5e-3);
  }
  const product<float> aligned{50, 20, 1024, false, false, false, true, 0};
  REQUIRE(relative_error(aligned.run<TestType>(1), aligned.naive(rounded), aligned.size()) < tolerance<float>());
}

TEMPLATE_TEST_CASE("simd bfloat16: same bits for any number of threads, and for a row alone and among others",
                   "[backend][simd][bfloat16]", rounded_terms, paired_terms) {
  check_bits<float, TestType>();
}

TEMPLATE_TEST_CASE("simd bfloat16: infinities and NaN stay in their rows", "[backend][simd][bfloat16]", rounded_terms, paired_terms) {
  check_rows_not_finite<float, TestType>();
}

TEST_CASE("simd bfloat16: an inner extent of zero gives zero or the bias; double stays double", "[backend][simd][bfloat16]") {
  thread_pool pool(2);
  std::vector<float> c(12, 3.0f), bias{1, 2, 3, 4};
  auto scratch = empty<float>(simd::bfloat16_terms::scratch<float, native>(2, 3, 4, 0));
  const float* const none = nullptr;
  simd::gemm<float, native, simd::bfloat16_terms>(pool, 3, 4, 0, none, 0, false, none, 4, false, c.data(), 4, false,
                                                  scratch.data(), bias.data());
  CHECK(c == std::vector<float>{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4});
  const double x = 1.0 / 3, y = 3;
  double z = 0;
  auto wide = empty<double>(simd::bfloat16_terms::scratch<double, native>(1, 1, 1, 1));
  simd::gemm<double, native, simd::bfloat16_terms>(pool, 1, 1, 1, &x, 1, false, &y, 1, false, &z, 1, false, wide.data());
  CHECK(z == 1.0);
}
