// SPDX-License-Identifier: BSD-3-Clause
// expect: expects|error.*not (usable in )?a? ?constant|non-constant
// A broken precondition in constant evaluation stops the compiler; its first error cannot be our text, only the place.
#include <pretext/core/error.hpp>

constexpr int half(int n) {
  pretext::expects(n % 2 == 0, "test.001", "n is odd; give an even number");
  return n / 2;
}
#ifdef PRETEXT_KO
constexpr int n = half(3);
#else
constexpr int n = half(4);
#endif
int main() { return n - n; }
