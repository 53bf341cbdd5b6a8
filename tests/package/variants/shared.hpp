// SPDX-License-Identifier: BSD-3-Clause
// Written without a thought for instruction sets, as a user would: the same names in every copy of the unit.
#pragma once
#include <Eigen/Core>
#include <string>
#include <vector>

inline const char* compiled_for() {
#if defined(__AVX512F__)
  return "avx512";
#elif defined(__AVX2__)
  return "avx2";
#else
  return "baseline";
#endif
}

template <class T>
__attribute__((noinline)) T product_sum(const std::vector<T>& x) {
  using vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
  const Eigen::Map<const vector> v(x.data(), static_cast<Eigen::Index>(x.size()));
  return v.dot(v);
}

template <class T>
struct counted {
  static inline std::vector<T> initialised_at_start{std::vector<T>(64, T(3))};  // a dynamic initialiser, vectorised
};

std::string from_common();
