// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cuda_runtime.h>

#include <cstdio>

namespace cuda_test {

/// The return value of a test that found no GPU: CTest calls it skipped.
inline constexpr int skipped = 77;

inline bool has_device(const char* what) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0) return true;
  std::printf("skipped: no GPU here; %s was compiled and linked\n", what);
  return false;
}

}  // namespace cuda_test
