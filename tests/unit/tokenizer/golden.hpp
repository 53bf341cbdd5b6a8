// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../data/scratch.hpp"
#include "pretext/io/json.hpp"
#include "pretext/tokenizer/token.hpp"

namespace tokenizer_test {

namespace json = pretext::io::json;
using data_test::has;
using data_test::real_data;
using data_test::scratch;
using data_test::there;
using data_test::thrown;

/// A file that tests/golden/tokenizer.py wrote.
inline std::string golden(const std::string& name) { return std::string(PRETEXT_GOLDEN_DIR) + "/tokenizer/" + name; }

inline std::vector<std::int32_t> integers(const json::value& list) {
  std::vector<std::int32_t> out;
  for (const json::value& v : list.items()) out.push_back(static_cast<std::int32_t>(v.as_integer()));
  return out;
}
template <class T>
std::vector<pretext::tokenizer::token> tokens_of(const T& t, const std::string& text) {
  typename T::cache cache;
  std::vector<pretext::tokenizer::token> out;
  t.encode(text, out, cache);
  return out;
}
inline std::vector<std::int32_t> ids(const std::vector<pretext::tokenizer::token>& tokens) {
  std::vector<std::int32_t> out;
  for (const auto& t : tokens) out.push_back(t.id);
  return out;
}
inline std::vector<std::int32_t> offsets(const std::vector<pretext::tokenizer::token>& tokens) {
  std::vector<std::int32_t> out;
  for (const auto& t : tokens) {
    out.push_back(static_cast<std::int32_t>(t.begin));
    out.push_back(static_cast<std::int32_t>(t.end));
  }
  return out;
}
inline std::string read_text(const std::string& path) {
  const std::vector<std::byte> bytes = pretext::io::read_file(path);
  return std::string(pretext::io::text_of(pretext::view_of(bytes)));
}

}  // namespace tokenizer_test
