// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "../io/scratch.hpp"

namespace data_test {

using io_test::has;
using io_test::scratch;
using io_test::thrown;

/// The real data sets' folder, or an empty text.
inline std::string real_data() {
  if (const char* named = std::getenv("PRETEXT_DATA")) return named;
#ifdef PRETEXT_TEST_DATA
  return PRETEXT_TEST_DATA;
#else
  return {};
#endif
}
inline bool there(const std::string& path) { return std::filesystem::exists(path); }

inline void put(const std::string& path, std::span<const std::byte> bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// An IDX file of bytes 0, 1, 2, ... with these extents, or of the given values.
inline std::vector<std::byte> idx_file(std::initializer_list<std::uint32_t> extents, std::vector<int> values = {}) {
  std::vector<std::byte> out{std::byte{0}, std::byte{0}, std::byte{8}, static_cast<std::byte>(extents.size())};
  std::size_t n = 1;
  for (const std::uint32_t e : extents) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(e >> shift));
    n *= e;
  }
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<std::byte>(values.empty() ? i : static_cast<std::size_t>(values[i])));
  return out;
}

/// CIFAR records: `labels` bytes an image, then planes whose bytes are (image + plane * 50 + pixel) mod 256.
inline std::vector<std::byte> cifar_file(const std::vector<std::vector<int>>& labels) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (const int l : labels[i]) out.push_back(static_cast<std::byte>(l));
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t p = 0; p < 1024; ++p) out.push_back(static_cast<std::byte>(i + c * 50 + p));
  }
  return out;
}

}  // namespace data_test
