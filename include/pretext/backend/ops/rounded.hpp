// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

namespace pretext::op {

/// Op where the precision of a recipe allows products to round what they multiply: the result may differ from Op's by
/// Precision::allowed (relative, in the 2-norm). It is an Op, so a back end that does not know the precision runs Op.
template <class Op, class Precision>
struct rounded : Op {
  using exact = Op;
  using precision = Precision;
  static constexpr double allowed = Precision::allowed;
};

namespace detail {
template <class Op>
struct exact_of {
  using type = Op;
};
template <class Op, class Precision>
struct exact_of<rounded<Op, Precision>> {
  using type = Op;
};
}  // namespace detail

/// Op without a precision.
template <class Op>
using exact_op = typename detail::exact_of<Op>::type;

/// Whether a precision has something to say about Op; void is none.
template <class Precision, class Op>
inline constexpr bool rounds = Precision::template rounds<Op>;
template <class Op>
inline constexpr bool rounds<void, Op> = false;

}  // namespace pretext::op
