// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[tokenizer\.104\]
#include <pretext/tokenizer/encoding.hpp>
#include <pretext/tokenizer/simple.hpp>

namespace px = pretext;
struct mine : px::tokenizer::bytes {
#ifdef PRETEXT_KO
  std::vector<int> encode(std::string_view) const { return {}; }
#endif
};
int main() {
  const mine t;
  px::tokenizer::encoder<mine> encode(t);
  return static_cast<int>(encode("a").size());
}
