// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/order.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace px = pretext;

TEST_CASE("sorted_order: rising, equals in their order, for every length", "[core][order]") {
  unsigned state = 1;
  for (std::size_t n = 0; n < 70; ++n) {
    std::vector<int> values(n);
    for (int& v : values) v = static_cast<int>((state = state * 1664525u + 1013904223u) >> 28);  // 16 values: many ties
    std::vector<std::size_t> wanted(n);
    for (std::size_t i = 0; i < n; ++i) wanted[i] = i;
    std::sort(wanted.begin(), wanted.end(), [&](std::size_t a, std::size_t b) { return values[a] != values[b] ? values[a] < values[b] : a < b; });
    CHECK(px::sorted_order(n, [&](std::size_t a, std::size_t b) { return values[a] < values[b]; }) == wanted);
  }
}

TEST_CASE("sort_values: texts rise, and every one of them is kept", "[core][order]") {
  std::vector<std::string> texts{"pear", "", "apple", "pear", "a name that is longer than a string holds in itself", "fig"};
  std::vector<std::string> wanted = texts;
  std::sort(wanted.begin(), wanted.end());
  px::sort_values(texts);
  CHECK(texts == wanted);
}

TEST_CASE("reorder: the new i-th is the old order[i]-th", "[core][order]") {
  std::vector<int> values{10, 20, 30};
  px::reorder(values, {2, 0, 1});
  CHECK(values == std::vector<int>{30, 10, 20});
  std::vector<int> none;
  px::reorder(none, {});
  CHECK(none.empty());
}
