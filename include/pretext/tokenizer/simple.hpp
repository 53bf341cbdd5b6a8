// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/order.hpp"
#include "../io/utf8.hpp"
#include "token.hpp"
#include "unicode.hpp"
#include "vocabulary.hpp"
#include "wordpiece.hpp"

namespace pretext::tokenizer {

/// Every byte is a token, ids 0 to 255; behind them padding 256, mask 257, first (and separator) 258, last 259.
/// laws    decode(encode(x)) = x for any bytes
class bytes {
 public:
  static constexpr const char* name = "bytes";
  struct cache {};

  static constexpr index_t vocabulary_size() { return 260; }
  static constexpr special_ids special() { return {.unknown = -1, .padding = 256, .first = 258, .separator = 258, .mask = 257, .last = 259}; }
  static void encode(std::string_view text, std::vector<token>& out, cache&) {
    check_text_size(text);
    for (std::uint32_t i = 0; i < text.size(); ++i) out.push_back({static_cast<unsigned char>(text[i]), i, i + 1});
  }
  /// Special tokens have no text.
  static void decode(std::span<const std::int32_t> ids, std::string& out) {
    for (const std::int32_t id : ids) {
      check_id(id, static_cast<std::int32_t>(vocabulary_size()));
      if (id < 256) out += static_cast<char>(static_cast<unsigned char>(id));
    }
  }
  static std::uint64_t digest() { return digest_builder().add(name).value(); }
};

/// Every code point is a token. The vocabulary is [UNK], [PAD], [MASK], [BOS], [EOS] and the code points given, in the order
/// of their numbers. Bytes that are not UTF-8 are unknown.
///   tokenizer::characters letters(corpus);
/// laws    decode(encode(x)) = x for a text of known characters
/// cost    one lookup a character; ASCII by a table
class characters {
 public:
  static constexpr const char* name = "characters";
  struct cache {};

  /// The characters of a text.
  explicit characters(std::string_view text) {
    std::vector<bool> seen(0x110000);
    for (std::size_t at = 0; at < text.size();) {
      const unicode::point p = unicode::point_at(text, at);
      seen[p.value] = seen[p.value] || io::utf8_length(text, at) != 0;
      at += p.bytes;
    }
    for (char32_t c = 0; c < 0x110000; ++c)
      if (seen[c]) known_.push_back(c);
    make_tables();
  }
  static characters of(std::vector<char32_t> known) { return characters(std::move(known)); }

  index_t vocabulary_size() const { return first_id + static_cast<index_t>(known_.size()); }
  static constexpr special_ids special() { return {.unknown = 0, .padding = 1, .first = 3, .separator = 3, .mask = 2, .last = 4}; }
  const std::vector<char32_t>& known() const { return known_; }

  void encode(std::string_view text, std::vector<token>& out, cache&) const {
    check_text_size(text);
    for (std::size_t at = 0; at < text.size();) {
      const unicode::point p = unicode::point_at(text, at);
      const auto begin = static_cast<std::uint32_t>(at);
      at += p.bytes;
      out.push_back({p.value < 128 ? ascii_[p.value] : find(text, begin, p), begin, static_cast<std::uint32_t>(at)});
    }
  }
  void decode(std::span<const std::int32_t> ids, std::string& out) const {
    for (const std::int32_t id : ids) {
      check_id(id, static_cast<std::int32_t>(vocabulary_size()));
      if (id >= first_id) io::append_utf8(out, known_[static_cast<std::size_t>(id - first_id)]);
      if (id == special().unknown) io::append_utf8(out, 0xFFFD);
    }
  }
  std::uint64_t digest() const {
    digest_builder d;
    d.add(name);
    for (const char32_t c : known_) d.add(static_cast<std::uint64_t>(c));
    return d.value();
  }

 private:
  static constexpr std::int32_t first_id = 5;

  explicit characters(std::vector<char32_t> known) : known_(std::move(known)) {
    std::sort(known_.begin(), known_.end());
    known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
    for (const char32_t c : known_)
      if (c >= 0x110000 || (c >= 0xD800 && c < 0xE000))
        throw_error("tokenizer.005", {static_cast<std::uint32_t>(c), " is no code point; give those below 1114112 that are no surrogates"});
    make_tables();
  }
  void make_tables() {
    for (std::size_t i = 0; i < known_.size(); ++i)
      if (known_[i] < 128) ascii_[known_[i]] = first_id + static_cast<std::int32_t>(i);
  }
  std::int32_t find(std::string_view text, std::size_t at, unicode::point p) const {
    if (p.bytes == 1 && io::utf8_length(text, at) == 0) return special().unknown;
    const auto found = std::lower_bound(known_.begin(), known_.end(), p.value);
    return found == known_.end() || *found != p.value ? special().unknown : first_id + static_cast<std::int32_t>(found - known_.begin());
  }

  std::vector<char32_t> known_;
  std::int32_t ascii_[128] = {};
};

/// Words as BERT cuts them (lower case, without accents, punctuation apart), each a token or unknown. The vocabulary is [PAD],
/// [UNK], [CLS], [SEP], [MASK] and the words of a text that come most often, equals in the order of their bytes.
///   tokenizer::words w = tokenizer::words::of(corpus, 10000);
/// shapes  vocabulary_size() is at most `size`, the five among it
/// errors  pretext[tokenizer.012] a size below 6
class words {
 public:
  static constexpr const char* name = "words";
  using cache = wordpiece::cache;

  PRETEXT_COLD static words of(std::string_view text, std::size_t size, const basic_settings& s = {}) {
    if (size < 6) throw_error("tokenizer.012", {"a vocabulary of ", size, " words has no room for one beside five special tokens; ask for more"});
    check_text_size(text);
    std::map<std::string, std::uint64_t, std::less<>> counts;
    basic_scratch scratch;
    split_basic(s, text, 0, text.size(), scratch, [&](const basic_word& w) {
      auto found = counts.find(w.text);
      if (found == counts.end()) found = counts.emplace(std::string(w.text), 0).first;
      ++found->second;
    });
    std::vector<std::pair<std::string, std::uint64_t>> list(counts.begin(), counts.end());
    const auto order = sorted_order(list.size(), [&](std::size_t a, std::size_t b) { return list[a].second > list[b].second; });
    std::vector<std::string> texts = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (std::size_t i = 0; i < order.size() && texts.size() < size; ++i) texts.push_back(list[order[i]].first);
    return words(vocabulary(std::move(texts)), s);
  }
  /// errors  pretext[tokenizer.002] no [UNK]
  explicit words(vocabulary v, const basic_settings& s = {}) : pieces_(make(std::move(v), s)) {}

  index_t vocabulary_size() const { return pieces_.vocabulary_size(); }
  const special_ids& special() const { return pieces_.special(); }
  const tokenizer::frame& frame() const { return pieces_.frame(); }
  std::string_view token_text(std::int32_t id) const { return pieces_.token_text(id); }
  /// The wordpiece that it is, for saving: a vocabulary without a continuing piece.
  const wordpiece& as_wordpiece() const { return pieces_; }
  void encode(std::string_view text, std::vector<token>& out, cache& c) const { pieces_.encode(text, out, c); }
  void decode(std::span<const std::int32_t> ids, std::string& out) const { pieces_.decode(ids, out); }
  std::uint64_t digest() const { return digest_builder().add(name).add(pieces_.digest()).value(); }

 private:
  static wordpiece make(vocabulary v, const basic_settings& s) {
    std::vector<added_token> added;
    special_ids ids{.unknown = v.find("[UNK]"), .padding = v.find("[PAD]"), .first = v.find("[CLS]"), .separator = v.find("[SEP]"),
                    .mask = v.find("[MASK]")};
    for (const std::int32_t id : {ids.unknown, ids.padding, ids.first, ids.separator, ids.mask})
      if (id >= 0) added.push_back({.id = id, .content = v.text(id)});
    const tokenizer::frame around = ids.first >= 0 && ids.separator >= 0 ? bert_frame(ids.first, ids.separator) : bare_frame();
    // The prefix cannot stand in a word, so no word is cut.
    wordpiece t(std::move(v), {.basic = s, .unknown = "[UNK]", .prefix = " ", .max_characters = 1000}, std::move(added), around);
    t.set_special(ids);
    return t;
  }
  wordpiece pieces_;
};

}  // namespace pretext::tokenizer
