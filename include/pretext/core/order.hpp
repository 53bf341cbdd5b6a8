// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "../config.hpp"

namespace pretext {

namespace detail {
/// Merge sort of positions; the same code for whatever lies at them.
PRETEXT_COLD inline std::vector<std::size_t> order_of(std::size_t n, const void* before, bool (*call)(const void*, std::size_t, std::size_t)) {
  std::vector<std::size_t> order(n), merged(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  for (std::size_t width = 1; width < n; width *= 2) {
    for (std::size_t begin = 0; begin < n; begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, n), end = std::min(begin + 2 * width, n);
      std::size_t a = begin, b = middle;
      for (std::size_t out = begin; out < end; ++out) {
        const bool second = a == middle || (b < end && call(before, order[b], order[a]));
        merged[out] = order[second ? b++ : a++];
      }
    }
    order.swap(merged);
  }
  return order;
}
}  // namespace detail

/// The positions 0 to n - 1 so that before(i, j) holds for no j in front of i; equals stay in their order.
/// cost    O(n log n) calls through a pointer: std::sort is compiled anew for every type and comparison, this is not
template <class Before>
std::vector<std::size_t> sorted_order(std::size_t n, const Before& before) {
  return detail::order_of(n, &before, [](const void* f, std::size_t i, std::size_t j) -> bool {
    return (*static_cast<const Before*>(f))(i, j);
  });
}

/// Rearranges values: the new i-th is the old order[i]-th.
template <class T>
PRETEXT_COLD void reorder(std::vector<T>& values, const std::vector<std::size_t>& order) {
  std::vector<T> moved(values.size());
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = std::move(values[order[i]]);
  values.swap(moved);
}

/// Smallest first; equals stay in their order.
template <class T>
void sort_values(std::vector<T>& values) {
  reorder(values, sorted_order(values.size(), [&](std::size_t i, std::size_t j) { return values[i] < values[j]; }));
}

}  // namespace pretext
