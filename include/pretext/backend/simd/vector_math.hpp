// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "vector_ops.hpp"

namespace pretext::simd {

/// Elementary functions of whole vectors, the same instructions for every lane.
/// errors  float within 2 units in the last place, double within 1e-14 relative; NaN stays NaN, results run into
///         denormals, zero and infinity as the exact function does
/// source  argument reduction after Cody and Waite; polynomials from Cephes (Moshier), fdlibm (Sun, log); those of
///         erf fitted by weighted least squares to the least largest error
template <class T, class Arch>
struct vector_math {
  using O = vector_ops<T, Arch>;
  using V = typename O::vector;
  using I = typename O::integers;
  using integer = typename O::integer;
  static constexpr bool single = sizeof(T) == 4;

  static V exp(const V& given) {
    // NaN passes both: it is the second operand.
    const V x = O::min(O::set(single ? T(89) : T(710)), O::max(O::set(single ? T(-104) : T(-746)), given));
    const V magic = O::set(round_magic());
    const V t = O::fma(x, O::set(T(1.4426950408889634074)), magic);
    const V n = t - magic;
    const V y = exp_of_reduced(x, n);
    // 2^n in two factors: the last product alone rounds, so denormal results are right.
    constexpr integer half_bias = single ? 128 : 2048;
    const I k = O::bits(t) - O::bits(magic);
    const I k1 = O::template shift_right_logical<1>(k + I(2 * half_bias)) - I(half_bias);
    return y * power_of_two(k1) * power_of_two(k - k1);
  }

  /// exp where |x| <= 87 (double: 708) is known: the same steps without the care for what leaves the range. NaN stays NaN.
  static V exp_near(const V& x) {
    // The exponent's bias stands in the low bits already, and the shift pushes out everything above it.
    const V magic = O::set(round_magic() + T(single ? 127 : 1023));
    const V t = O::fma(x, O::set(T(1.4426950408889634074)), magic);
    return exp_of_reduced(x, t - magic) * O::from_bits(O::template shift_left<single ? 23 : 52>(O::bits(t)));
  }

  /// 1 / (1 + exp(-x)), within 3 units in the last place; below -87 (double: -708) it stays what it is there, 1.7e-38 (3e-308).
  static V sigmoid(const V& x) {
    constexpr T most = single ? T(87) : T(708);
    const V near = O::min(O::set(most), O::max(O::set(-most), x));  // NaN passes both
    return O::set(T(1)) / (O::set(T(1)) + exp_near(O::zero() - near));
  }

  static V log(const V& x) {
    constexpr integer root_half = single ? integer(0x3f3504f3) : static_cast<integer>(0x3fe6a09e667f3bcd);
    constexpr int digits = single ? 23 : 52;
    constexpr integer offset = single ? 128 : 1024;
    const V tiny = O::set(std::numeric_limits<T>::min());
    const auto denormal = x < tiny;
    const V scaled = O::select(denormal, x * O::set(single ? T(8388608.0) : T(4503599627370496.0)), x);
    const I u = O::bits(scaled);
    const I e = O::template shift_right_logical<digits>(u - I(root_half) +
                                                        I(static_cast<integer>(static_cast<std::make_unsigned_t<integer>>(offset) << digits))) -
                I(offset);
    const V m = O::from_bits(u - O::template shift_left<digits>(e));
    V k = O::from_bits(e + O::bits(O::set(round_magic()))) - O::set(round_magic());
    k = k - O::select(denormal, O::set(T(digits)), O::zero());
    const V f = m - O::set(T(1));
    const V s = f / (f + O::set(T(2)));
    const V z = s * s;
    const V half_square = O::set(T(0.5)) * f * f;
    V R, high, low;
    if constexpr (single) {
      R = z * polynomial(z, 0.24279078841f, 0.28498786688f, 0.40000972152f, 0.66666662693f);
      high = O::set(6.9313812256e-01f);
      low = O::set(9.0580006145e-06f);
    } else {
      R = z * polynomial(z, 1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
                         2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
                         6.666666666666735130e-01);
      high = O::set(6.93147180369123816490e-01);
      low = O::set(1.90821492927058770002e-10);
    }
    const V correction = O::fma(s, half_square + R, k * low);
    V y = O::fma(k, high, f - (half_square - correction));
    const T infinity = std::numeric_limits<T>::infinity();
    y = O::select(x == O::zero(), O::set(-infinity), y);
    y = O::select(x == O::set(infinity), x, y);
    // Negative numbers and NaN.
    return O::select(x >= O::zero(), y, O::set(std::numeric_limits<T>::quiet_NaN()));
  }

  static V tanh(const V& x) {
    const V a = O::abs(x), z = x * x;
    const V large = O::set(T(1)) - O::set(T(2)) / (exp(a + a) + O::set(T(1)));
    V small;
    if constexpr (single) {
      small = O::fma(polynomial(z, -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f,
                                -3.33332819422e-1f) *
                         z,
                     x, x);
    } else {
      const V p = polynomial(z, -9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3);
      const V q = polynomial(z, 1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3);
      small = O::fma(z * p / q, x, x);
    }
    return O::copy_sign(O::select(a < O::set(T(0.625)), small, large), x);
  }

  static V erf(const V& x) {
    if constexpr (single) {
      // Below 1.1 odd powers; above 1 - q^4, q the fourth root of erfc, which is smooth where erfc falls too fast for a
      // polynomial: no exponential. From 4 on the result is 1. NaN passes the minimum: it is the second operand.
      const V t = O::abs(x), s = x * x;
      const V q = polynomial(O::min(O::set(4.0f), t), -1.749116636e-04f, 3.170525655e-03f, -2.184262127e-02f, 6.494782120e-02f,
                             -4.829525948e-02f, -6.581448019e-02f, -3.073630631e-01f, 1.005142212e+00f);
      const V p = polynomial(s, 7.188005839e-05f, -7.805795176e-04f, 5.164863542e-03f, -2.684144303e-02f, 1.128329188e-01f,
                             -3.761259913e-01f, 1.283791661e-01f);
      const V q2 = q * q;
      return O::copy_sign(O::select(t < O::set(1.1f), O::fma(p, x, x), O::fnma(q2, q2, O::set(1.0f))), x);
    } else {
      alignas(64) T a[O::width];
      O::store(a, x);
      for (index_t i = 0; i < O::width; ++i) a[i] = std::erf(a[i]);
      return O::load(a);
    }
  }

  /// 1 / sqrt(x) with both roundings; never the machine's 12-bit guess.
  static V rsqrt(const V& x) { return O::divide(O::set(T(1)), O::sqrt(x)); }

  /// Horner, highest coefficient first, fused.
  template <class... C>
  static V polynomial(const V& x, T first, C... rest) {
    V y = O::set(first);
    ((y = O::fma(y, x, O::set(static_cast<T>(rest)))), ...);
    return y;
  }

 private:
  /// exp(x - n log 2) for the integer n nearest to x / log 2.
  static V exp_of_reduced(const V& x, const V& n) {
    if constexpr (single) {
      const V r = O::fnma(n, O::set(-2.12194440e-4f), O::fnma(n, O::set(0.693359375f), x));
      return O::fma(polynomial(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                               5.0000001201e-1f),
                    r * r, r) +
             O::set(1.0f);
    } else {
      const V r = O::fnma(n, O::set(1.90821492927058770002e-10), O::fnma(n, O::set(6.93147180369123816490e-01), x));
      return O::fma(polynomial(r, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
                               1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5),
                    r * r, r) +
             O::set(1.0);
    }
  }
  /// Adding it rounds to an integer, which then is in the low bits.
  static constexpr T round_magic() { return single ? T(12582912.0) : T(6755399441055744.0); }
  static V power_of_two(const I& k) {
    constexpr int digits = single ? 23 : 52;
    return O::from_bits(O::template shift_left<digits>(k + I(integer(single ? 127 : 1023))));
  }
};

}  // namespace pretext::simd
