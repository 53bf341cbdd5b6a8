// SPDX-License-Identifier: BSD-3-Clause
// Any bytes become tokens whose ids are in the vocabulary and whose offsets lie in the text, in order, with every setting; the same
// again with a used cache, and in pieces between white space.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "pretext/tokenizer/encoding.hpp"
#include "pretext/tokenizer/wordpiece.hpp"

using namespace pretext::tokenizer;

static wordpiece make(unsigned flags) {
  std::vector<std::string> texts = {"[UNK]", "[CLS]", "[MASK]"};
  for (char c = '!'; c <= '~'; ++c) {
    texts.push_back(std::string(1, c));
    texts.push_back("##" + std::string(1, c));
  }
  for (const char* t : {"ab", "##ab", "abc", "\xC3\xA9", "##\xC3\xA9", "\xE4\xBD\xA0", "##\xCC\x81"}) texts.push_back(t);
  wordpiece_settings s;
  s.basic = {(flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0};
  s.max_characters = 20;
  return wordpiece(vocabulary(std::move(texts)), s, {{.id = 1, .content = "[CLS]", .lstrip = true, .rstrip = true}, {.id = 2, .content = "[MASK]"}});
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<wordpiece> all = [] {
    std::vector<wordpiece> list;
    for (unsigned flags = 0; flags < 16; ++flags) list.push_back(make(flags));
    return list;
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const wordpiece& t = all[size == 0 ? 15 : data[0] & 15];
  wordpiece::cache cache;
  std::vector<token> out, again;
  t.encode(text, out, cache);
  t.encode(text, again, cache);
  if (out != again) std::abort();
  std::uint32_t before = 0;
  std::vector<std::int32_t> ids;
  for (const token& k : out) {
    if (k.id < 0 || k.id >= t.vocabulary_size() || k.begin < before || k.end <= k.begin || k.end > size) std::abort();
    before = k.begin;
    ids.push_back(k.id);
  }
  (void)text_of(t, ids);
  to_character_offsets(text, out);
  if (text.find('[') != std::string_view::npos) return 0;
  // Without added tokens the words between spaces are independent of each other.
  std::vector<token> parts;
  for (std::size_t at = 0; at <= size;) {
    const std::size_t end = std::min(text.find(' ', at), size);
    const std::size_t first = parts.size();
    t.encode(text.substr(at, end - at), parts, cache);
    for (std::size_t i = first; i < parts.size(); ++i) {
      parts[i].begin += static_cast<std::uint32_t>(at);
      parts[i].end += static_cast<std::uint32_t>(at);
    }
    at = end + 1;
  }
  if (parts != again) std::abort();
  return 0;
}
