// SPDX-License-Identifier: BSD-3-Clause
// Any bytes either are refused with pretext::error or unpack to no more than the limit. Needs PRETEXT_HAS_ZLIB=1 and -lz.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "pretext/io/gzip.hpp"

namespace io = pretext::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t limit = 1 << 16;
  try {
    if (io::inflate_gzip({reinterpret_cast<const std::byte*>(data), size}, "fuzz", limit).size() > limit) std::abort();
  } catch (const pretext::error&) {
  }
  return 0;
}
