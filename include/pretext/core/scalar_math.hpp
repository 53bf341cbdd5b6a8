// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include "../config.hpp"

namespace pretext {

/// The functions an elementwise functor may use, on scalars. A functor is written once over a math policy M,
///   template <class M, class V> static V value(const V& x) { return M::max(x, V(0)); }
/// and a SIMD back end passes its own M, whose V is a vector and whose comparisons are masks.
struct scalar_math {
  template <class T>
  PRETEXT_HOST_DEVICE static constexpr T select(bool condition, const T& yes, const T& no) {
    return condition ? yes : no;
  }
  /// a > b ? a : b: a NaN in b comes through.
  template <class T>
  PRETEXT_HOST_DEVICE static constexpr T max(const T& a, const T& b) {
    return a > b ? a : b;
  }
  template <class T>
  PRETEXT_HOST_DEVICE static constexpr T min(const T& a, const T& b) {
    return a < b ? a : b;
  }
  template <class T>
  PRETEXT_HOST_DEVICE static T exp(const T& x) {
    using std::exp;
    return exp(x);
  }
  template <class T>
  PRETEXT_HOST_DEVICE static T log(const T& x) {
    using std::log;
    return log(x);
  }
  template <class T>
  PRETEXT_HOST_DEVICE static T tanh(const T& x) {
    using std::tanh;
    return tanh(x);
  }
  template <class T>
  PRETEXT_HOST_DEVICE static T erf(const T& x) {
    using std::erf;
    return erf(x);
  }
  template <class T>
  PRETEXT_HOST_DEVICE static T sqrt(const T& x) {
    using std::sqrt;
    return sqrt(x);
  }
};

}  // namespace pretext
