// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "bpe.hpp"
#include "wordpiece.hpp"

namespace pretext::tokenizer {

struct train_settings {
  std::size_t vocabulary_size = 30000;
  std::uint64_t min_frequency = 0;   // a pair that comes less often ends the training
  std::size_t limit_alphabet = 0;    // of the characters of the text the most frequent ones; 0: all
  std::vector<std::string> special_tokens = {};  // ids 0 and up
};

namespace detail {

/// Learns merges of pairs of symbols from counted words: what the reference's trainer does, step for step.
///   The pair of greatest count merges, of equals that of smaller ids. A pair's count is looked up again when it comes to the
///   top of the queue. A merge whose result is in the vocabulary already keeps that id; a pair merged twice has its later rank.
class pair_trainer {
 public:
  std::vector<std::string> texts;                       // of the ids
  std::vector<std::pair<std::int32_t, std::int32_t>> merges;  // in the order of their ranks

  pair_trainer(const std::map<std::string, std::uint64_t, std::less<>>& words, const std::vector<char32_t>& alphabet, std::string prefix,
               const train_settings& s)
      : settings_(s), prefix_(std::move(prefix)) {
    for (const std::string& t : s.special_tokens) id_of(t);
    add_alphabet(words, alphabet);
    cut_words(words);
    count_pairs();
    learn();
    keep_last_ranks();
  }

 private:
  using pair = std::uint64_t;
  static pair pair_of(std::int32_t a, std::int32_t b) { return merge_table::pair_of(a, b); }
  static std::int32_t left(pair p) { return static_cast<std::int32_t>(p >> 32); }
  static std::int32_t right(pair p) { return static_cast<std::int32_t>(p & 0xFFFFFFFF); }
  struct queued {
    std::int64_t count;
    pair symbols;
    std::vector<std::uint32_t> words;
  };
  /// Least first in a heap's sense: the top has the greatest count, then the smallest pair.
  static bool below(const queued& a, const queued& b) { return a.count != b.count ? a.count < b.count : a.symbols > b.symbols; }

  std::int32_t id_of(const std::string& text) {
    const auto [found, added] = ids_.emplace(text, static_cast<std::int32_t>(texts.size()));
    if (added) texts.push_back(text);
    return found->second;
  }

  PRETEXT_COLD void add_alphabet(const std::map<std::string, std::uint64_t, std::less<>>& words, const std::vector<char32_t>& given) {
    std::map<char32_t, std::uint64_t> counts;
    for (const auto& [word, count] : words)
      for (std::size_t at = 0; at < word.size();) {
        const unicode::point p = unicode::point_at(word, at);
        counts[p.value] += count;
        at += p.bytes;
      }
    for (const char32_t c : given) counts[c] = ~std::uint64_t{0};
    std::vector<std::pair<char32_t, std::uint64_t>> kept(counts.begin(), counts.end());
    if (settings_.limit_alphabet > 0 && kept.size() > settings_.limit_alphabet) {
      reorder(kept, sorted_order(kept.size(), [&](std::size_t a, std::size_t b) { return kept[a].second > kept[b].second; }));
      kept.resize(settings_.limit_alphabet);
      std::sort(kept.begin(), kept.end());
    }
    for (const auto& [c, count] : kept) {
      std::string text;
      io::append_utf8(text, c);
      id_of(text);
    }
  }

  PRETEXT_COLD void cut_words(const std::map<std::string, std::uint64_t, std::less<>>& words) {
    for (const auto& [word, count] : words) {
      std::vector<std::int32_t> symbols;
      for (std::size_t at = 0; at < word.size();) {
        const unicode::point p = unicode::point_at(word, at);
        std::string text = word.substr(at, p.bytes);
        // A character outside the alphabet is passed over, and its neighbours become neighbours.
        if (ids_.find(text) != ids_.end()) symbols.push_back(id_of(at > 0 ? prefix_ + text : text));
        at += p.bytes;
      }
      words_.push_back(std::move(symbols));
      counts_.push_back(static_cast<std::int64_t>(count));
    }
  }

  void put(pair p, std::uint32_t word) {
    std::vector<std::uint32_t>& where = fresh_[p];
    if (where.empty() || where.back() != word) where.push_back(word);
  }
  PRETEXT_COLD void count_pairs() {
    for (std::uint32_t w = 0; w < words_.size(); ++w)
      for (std::size_t i = 1; i < words_[w].size(); ++i) {
        const pair p = pair_of(words_[w][i - 1], words_[w][i]);
        pair_counts_[p] += counts_[w];
        put(p, w);
      }
    queue_fresh();
  }
  void queue_fresh() {
    for (auto& [p, where] : fresh_) {
      const std::int64_t count = pair_counts_[p];
      if (count <= 0) continue;
      queue_.push_back({count, p, std::move(where)});
      std::push_heap(queue_.begin(), queue_.end(), below);
    }
    fresh_.clear();
  }

  PRETEXT_COLD void learn() {
    while (texts.size() < settings_.vocabulary_size && !queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end(), below);
      queued top = std::move(queue_.back());
      queue_.pop_back();
      const std::int64_t now = pair_counts_[top.symbols];
      if (top.count != now) {
        // Back with what is true now; a pair that is gone sinks to the end.
        top.count = now;
        queue_.push_back(std::move(top));
        std::push_heap(queue_.begin(), queue_.end(), below);
        continue;
      }
      if (top.count < 1 || static_cast<std::uint64_t>(top.count) < settings_.min_frequency) break;
      const std::int32_t a = left(top.symbols), b = right(top.symbols);
      std::string text = texts[static_cast<std::size_t>(a)];
      const std::string& second = texts[static_cast<std::size_t>(b)];
      text += !prefix_.empty() && second.starts_with(prefix_) ? second.substr(prefix_.size()) : second;
      const std::int32_t result = id_of(text);
      merges.push_back({a, b});
      for (const std::uint32_t w : top.words) merge_in(w, a, b, result);
      queue_fresh();
    }
  }

  void merge_in(std::uint32_t w, std::int32_t a, std::int32_t b, std::int32_t result) {
    std::vector<std::int32_t>& s = words_[w];
    const std::int64_t count = counts_[w];
    const auto fewer = [&](std::int32_t x, std::int32_t y) { pair_counts_[pair_of(x, y)] -= count; };
    const auto more = [&](std::int32_t x, std::int32_t y) {
      pair_counts_[pair_of(x, y)] += count;
      put(pair_of(x, y), w);
    };
    for (std::size_t i = 0; i + 1 < s.size(); ++i) {
      if (s[i] != a || s[i + 1] != b) continue;
      if (i > 0) {
        fewer(s[i - 1], a);
        more(s[i - 1], result);
      }
      s[i] = result;
      s.erase(s.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      if (i + 1 < s.size()) {
        fewer(b, s[i + 1]);
        more(result, s[i + 1]);
      }
    }
  }

  PRETEXT_COLD void keep_last_ranks() {
    std::unordered_map<pair, std::size_t> last;
    for (std::size_t i = 0; i < merges.size(); ++i) last[pair_of(merges[i].first, merges[i].second)] = i;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < merges.size(); ++i)
      if (last[pair_of(merges[i].first, merges[i].second)] == i) merges[kept++] = merges[i];
    merges.resize(kept);
  }

  const train_settings& settings_;
  std::string prefix_;
  std::unordered_map<std::string, std::int32_t> ids_;
  std::vector<std::vector<std::int32_t>> words_;
  std::vector<std::int64_t> counts_;
  std::unordered_map<pair, std::int64_t> pair_counts_;
  std::unordered_map<pair, std::vector<std::uint32_t>> fresh_;
  std::vector<queued> queue_;
};

/// Counts of words, looked up without making a string.
class word_counter {
 public:
  void add(std::string_view word, std::uint64_t times = 1) {
    auto found = counts_.find(word);
    if (found == counts_.end()) found = counts_.emplace(std::string(word), 0).first;
    found->second += times;
  }
  const std::map<std::string, std::uint64_t, std::less<>>& counts() const { return counts_; }
  bool empty() const { return counts_.empty(); }

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

PRETEXT_COLD inline void check_training(bool empty, const train_settings& s, std::size_t least) {
  if (empty) throw_error("tokenizer.012", {"there is no text to learn a vocabulary from; feed some"});
  if (s.vocabulary_size < least)
    throw_error("tokenizer.012", {"a vocabulary of ", s.vocabulary_size, " tokens has no room for the ", least,
                                  " that there are before the first merge; ask for more"});
}

}  // namespace detail

/// Learns a byte-level BPE from texts: the merges that Hugging Face's BpeTrainer finds with ByteLevel pieces.
///   tokenizer::bpe_trainer t({.vocabulary_size = 8000, .special_tokens = {"<|endoftext|>"}});
///   t.feed(text);  const tokenizer::byte_bpe bpe = t.train();
/// Each feed is a sequence of its own. The reference feeds a file line by line, each with its end: feed_lines.
/// laws    ids: special tokens, the 256 bytes in the order of their characters, then merges; the first special token is
///         unknown, first and last as with GPT-2
/// errors  pretext[tokenizer.012] no text, or no room for special tokens and bytes
/// cost    memory of the distinct words; time as their pairs
/// repeat  the same merges whatever the order of feeding
class bpe_trainer {
 public:
  explicit bpe_trainer(train_settings s = {}, bpe_settings of_tokenizer = {}) : settings_(std::move(s)), bpe_(of_tokenizer) {}

  void feed(std::string_view text) {
    check_text_size(text);
    std::string spaced;
    if (bpe_.add_prefix_space && !text.empty() && text[0] != ' ') {
      spaced = ' ';
      spaced += text;
      text = spaced;
    }
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t to = next_piece(text, at, text.size());
      words_.add(text.substr(at, to - at));
      at = to;
    }
  }
  void feed_lines(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      feed(text.substr(0, end == std::string_view::npos ? end : end + 1));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }

  PRETEXT_COLD byte_bpe train() const {
    detail::check_training(words_.empty(), settings_, settings_.special_tokens.size() + 256);
    detail::word_counter in_alphabet;
    for (const auto& [word, count] : words_.counts()) in_alphabet.add(to_alphabet(word), count);
    std::vector<char32_t> bytes;
    for (unsigned b = 0; b < 256; ++b) bytes.push_back(alphabet.character(static_cast<unsigned char>(b)));
    train_settings s = settings_;
    s.limit_alphabet = 0;
    detail::pair_trainer learnt(in_alphabet.counts(), bytes, {}, s);
    std::vector<byte_bpe::merge> merges;
    for (const auto& [a, b] : learnt.merges)
      merges.push_back({learnt.texts[static_cast<std::size_t>(a)], learnt.texts[static_cast<std::size_t>(b)]});
    std::vector<added_token> added;
    for (std::size_t i = 0; i < settings_.special_tokens.size(); ++i)
      added.push_back({.id = static_cast<std::int32_t>(i), .content = settings_.special_tokens[i]});
    byte_bpe t(vocabulary(std::move(learnt.texts)), std::move(merges), bpe_, std::move(added));
    if (!settings_.special_tokens.empty()) t.set_special({.unknown = 0, .first = 0, .last = 0});
    return t;
  }

 private:
  train_settings settings_;
  bpe_settings bpe_;
  detail::word_counter words_;
};

/// Learns a WordPiece vocabulary from texts: BPE over characters, those inside a word with "##", as Hugging Face's
/// WordPieceTrainer does it. That numbers the "##x" of single characters in the order of a hash table, differently in every
/// run; here words are taken in the order of their bytes.
///   tokenizer::wordpiece_trainer t({.vocabulary_size = 8000});  t.feed(text);  const tokenizer::wordpiece w = t.train();
/// laws    ids: special tokens ([PAD] [UNK] [CLS] [SEP] [MASK] where none are given), characters by number, "##x", then merges
/// errors  pretext[tokenizer.012] no text or no room; [tokenizer.002] special tokens without the unknown one
class wordpiece_trainer {
 public:
  explicit wordpiece_trainer(train_settings s = {}, wordpiece_settings of_tokenizer = {})
      : settings_(std::move(s)), wordpiece_(std::move(of_tokenizer)) {
    if (settings_.special_tokens.empty()) settings_.special_tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  }

  void feed(std::string_view text) {
    check_text_size(text);
    split_basic(wordpiece_.basic, text, 0, text.size(), scratch_, [&](const basic_word& w) { words_.add(w.text); });
  }

  PRETEXT_COLD wordpiece train() const {
    detail::check_training(words_.empty(), settings_, settings_.special_tokens.size() + 1);
    detail::pair_trainer learnt(words_.counts(), {}, wordpiece_.prefix, settings_);
    const auto known = [&](const char* text) {
      for (const std::string& t : settings_.special_tokens)
        if (t == text) return true;
      return false;
    };
    vocabulary v(std::move(learnt.texts));
    std::vector<added_token> added;
    for (const std::string& t : settings_.special_tokens)
      if (!t.starts_with(wordpiece_.prefix)) added.push_back({.id = v.find(t), .content = t});
    special_ids ids{.unknown = v.find(wordpiece_.unknown)};
    const auto find = [&](const char* text) { return known(text) ? v.find(text) : -1; };
    ids.padding = find("[PAD]");
    ids.first = find("[CLS]");
    ids.separator = find("[SEP]");
    ids.mask = find("[MASK]");
    const frame around = ids.first >= 0 && ids.separator >= 0 ? bert_frame(ids.first, ids.separator) : bare_frame();
    wordpiece t(std::move(v), wordpiece_, std::move(added), around);
    t.set_special(ids);
    return t;
  }

 private:
  train_settings settings_;
  wordpiece_settings wordpiece_;
  basic_scratch scratch_;
  detail::word_counter words_;
};

}  // namespace pretext::tokenizer
