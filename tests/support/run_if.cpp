// SPDX-License-Identifier: BSD-3-Clause
// run_if avx2|avx512|avx512bf16 PROGRAM ARGUMENT...: becomes PROGRAM where the processor has the instruction set, else says "skipped".
// A program of its own, because one compiled for AVX-512 may die before its main can ask.
#include <unistd.h>

#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string_view wanted = argv[1];
  bool runs = false;
#if defined(__x86_64__)
  __builtin_cpu_init();
  runs = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (wanted == "avx512" || wanted == "avx512bf16")
    runs = runs && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512cd") != 0 &&
           __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
           __builtin_cpu_supports("avx512vl") != 0;
  else if (wanted != "avx2")
    return 2;
  if (wanted == "avx512bf16") runs = runs && __builtin_cpu_supports("avx512bf16") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
#endif
  if (!runs) {
    std::printf("pretext_run_if: skipped, this processor has no %s\n", argv[1]);
    return 0;
  }
  execv(argv[2], argv + 2);
  std::perror(argv[2]);
  return 2;
}
