// SPDX-License-Identifier: BSD-3-Clause
// Any bytes become tokens that cover them one after another and decode to them; a cache does not change them, and neither does the way a
// long piece is merged.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "pretext/tokenizer/encoding.hpp"
#include "pretext/tokenizer/train.hpp"

using namespace pretext::tokenizer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const byte_bpe t = [] {
    bpe_trainer trainer({.vocabulary_size = 400, .special_tokens = {"<|endoftext|>"}});
    trainer.feed("the other mother's bananas aaaaaaaa aaaa 1000000 it's they'll -----  \n\n\n\n na\xC3\xAFve \xE4\xBD\xA0\xE5\xA5\xBD");
    return trainer.train();
  }();
  static byte_bpe::cache used;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  byte_bpe::cache fresh;
  std::vector<token> out, again;
  t.encode(text, out, used);
  t.encode(text, again, fresh);
  if (out != again) std::abort();
  std::uint32_t at = 0;
  std::vector<std::int32_t> ids;
  for (const token& k : out) {
    if (k.id < 0 || k.id >= t.vocabulary_size() || k.begin != at || k.end <= at) std::abort();
    at = k.end;
    ids.push_back(k.id);
  }
  if (at != size || text_of(t, ids) != text) std::abort();
  // By hand: of all pairs that merge the least rank, the leftmost.
  if (size > 100 || text.find('<') != std::string_view::npos) return 0;
  std::vector<std::int32_t> slow;
  for (std::size_t begin = 0; begin < size;) {
    const std::size_t end = next_piece(text, begin, size);
    if (end <= begin || end > size) std::abort();
    std::vector<std::string> parts;
    for (std::size_t i = begin; i < end; ++i) parts.push_back(to_alphabet(text.substr(i, 1)));
    for (;;) {
      std::size_t best = 0, rank = t.merges().size();
      for (std::size_t i = 0; i + 1 < parts.size(); ++i)
        for (std::size_t m = 0; m < rank; ++m)
          if (t.merges()[m].first == parts[i] && t.merges()[m].second == parts[i + 1]) {
            best = i;
            rank = m;
          }
      if (rank == t.merges().size()) break;
      parts[best] += parts[best + 1];
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    for (const std::string& p : parts) slow.push_back(t.find(p));
    begin = end;
  }
  if (slow != ids) std::abort();
  return 0;
}
