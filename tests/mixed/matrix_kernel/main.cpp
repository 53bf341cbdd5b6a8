// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>

struct answer {
  float sum;
  bool fused;
  int vector_bytes;
};
answer ask_baseline();
answer ask_avx2();
answer ask_avx512();

int main() {
  int wrong = 0;
  const auto check = [&](const char* name, const answer& a, int vector_bytes, bool fused) {
    const float expected = fused ? 0x1p-24f : 0.0f;
    const bool right = a.sum == expected && a.fused == fused && a.vector_bytes == vector_bytes;
    std::printf("%-8s  %d-byte vectors, sum %a, expected %a: %s\n", name, a.vector_bytes, static_cast<double>(a.sum),
                static_cast<double>(expected), right ? "its own code" : "WRONG: another unit's code");
    wrong += !right;
  };
  check("baseline", ask_baseline(), 16, false);
  check("avx2", ask_avx2(), 32, true);
  check("avx512", ask_avx512(), 64, true);
  return wrong;
}
