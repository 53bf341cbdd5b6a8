// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/core/error.hpp>
#include <pretext/version.hpp>

#include <cstdio>

int main() {
#ifdef __AVX2__
  std::puts("avx2 " PRETEXT_VERSION_STRING);
#else
  std::puts("baseline " PRETEXT_VERSION_STRING);
#endif
}
