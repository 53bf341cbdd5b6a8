// SPDX-License-Identifier: BSD-3-Clause
// Any bytes either are refused with pretext::error or give as many pixels as the picture's size says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "pretext/io/decode_image.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto image = pretext::io::decode_image({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    if (image.pixels.size() != static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) *
                                   static_cast<std::size_t>(image.channels))
      std::abort();
  } catch (const pretext::error&) {
  }
  return 0;
}
