// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "vector_math.hpp"

namespace pretext::simd {

/// The math policy of functors on whole vectors (core/scalar_math.hpp is the one on scalars): comparisons give masks,
/// which `select` takes.
template <class T, class Arch>
struct simd_math {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;

  template <class Mask>
  static V select(const Mask& condition, const V& yes, const V& no) {
    return O::select(condition, yes, no);
  }
  static V max(const V& a, const V& b) { return O::max(a, b); }
  static V min(const V& a, const V& b) { return O::min(a, b); }
  static V exp(const V& x) { return vector_math<T, Arch>::exp(x); }
  static V sigmoid(const V& x) { return vector_math<T, Arch>::sigmoid(x); }
  static V log(const V& x) { return vector_math<T, Arch>::log(x); }
  static V tanh(const V& x) { return vector_math<T, Arch>::tanh(x); }
  static V erf(const V& x) { return vector_math<T, Arch>::erf(x); }
  static V sqrt(const V& x) { return O::sqrt(x); }
};

}  // namespace pretext::simd
