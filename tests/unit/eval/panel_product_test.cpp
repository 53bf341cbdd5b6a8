// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/panel_product.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "eval_support.hpp"
#include "pretext/eval/parallel_loop.hpp"
#include "pretext/core/thread_pool.hpp"
#include "support/catch.hpp"

using namespace pretext::eval;
using pretext::index_t;

namespace {

template <class T>
double worst_error(index_t m, index_t n, index_t depth, bool a_transposed, bool b_transposed) {
  const auto fill = [](index_t size, std::uint64_t seed) {
    std::vector<T> v;
    eval_support::normals next(seed);
    for (index_t i = 0; i < size; ++i) v.push_back(static_cast<T>(next()));
    return v;
  };
  const std::vector<T> a = fill(m * depth, 1), b = fill(depth * n, 2);
  const index_t ai = a_transposed ? 1 : depth, ak = a_transposed ? m : 1;
  const index_t bk = b_transposed ? 1 : n, bj = b_transposed ? depth : 1;
  std::vector<T> panels(static_cast<std::size_t>(detail::panel_count<T>(n) * detail::panel_width<T> * depth));
  detail::pack_panels(b.data(), bk, bj, depth, n, panels.data());
  const index_t stride = n + 3;
  std::vector<T> c(static_cast<std::size_t>(m * stride), T(1));
  detail::multiply_panels(a.data(), ai, ak, m, panels.data(), depth, n, c.data(), stride);
  double worst = 0, largest = 0;
  for (index_t i = 0; i < m; ++i) {
    for (index_t j = 0; j < n; ++j) {
      double want = 1;
      for (index_t k = 0; k < depth; ++k)
        want += static_cast<double>(a[static_cast<std::size_t>(i * ai + k * ak)]) *
                static_cast<double>(b[static_cast<std::size_t>(k * bk + j * bj)]);
      worst = std::max(worst, std::abs(want - static_cast<double>(c[static_cast<std::size_t>(i * stride + j)])));
      largest = std::max(largest, std::abs(want));
    }
    for (index_t j = n; j < stride; ++j) worst = std::max(worst, std::abs(static_cast<double>(c[static_cast<std::size_t>(i * stride + j)]) - 1) * 1e9);
  }
  return worst / largest;
}

}  // namespace

TEMPLATE_TEST_CASE("panel product: equals the sum of products for every shape and storage order", "[eval][panel_product]", float,
                   double) {
  const double tolerance = std::is_same_v<TestType, float> ? 1e-5 : 1e-12;
  for (const index_t m : {1, 3, 8, 13})
    for (const index_t n : {1, 2, 4, 5, 8, 10, 31})
      for (const index_t depth : {1, 7, 256, 257, 600})
        for (const int order : {0, 1, 2, 3}) {
          CAPTURE(m, n, depth, order);
          REQUIRE(worst_error<TestType>(m, n, depth, order % 2 == 1, order / 2 == 1) < tolerance);
        }
}

TEST_CASE("panel product: a row has the same bits alone and among others", "[eval][panel_product]") {
  const index_t n = 10, depth = 300, m = 13;
  const feature_matrix a = eval_support::noise(m, depth, 3), b = eval_support::noise(n, depth, 4);
  std::vector<float> panels(static_cast<std::size_t>(16 * depth)), all(static_cast<std::size_t>(m * n), 0.0f);
  detail::pack_panels(b.values.data(), 1, depth, depth, n, panels.data());
  detail::multiply_panels(a.values.data(), depth, index_t{1}, m, panels.data(), depth, n, all.data(), n);
  for (index_t i = 0; i < m; ++i) {
    std::vector<float> one(static_cast<std::size_t>(n), 0.0f);
    detail::multiply_panels(a.values.data() + i * depth, depth, index_t{1}, index_t{1}, panels.data(), depth, n, one.data(), n);
    CHECK(std::equal(one.begin(), one.end(), all.begin() + i * n));
  }
}

TEST_CASE("parallel_loop: alone, with a function and with a thread pool every piece runs once", "[eval][parallel_loop]") {
  const auto run = [](parallel_loop loop) {
    std::vector<int> seen(100, 0);
    loop(100, [&](index_t i) { ++seen[static_cast<std::size_t>(i)]; });
    return seen;
  };
  const std::vector<int> once(100, 1);
  CHECK(run({}) == once);
  CHECK(run([](index_t n, auto body) {
          for (index_t i = n; i-- > 0;) body(i);
        }) == once);
  pretext::thread_pool pool(3);
  CHECK(run(pool) == once);
}
