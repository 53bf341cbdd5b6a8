// SPDX-License-Identifier: BSD-3-Clause
// Any bytes either are refused with pretext::error or give an array whose bytes agree with its shape.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "pretext/io/npy.hpp"

namespace io = pretext::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const io::npy_array array = io::parse_npy({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    std::uint64_t elements = 1;
    for (const std::int64_t extent : array.shape) elements *= static_cast<std::uint64_t>(extent);
    if (elements != array.elements() || array.bytes.size() > size) std::abort();
    try {
      if (array.read<double>().size() != elements) std::abort();
      (void)array.read<std::int16_t>();
    } catch (const pretext::error&) {
    }
  } catch (const pretext::error&) {
  }
  return 0;
}
