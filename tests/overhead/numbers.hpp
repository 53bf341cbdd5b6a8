// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

/// What both programs of a pair share: the same inputs, and results as text. Nothing of the library.
namespace numbers {

/// 64-byte aligned, zeroed, never freed: these programs run once.
template <class T>
T* make(long n) {
  const auto bytes = (static_cast<std::size_t>(n) * sizeof(T) + 63) / 64 * 64;
  T* p = static_cast<T*>(std::aligned_alloc(64, bytes));
  for (long i = 0; i < n; ++i) p[i] = T(0);
  return p;
}

/// Uniform in [-scale, scale), the same in both programs.
inline float* uniform(long n, std::uint32_t seed, float scale) {
  float* p = make<float>(n);
  std::uint32_t state = seed * 2654435761u + 1;
  for (long i = 0; i < n; ++i) {
    state = state * 1664525u + 1013904223u;
    p[i] = scale * (static_cast<float>(state >> 8) * (2.0f / 16777216.0f) - 1.0f);
  }
  return p;
}

/// "name size v...": two sums over all elements with random signs, then sixteen elements. `size` is what
/// differences are compared with: the root mean square.
inline void print(const char* name, const float* x, long n) {
  double squares = 0;
  for (long i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  std::printf("%s %.9g", name, std::sqrt(squares / static_cast<double>(n)));
  std::uint32_t state = 1;
  for (int k = 0; k < 2; ++k) {
    double sum = 0;
    for (long i = 0; i < n; ++i) {
      state = state * 1664525u + 1013904223u;
      sum += (state >> 31) ? static_cast<double>(x[i]) : -static_cast<double>(x[i]);
    }
    std::printf(" %.9g", sum / std::sqrt(static_cast<double>(n)));
  }
  for (long k = 0; k < 16; ++k) std::printf(" %.9g", static_cast<double>(x[(n - 1) * k / 15]));
  std::printf("\n");
}

}  // namespace numbers

/// What is counted: from its entry to its return (callgrind --toggle-collect=measured).
extern "C" __attribute__((noinline)) void measured(void* program);
