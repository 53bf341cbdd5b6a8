// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../core/error.hpp"
#include "../core/rng.hpp"
#include "../tokenizer/encoding.hpp"
#include "../tokenizer/token.hpp"
#include "result.hpp"

namespace pretext::check {

struct tokenizer_options {
  bool lossless = false;                 // decode(encode(x)) = x for any bytes, and tokens cover every byte once
  std::vector<std::string> texts = {};   // of the user's own, besides those of the kit
};

namespace detail {

inline std::vector<std::string> tokenizer_texts(const tokenizer_options& o) {
  std::vector<std::string> texts = {"",  " ", "\n", "a", "Hello, world! It's 12:30.", "na\xC3\xAFve caf\xC3\xA9 e\xCC\x81", "  two  spaces \t\n",
                                    "\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x99\x82", std::string("a\0b", 3), "\xFF\xC3", "[MASK] <|endoftext|> [CLS]",
                                    std::string(300, 'x'), std::string(5000, ' ')};
  rng::stream draw(rng::key{.seed = 20}.with_purpose(rng::purpose::probe));
  for (int i = 0; i < 40; ++i) {
    std::string bytes;
    for (std::uint32_t n = draw.below(200); n > 0; --n) bytes += static_cast<char>(static_cast<unsigned char>(draw.below(i % 2 == 0 ? 256 : 128)));
    texts.push_back(bytes);
  }
  texts.insert(texts.end(), o.texts.begin(), o.texts.end());
  return texts;
}

inline std::string shown_text(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 24)) out += c >= ' ' && c <= '~' ? c : '.';
  return "\"" + out + "\"";
}

}  // namespace detail

/// The laws of a tokenizer on texts of the kit (broken UTF-8 among them) and the user's own.
template <class T>
result tokenizer(const T& t, const tokenizer_options& o = {}) {
  static_assert(concepts::explain_tokenizer<T, pretext::tokenizer::token, pretext::tokenizer::special_ids>());
  using pretext::tokenizer::token;
  result r{std::string(T::name)};
  const index_t size = t.vocabulary_size();
  r.add("the vocabulary is not empty", size > 0, std::to_string(size));
  const pretext::tokenizer::special_ids s = t.special();
  bool inside = true;
  for (const std::int32_t id : {s.unknown, s.padding, s.first, s.separator, s.mask, s.last}) inside = inside && id >= -1 && id < size;
  r.add("special ids are in the vocabulary, or -1", inside);
  r.add("the digest is that of a copy", T(t).digest() == t.digest() && t.digest() == t.digest());

  struct finding {
    bool holds = true;
    std::string where;
    void expect(bool yes, const std::string& text) {
      if (holds && !yes) where = detail::shown_text(text);
      holds = holds && yes;
    }
  } throws, ids, offsets, order, twice, appends, decodes, covers, returns;
  typename T::cache used{};
  for (const std::string& text : detail::tokenizer_texts(o)) {
    std::vector<token> found, again;
    try {
      t.encode(text, found, used);
      typename T::cache fresh{};
      t.encode(text, again, fresh);
      twice.expect(found == again, text);
      again = {{7, 3, 4}};
      t.encode(text, again, used);
      appends.expect(again.size() == found.size() + 1 && again[0] == token{7, 3, 4} && std::vector<token>(again.begin() + 1, again.end()) == found, text);
    } catch (const error&) {
      throws.expect(false, text);
      continue;
    }
    std::vector<std::int32_t> numbers;
    std::uint32_t before = 0, covered = 0;
    bool all = true;
    for (const token& k : found) {
      ids.expect(k.id >= 0 && k.id < size, text);
      offsets.expect(k.begin <= k.end && k.end <= text.size(), text);
      order.expect(k.begin >= before, text);
      all = all && k.begin == covered;
      covered = k.end;
      before = k.begin;
      numbers.push_back(k.id);
    }
    std::string back;
    try {
      if (ids.holds) t.decode({numbers.data(), numbers.size()}, back);
    } catch (const error&) {
      decodes.expect(false, text);
    }
    if (o.lossless) {
      covers.expect(all && covered == text.size(), text);
      returns.expect(back == text, text);
    }
  }
  const auto add = [&](const char* law, const finding& f) { r.add(law, f.holds, f.where); };
  add("no text is refused, broken UTF-8 included", throws);
  add("ids are in the vocabulary", ids);
  add("offsets lie in the text", offsets);
  add("tokens are in the order of the text", order);
  add("a fresh and a used cache give the same tokens", twice);
  add("tokens are added to what is there", appends);
  add("what was encoded can be decoded", decodes);
  if (o.lossless) {
    add("lossless: tokens cover every byte once", covers);
    add("lossless: decoding gives the bytes back", returns);
  }
  for (const std::int32_t id : {std::int32_t{-1}, static_cast<std::int32_t>(size)}) {
    bool refused = false;
    try {
      std::string out;
      t.decode({&id, 1}, out);
    } catch (const error&) {
      refused = true;
    }
    r.add(id < 0 ? "the id -1 is refused" : "the first id beyond the vocabulary is refused", refused);
  }
  return r;
}

}  // namespace pretext::check
