// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/elementwise.hpp"

#include "pretext/backend/simd/columns.hpp"
#include "simd_test_support.hpp"
#include "support/catch.hpp"

using namespace simd_test;
namespace simd = pretext::simd;
using pretext::thread_pool;
using O = simd::vector_ops<float, native>;
using V = simd::vec<float, native>;

TEST_CASE("simd map: a result that goes past the caches has the bits of one that does not", "[backend][simd][elementwise]") {
  const index_t n = (index_t{4} << 20) + 16 * 1000 + 5;  // above vector_ops::streams, with a tail
  const auto x = random_values<float>(n, 1);
  const auto f = [](const V& v) { return O::fma(v, v, O::set(0.25f)); };
  for (int threads : {1, 3}) {
    thread_pool pool(threads);
    for (index_t offset : {0, 1}) {  // aligned or not
      auto out = std::vector<float>(static_cast<std::size_t>(n) + 64 + 16, -7.0f);
      float* to = out.data();
      while (reinterpret_cast<std::uintptr_t>(to) % 64 != 0) ++to;
      to += offset;
      simd::map<float, native>(pool, n, to, f, x.data());
      auto small = empty<float>(n);
      for (index_t i = 0; i < n; i += 4096) simd::map_run<float, native>(n - i < 4096 ? n - i : 4096, small.data() + i, false, f, x.data() + i);
      CHECK(std::memcmp(to, small.data(), static_cast<std::size_t>(n) * sizeof(float)) == 0);
      CHECK(to[n] == -7.0f);
      auto in_place = x;
      simd::map<float, native>(pool, n, in_place.data(), f, in_place.data());
      CHECK(std::memcmp(in_place.data(), small.data(), static_cast<std::size_t>(n) * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("simd map_with_columns: large and small results have the same bits", "[backend][simd][elementwise]") {
  const index_t rows = 70000, columns = 64;
  const auto x = random_values<float>(rows * columns, 2), c = random_values<float>(columns, 3);
  const auto f = [](const V* v, const V* k) { return O::fma(v[0], k[0], v[0]); };
  thread_pool pool(2);
  auto large = empty<float>(rows * columns), small = empty<float>(rows * columns);
  simd::map_with_columns<float, native>(pool, rows, columns, large.data(), f, {c.data()}, {x.data()});
  for (index_t r = 0; r < rows; r += 1000)
    simd::map_with_columns<float, native>(pool, 1000, columns, small.data() + r * columns, f, {c.data()}, {x.data() + r * columns});
  CHECK(std::memcmp(large.data(), small.data(), static_cast<std::size_t>(rows * columns) * sizeof(float)) == 0);
}
