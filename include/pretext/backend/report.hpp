// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "ops.hpp"

namespace pretext::backend {

namespace detail {
/// Whether B computes Op itself on maps stored as the precision stores them.
template <class B, class Precision, class Op>
constexpr bool is_native_in() {
  if constexpr (requires { typename B::template falls_back_in<typename Precision::storage>; })
    if (B::template falls_back_in<typename Precision::storage>::template contains<Op>) return false;
  return B::native_ops::template contains<Op>;
}
template <class Precision, class Op>
constexpr bool is_rounded_in() {
  if constexpr (requires { Precision::template rounds<Op>; })
    return op::rounds<Precision, Op>;
  else
    return false;
}
template <class B, class Precision, class... Ops>
std::string report_lines(op::list<Ops...>) {
  std::size_t width = 0;
  ((width = Ops::name.size() > width ? Ops::name.size() : width), ...);
  std::string text;
  const auto line = [&](std::string_view name, bool native, bool rounds) {
    text.append(name).append(width + 2 - name.size(), ' ').append(native ? "native" : "fallback");
    if constexpr (requires { B::template rounding<Precision>(); })
      if (rounds) text.append(", ").append(B::template rounding<Precision>());
    text += '\n';
  };
  (line(Ops::name, is_native_in<B, Precision, Ops>(), is_rounded_in<Precision, Ops>()), ...);
  return text;
}
}  // namespace detail

/// A line for each op of the contract: its name, and whether B computes it itself or falls back to the reference.
/// With a precision, whether it does so on maps stored as the precision says, and, where that rounds, how B multiplies in it; a
/// back end of which nothing is said there multiplies exactly.
///   std::fputs(backend::report<backend::simd<>>().c_str(), stdout)
template <class B, class Precision = void>
std::string report() {
  return detail::report_lines<B, Precision>(op::all{});
}

}  // namespace pretext::backend
