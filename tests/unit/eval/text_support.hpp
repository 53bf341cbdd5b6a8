// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/golden.hpp"

/// Pieces of text_scores.safetensors that were stored one after the other.
namespace text_support {

inline const golden::file& file() {
  static const golden::file f("text_scores");
  return f;
}
template <class T>
std::vector<std::vector<T>> pieces(const std::string& values, const std::string& ends) {
  const auto all = file()[values].as<T>();
  std::vector<std::vector<T>> out;
  std::ptrdiff_t from = 0;
  for (const auto to : file()[ends].as<std::ptrdiff_t>()) {
    out.emplace_back(all.begin() + from, all.begin() + to);
    from = to;
  }
  return out;
}
inline std::vector<std::string> texts(const std::string& name) {
  std::vector<std::string> out;
  for (const auto& bytes : pieces<std::uint8_t>(name, name + ".ends")) out.emplace_back(bytes.begin(), bytes.end());
  return out;
}

}  // namespace text_support
