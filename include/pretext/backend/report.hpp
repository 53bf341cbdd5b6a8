// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "ops.hpp"

namespace pretext::backend {

namespace detail {
template <class Native, class... Ops>
std::string report_lines(op::list<Ops...>) {
  std::size_t width = 0;
  ((width = Ops::name.size() > width ? Ops::name.size() : width), ...);
  std::string text;
  const auto line = [&](std::string_view name, bool native) {
    text.append(name).append(width + 2 - name.size(), ' ').append(native ? "native\n" : "fallback\n");
  };
  (line(Ops::name, Native::template contains<Ops>), ...);
  return text;
}
}  // namespace detail

/// A line for each op of the contract: its name, and whether B computes it itself or falls back to the reference.
///   std::fputs(backend::report<backend::simd<>>().c_str(), stdout)
template <class B>
std::string report() {
  return detail::report_lines<typename B::native_ops>(op::all{});
}

}  // namespace pretext::backend
