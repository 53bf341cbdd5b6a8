// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[tokenizer\.107\]
#include <pretext/tokenizer/encoding.hpp>
#include <pretext/tokenizer/simple.hpp>

namespace px = pretext;
struct mine {
  static constexpr const char* name = "mine";
  struct cache {};
  px::index_t vocabulary_size() const { return 256; }
  px::tokenizer::special_ids special() const { return {}; }
  void encode(std::string_view, std::vector<px::tokenizer::token>&, cache&) const {}
  void decode(std::span<const std::int32_t>, std::string&) const {}
#ifndef PRETEXT_KO
  std::uint64_t digest() const { return 1; }
#endif
};
int main() {
  const mine t;
  px::tokenizer::encoder<mine> encode(t);
  return static_cast<int>(encode("a").size());
}
