// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "added_tokens.hpp"
#include "basic_words.hpp"
#include "frame.hpp"
#include "token.hpp"
#include "vocabulary.hpp"

namespace pretext::tokenizer {

struct wordpiece_settings {
  basic_settings basic = {};
  std::string unknown = "[UNK]";
  std::string prefix = "##";           // of a piece that continues a word
  std::int64_t max_characters = 100;   // a longer word is unknown
};

/// BERT's tokenizer: split_basic, then of each word the longest piece that the vocabulary has, again and again; a word that
/// cannot be made of pieces is one unknown token. The same ids as Hugging Face's BertTokenizerFast.
///   const auto bert = tokenizer::load_wordpiece("bert-base-uncased/");   // files.hpp
///   tokenizer::wordpiece::cache cache;  std::vector<tokenizer::token> out;
///   bert.encode("Hello, world!", out, cache);                            // 7592 1010 2088 999
/// laws    added tokens are cut out of the raw text before all else; offsets are bytes of the source, in order
/// errors  pretext[tokenizer.001] text of 4 GiB; [tokenizer.002] no unknown token in the vocabulary; [tokenizer.003] ids
/// cost    O(bytes x longest piece of a word); no memory but the caller's cache
/// repeat  the same ids on every machine
/// source  Devlin et al. 2018, arXiv:1810.04805; Wu et al. 2016, arXiv:1609.08144
class wordpiece {
 public:
  static constexpr const char* name = "wordpiece";
  struct cache {
    basic_scratch words;
    std::vector<std::uint64_t> hashes;
  };

  wordpiece(tokenizer::vocabulary v, wordpiece_settings s = {}, std::vector<added_token> added = {}, tokenizer::frame around = bare_frame())
      : vocabulary_(std::move(v)), settings_(std::move(s)), added_(std::move(added)), frame_(std::move(around)) {
    unknown_ = vocabulary_.find(settings_.unknown);
    if (unknown_ < 0)
      throw_error("tokenizer.002", {"the vocabulary has no unknown token \"", settings_.unknown,
                                    "\", which words that it cannot spell become; add it to the vocabulary, or name the one that it has"});
    make_tables();
  }
  wordpiece(const wordpiece& other) : wordpiece(other.vocabulary_, other.settings_, other.added_.list(), other.frame_) {
    special_ = other.special_;
  }
  wordpiece(wordpiece&&) noexcept = default;
  wordpiece& operator=(const wordpiece&) = delete;
  wordpiece& operator=(wordpiece&&) noexcept = default;
  ~wordpiece() = default;

  index_t vocabulary_size() const { return std::max<index_t>(vocabulary_.size(), added_.ids_end()); }
  const special_ids& special() const { return special_; }
  void set_special(const special_ids& s) { special_ = s; }
  const tokenizer::frame& frame() const { return frame_; }
  const wordpiece_settings& settings() const { return settings_; }
  const tokenizer::vocabulary& vocabulary() const { return vocabulary_; }
  const added_tokens& added() const { return added_; }

  /// The text of an id, with its prefix.
  std::string_view token_text(std::int32_t id) const {
    check_id(id, static_cast<std::int32_t>(vocabulary_size()));
    if (const added_token* t = added_.find(id)) return t->content;
    return id < vocabulary_.size() ? std::string_view(vocabulary_.text(id)) : std::string_view();
  }
  std::int32_t find(std::string_view text) const {
    if (const added_token* t = added_.find(text)) return t->id;
    return vocabulary_.find(text);
  }

  /// Adds the tokens of a text, without what the frame puts around it.
  void encode(std::string_view text, std::vector<token>& out, cache& c) const {
    check_text_size(text);
    added_.split(text, out, [&](std::size_t begin, std::size_t end) {
      split_basic(settings_.basic, text, begin, end, c.words, [&](const basic_word& word) { add_pieces(word, out, c); });
    });
  }

  /// The pieces joined, words by one space; then a space before . ? ! , and in contractions goes, as the reference does.
  void decode(std::span<const std::int32_t> ids, std::string& out, bool skip_special = false) const {
    std::string piece;
    bool first = true;
    for (const std::int32_t id : ids) {
      const std::string_view text = token_text(id);
      if (skip_special && is_special(id)) continue;
      piece.clear();
      if (first || !text.starts_with(settings_.prefix) || settings_.prefix.empty()) {
        if (!first) piece += ' ';
        piece += text;
      } else {
        piece += text.substr(settings_.prefix.size());
      }
      first = false;
      clean_up(piece);
      out += piece;
    }
  }

  std::uint64_t digest() const {
    digest_builder d;
    const basic_settings& b = settings_.basic;
    d.add(name).add(settings_.unknown).add(settings_.prefix).add(static_cast<std::uint64_t>(settings_.max_characters));
    d.add((b.clean_text ? 1u : 0u) | (b.split_ideographs ? 2u : 0u) | (b.strip_accents ? 4u : 0u) | (b.lower_case ? 8u : 0u));
    for (const std::string& t : vocabulary_.texts()) d.add(t);
    add_to(d, added_);
    return d.value();
  }

 private:
  static void add_to(digest_builder& d, const added_tokens& added) {
    for (const added_token& t : added.list())
      d.add(t.content).add(static_cast<std::uint64_t>(t.id)).add((t.lstrip ? 1u : 0u) | (t.rstrip ? 2u : 0u) | (t.normalized ? 4u : 0u));
  }
  bool is_special(std::int32_t id) const {
    const added_token* t = added_.find(id);
    return (t != nullptr && t->special) || special_.contains(id);
  }
  void make_tables() {
    const std::string& prefix = settings_.prefix;
    for (std::int32_t id = 0; id < vocabulary_.size(); ++id) {
      const std::string_view text = vocabulary_.text(id);
      if (text.empty()) continue;
      begin_.put(text, id);
      if (text.size() > prefix.size() && text.starts_with(prefix)) further_.put(text.substr(prefix.size()), id);
    }
  }

  void add_pieces(const basic_word& w, std::vector<token>& out, cache& c) const {
    if (static_cast<std::int64_t>(w.characters) > settings_.max_characters) {
      out.push_back({unknown_, w.begin, w.end});
      return;
    }
    const std::size_t before = out.size();
    const std::size_t n = w.characters;
    const auto place = [&](std::size_t i) -> std::size_t { return w.at == nullptr ? i : i == n ? w.text.size() : w.at[i]; };
    if (c.hashes.size() < n) c.hashes.resize(n + 64);
    for (std::size_t begin = 0; begin < n;) {
      const text_table& table = begin == 0 ? begin_ : further_;
      const std::size_t from = place(begin), limit = std::min(w.text.size(), from + table.longest());
      std::uint64_t hash = text_table::start;
      std::size_t end = begin;
      for (std::size_t at = from; end < n && place(end + 1) <= limit; ++end) {
        for (const std::size_t to = place(end + 1); at < to; ++at) hash = text_table::next(hash, w.text[at]);
        c.hashes[end] = hash;
      }
      std::int32_t id = -1;
      for (; end > begin && id < 0; --end) id = table.find(w.text.substr(from, place(end) - from), c.hashes[end - 1]);
      if (id < 0) {
        out.resize(before);
        out.push_back({unknown_, w.begin, w.end});
        return;
      }
      ++end;  // the loop went one further
      if (w.at == nullptr)
        out.push_back({id, w.begin + static_cast<std::uint32_t>(begin), w.begin + static_cast<std::uint32_t>(end)});
      else
        out.push_back({id, w.source_begin[begin], w.source_end[end - 1]});
      begin = end;
    }
  }

  static void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  }
  static void clean_up(std::string& piece) {
    if (piece.find(' ') == std::string::npos) return;
    constexpr std::string_view rules[][2] = {{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
                                             {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& rule : rules) replace_all(piece, rule[0], rule[1]);
  }

  tokenizer::vocabulary vocabulary_;
  wordpiece_settings settings_;
  added_tokens added_;
  tokenizer::frame frame_;
  special_ids special_;
  std::int32_t unknown_ = -1;
  text_table begin_, further_;
};

}  // namespace pretext::tokenizer
