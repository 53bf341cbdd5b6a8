// SPDX-License-Identifier: BSD-3-Clause
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "pretext/data/idx.hpp"

/// Any bytes are either an error or images whose every pixel can be read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pretext;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  std::vector<int> labels;
  try {
    labels = data::parse_idx_labels(bytes, "fuzz");
    if (labels.empty() || labels.size() >= size) std::abort();
  } catch (const error&) {
  }
  for (const bool with_labels : {false, true}) {
    try {
      const data::image_set s = data::parse_idx_images(bytes, "fuzz", with_labels ? std::vector<int>{1, 0, 2} : std::vector<int>{}, 3);
      unsigned long sum = 0;
      for (index_t i = 0; i < s.size(); ++i)
        for (index_t k = 0; k < s.image(i).size(); ++k) sum += s.image(i).data[k];
      if (s.empty() || sum > 255 * size) std::abort();
    } catch (const error&) {
    }
  }
  return 0;
}
