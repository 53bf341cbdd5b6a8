// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "pretext/backend/simd/arch.hpp"
#include "pretext/core/index.hpp"
#include "pretext/core/rng.hpp"

namespace simd_test {

using pretext::index_t;
using native = pretext::simd::native_arch;

template <class T>
std::vector<T> random_values(index_t n, std::uint64_t seed, double low = -1, double high = 1) {
  pretext::rng::stream draw(pretext::rng::key{seed, 0, 0, 0, 0, 0});
  std::vector<T> v(static_cast<std::size_t>(n));
  for (auto& x : v) x = static_cast<T>(draw.uniform(low, high));
  return v;
}

template <class T>
std::vector<T> empty(index_t n, T fill = T(0)) {
  return std::vector<T>(static_cast<std::size_t>(n > 0 ? n : 0) + 1, fill);
}

/// max |a - ref| / max |ref|, and infinite where a is not finite.
template <class T, class U>
double relative_error(const T* a, const U* ref, index_t n) {
  double worst = 0, scale = 0;
  for (index_t i = 0; i < n; ++i) {
    const double d = std::fabs(static_cast<double>(a[i]) - static_cast<double>(ref[i]));
    if (!(d <= worst)) worst = std::isfinite(d) ? d : HUGE_VAL;
    scale = std::fmax(scale, std::fabs(static_cast<double>(ref[i])));
  }
  return scale > 0 ? worst / scale : worst;
}
template <class T, class U>
double relative_error(const std::vector<T>& a, const std::vector<U>& ref, index_t n) {
  return relative_error(a.data(), ref.data(), n);
}

/// |a - ref|_2 / |ref|_2.
template <class T, class U>
double relative_l2(const std::vector<T>& a, const std::vector<U>& ref, index_t n) {
  double squares = 0, scale = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(ref[i]);
    squares += d * d;
    scale += static_cast<double>(ref[i]) * static_cast<double>(ref[i]);
  }
  return scale > 0 ? std::sqrt(squares / scale) : std::sqrt(squares);
}

template <class T>
constexpr double tolerance() {
  return sizeof(T) == 4 ? 1e-5 : 1e-10;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace simd_test
