// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

/// How a recipe's numbers are stored and multiplied: `using precision = pretext::precision::float64;`. bf16.hpp and
/// block16.hpp have those that round what is multiplied, with their kernels.
namespace pretext::precision {

struct float32 {
  using storage = float;
  static constexpr const char* name = "f32";
};
struct float64 {
  using storage = double;
  static constexpr const char* name = "f64";
};

namespace detail {
template <class Precision>
struct rounding {
  using type = void;
};
template <class Precision>
  requires requires { Precision::allowed; }
struct rounding<Precision> {
  using type = Precision;
};
}  // namespace detail

/// What a context is told of a precision: itself where products may round what they multiply, else void.
template <class Precision>
using rounding_of = typename detail::rounding<Precision>::type;

}  // namespace pretext::precision
