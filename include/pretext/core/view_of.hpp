// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <vector>

namespace pretext {

/// A list as a span. The conversion of std::span takes any range and asks a dozen concepts of its iterator, anew for each
/// type of element; in headers that is time for everybody who includes them.
template <class T>
constexpr std::span<const T> view_of(const std::vector<T>& list) {
  return {list.data(), list.size()};
}

}  // namespace pretext
