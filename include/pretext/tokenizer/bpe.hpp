// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "added_tokens.hpp"
#include "byte_level.hpp"
#include "frame.hpp"
#include "token.hpp"
#include "vocabulary.hpp"

namespace pretext::tokenizer {

/// Pairs of ids that merge: rank and result by pair, in one flat table.
class merge_table {
 public:
  struct entry {
    std::uint64_t pair = ~std::uint64_t{0};
    std::int32_t rank = 0;
    std::int32_t id = 0;
  };
  explicit merge_table(std::size_t expected = 0) {
    std::size_t size = 16;
    while (size < 2 * expected) size *= 2;
    slots_ = std::vector<entry>(size);
  }
  static std::uint64_t pair_of(std::int32_t a, std::int32_t b) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(a)) << 32 | static_cast<std::uint32_t>(b);
  }
  /// Of a pair that is put twice the later rank counts, as with the reference. No more than `expected` pairs.
  void put(std::int32_t a, std::int32_t b, std::int32_t rank, std::int32_t id) {
    entry& e = slots_[place(pair_of(a, b))];
    e = {pair_of(a, b), rank, id};
  }
  const entry* find(std::int32_t a, std::int32_t b) const {
    const entry& e = slots_[place(pair_of(a, b))];
    return e.pair == ~std::uint64_t{0} ? nullptr : &e;
  }

 private:
  std::size_t place(std::uint64_t pair) const {
    std::uint64_t h = pair * 0x9E3779B97F4A7C15u;
    std::size_t i = (h ^ h >> 32) & (slots_.size() - 1);
    while (slots_[i].pair != pair && slots_[i].pair != ~std::uint64_t{0}) i = (i + 1) & (slots_.size() - 1);
    return i;
  }
  std::vector<entry> slots_;
};

struct bpe_settings {
  bool add_prefix_space = false;  // a space before a text (and a stretch between added tokens) that begins with none
};

/// GPT-2's tokenizer: pieces by next_piece, each a row of bytes; of all neighbours that may merge the pair of least rank
/// merges, the leftmost first, until none is left. The same ids as Hugging Face's GPT2TokenizerFast.
/// laws    decode(encode(x)) = x for any bytes x (without add_prefix_space); every token covers its bytes, one after another
/// errors  pretext[tokenizer.001] text of 4 GiB; [tokenizer.003] ids; [tokenizer.007] a merge whose parts or result have no id;
///         [tokenizer.008] a byte without a token
/// cost    O(n) lookups of pieces seen lately; O(m log m) for a piece of m bytes that is not; cache 512 KB a caller
/// repeat  the same ids on every machine
/// source  Sennrich et al. 2015, arXiv:1508.07909; Radford et al. 2019
class byte_bpe {
 public:
  static constexpr const char* name = "byte_bpe";
  using merge = std::pair<std::string, std::string>;

  /// Pieces seen lately and the tokens they became: a table of fixed size where a new piece takes the place of an old one.
  struct cache {
    static constexpr std::size_t places = 8192, key_bytes = 22, most_ids = 8;
    struct entry {
      std::uint64_t hash;
      std::uint8_t size;  // 0: empty
      std::uint8_t count;
      char key[key_bytes];
      std::int32_t ids[most_ids];
    };
    std::vector<entry> entries;
    std::uint64_t digest = 0;  // of the tokenizer whose tokens these are

    struct candidate {
      std::int32_t rank;
      std::uint32_t at;
      std::int32_t id;
    };
    std::vector<std::int32_t> ids, ranks, results;
    std::vector<std::uint32_t> previous, next;
    std::vector<candidate> heap;
    std::string spaced;
  };

  byte_bpe(tokenizer::vocabulary v, std::vector<merge> merges, bpe_settings s = {}, std::vector<added_token> added = {},
           tokenizer::frame around = bare_frame())
      : vocabulary_(std::move(v)), merges_(std::move(merges)), settings_(s), added_(std::move(added)), frame_(std::move(around)) {
    make_tables();
  }

  index_t vocabulary_size() const { return std::max<index_t>(vocabulary_.size(), added_.ids_end()); }
  const special_ids& special() const { return special_; }
  void set_special(const special_ids& s) { special_ = s; }
  const tokenizer::frame& frame() const { return frame_; }
  const bpe_settings& settings() const { return settings_; }
  const tokenizer::vocabulary& vocabulary() const { return vocabulary_; }
  const std::vector<merge>& merges() const { return merges_; }
  const added_tokens& added() const { return added_; }

  /// The text of an id, in the alphabet of bytes (an added token as it is).
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
    if (c.digest != digest_ || c.entries.empty()) {
      c.entries.assign(cache::places, {});
      c.digest = digest_;
    }
    added_.split(text, out, [&](std::size_t begin, std::size_t end) {
      if (settings_.add_prefix_space && text[begin] != ' ') {
        c.spaced = ' ';
        c.spaced += text.substr(begin, end - begin);
        const std::size_t before = out.size();
        encode_stretch(c.spaced, 0, c.spaced.size(), out, c);
        // The space is not in the source: what covers it begins where the text does.
        for (std::size_t i = before; i < out.size(); ++i) {
          out[i].begin += static_cast<std::uint32_t>(begin) - (out[i].begin > 0 ? 1u : 0u);
          out[i].end += static_cast<std::uint32_t>(begin) - (out[i].end > 0 ? 1u : 0u);
        }
      } else {
        encode_stretch(text, begin, end, out, c);
      }
    });
  }

  /// The bytes; they need not be UTF-8 where a token holds a part of a character (see with_replacements).
  void decode(std::span<const std::int32_t> ids, std::string& out, bool skip_special = false) const {
    for (const std::int32_t id : ids) {
      check_id(id, static_cast<std::int32_t>(vocabulary_size()));
      const added_token* added = added_.find(id);
      if (skip_special && ((added != nullptr && added->special) || special_.contains(id))) continue;
      if (added != nullptr)
        out += added->content;
      else
        out.append(bytes_, byte_begin_[static_cast<std::size_t>(id)], bytes_of(id));
    }
  }

  std::uint64_t digest() const { return digest_; }

 private:
  std::uint32_t bytes_of(std::int32_t id) const {
    return byte_begin_[static_cast<std::size_t>(id) + 1] - byte_begin_[static_cast<std::size_t>(id)];
  }

  void make_tables() {
    byte_begin_.push_back(0);
    for (std::int32_t id = 0; id < vocabulary_.size(); ++id) {
      const std::size_t before = bytes_.size();
      // A special token of the vocabulary need not be written in the alphabet; it is not made of bytes.
      if (!from_alphabet(vocabulary_.text(id), bytes_)) {
        bytes_.resize(before);
        bytes_ += vocabulary_.text(id);
      }
      byte_begin_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    }
    for (unsigned b = 0; b < 256; ++b) {
      std::string text;
      io::append_utf8(text, alphabet.character(static_cast<unsigned char>(b)));
      byte_ids_[b] = vocabulary_.find(text);
      if (byte_ids_[b] < 0)
        throw_error("tokenizer.008", {"the vocabulary has no token \"", text, "\" for the byte ", b,
                                      "; a byte-level vocabulary holds one for each of the 256"});
    }
    merge_ids_ = merge_table(merges_.size());
    for (std::size_t rank = 0; rank < merges_.size(); ++rank) {
      const auto& [a, b] = merges_[rank];
      const std::int32_t left = vocabulary_.find(a), right = vocabulary_.find(b), result = vocabulary_.find(a + b);
      if (left < 0 || right < 0 || result < 0)
        throw_error("tokenizer.007", {"merge ", rank + 1, ": \"", left < 0 ? a : right < 0 ? b : a + b,
                                      "\" is not in the vocabulary; use the merges that belong to it"});
      merge_ids_.put(left, right, static_cast<std::int32_t>(rank), result);
    }
    digest_builder d;
    d.add(name).add(settings_.add_prefix_space ? 1u : 0u);
    for (const std::string& t : vocabulary_.texts()) d.add(t);
    for (const merge& m : merges_) d.add(m.first).add(m.second);
    for (const added_token& t : added_.list())
      d.add(t.content).add(static_cast<std::uint64_t>(t.id)).add((t.lstrip ? 1u : 0u) | (t.rstrip ? 2u : 0u) | (t.normalized ? 4u : 0u));
    digest_ = d.value();
  }

  void encode_stretch(std::string_view text, std::size_t begin, std::size_t end, std::vector<token>& out, cache& c) const {
    while (begin < end) {
      const std::size_t to = next_piece(text, begin, end);
      encode_piece(text.substr(begin, to - begin), static_cast<std::uint32_t>(begin), out, c);
      begin = to;
    }
  }

  void encode_piece(std::string_view piece, std::uint32_t at, std::vector<token>& out, cache& c) const {
    const auto give = [&](const std::int32_t* ids, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t bytes = bytes_of(ids[i]);
        out.push_back({ids[i], at, at + bytes});
        at += bytes;
      }
    };
    if (piece.size() == 1) return give(&byte_ids_[static_cast<unsigned char>(piece[0])], 1);
    if (piece.size() > cache::key_bytes) {
      merge_piece(piece, c);
      return give(c.ids.data(), c.ids.size());
    }
    const std::uint64_t hash = hash_of(piece);
    cache::entry& e = c.entries[hash >> 51];
    static_assert(cache::places == std::size_t{1} << 13);
    if (e.hash != hash || e.size != piece.size() || std::memcmp(e.key, piece.data(), piece.size()) != 0) {
      merge_piece(piece, c);
      if (c.ids.size() > cache::most_ids) return give(c.ids.data(), c.ids.size());
      e.hash = hash;
      e.size = static_cast<std::uint8_t>(piece.size());
      e.count = static_cast<std::uint8_t>(c.ids.size());
      std::memcpy(e.key, piece.data(), piece.size());
      std::copy(c.ids.begin(), c.ids.end(), e.ids);
    }
    give(e.ids, e.count);
  }
  static std::uint64_t hash_of(std::string_view piece) {
    std::uint64_t h = piece.size(), part = 0;
    std::size_t i = 0;
    for (; i + 8 <= piece.size(); i += 8) {
      std::memcpy(&part, piece.data() + i, 8);
      h = (h ^ part) * 0x9E3779B97F4A7C15u;
      h ^= h >> 29;
    }
    part = 0;
    std::memcpy(&part, piece.data() + i, piece.size() - i);
    h = (h ^ part) * 0x9E3779B97F4A7C15u;
    return (h ^ h >> 29) * 0xBF58476D1CE4E5B9u;
  }

  /// c.ids becomes the tokens of a piece.
  void merge_piece(std::string_view piece, cache& c) const {
    c.ids.resize(piece.size());
    for (std::size_t i = 0; i < piece.size(); ++i) c.ids[i] = byte_ids_[static_cast<unsigned char>(piece[i])];
    if (piece.size() <= 64)
      merge_short(c);
    else
      merge_long(c);
  }

  static constexpr std::int32_t no_rank = std::numeric_limits<std::int32_t>::max();

  /// Looks through all ranks for every merge: best where there are few.
  void merge_short(cache& c) const {
    std::size_t n = c.ids.size();
    c.ranks.assign(n, no_rank);
    c.results.assign(n, 0);
    const auto rank = [&](std::size_t i) {
      const merge_table::entry* m = i + 1 < n ? merge_ids_.find(c.ids[i], c.ids[i + 1]) : nullptr;
      c.ranks[i] = m != nullptr ? m->rank : no_rank;
      if (m != nullptr) c.results[i] = m->id;
    };
    for (std::size_t i = 0; i + 1 < n; ++i) rank(i);
    for (;;) {
      std::size_t best = 0;
      for (std::size_t i = 1; i + 1 < n; ++i) best = c.ranks[i] < c.ranks[best] ? i : best;
      if (n < 2 || c.ranks[best] == no_rank) break;
      c.ids[best] = c.results[best];
      for (std::size_t i = best + 1; i + 1 < n; ++i) {
        c.ids[i] = c.ids[i + 1];
        c.ranks[i] = c.ranks[i + 1];
        c.results[i] = c.results[i + 1];
      }
      --n;
      rank(best);
      if (best > 0) rank(best - 1);
    }
    c.ids.resize(n);
  }

  /// The same by a heap of (rank, place): a piece of a megabyte is no attack.
  void merge_long(cache& c) const {
    const std::uint32_t n = static_cast<std::uint32_t>(c.ids.size()), none = n;
    c.previous.resize(n);
    c.next.resize(n);
    c.heap.clear();
    const auto later = [](const cache::candidate& x, const cache::candidate& y) {
      return x.rank != y.rank ? x.rank > y.rank : x.at > y.at;
    };
    const auto offer = [&](std::uint32_t i) {
      if (i >= n || c.next[i] == none) return;
      if (const merge_table::entry* m = merge_ids_.find(c.ids[i], c.ids[c.next[i]])) {
        c.heap.push_back({m->rank, i, m->id});
        std::push_heap(c.heap.begin(), c.heap.end(), later);
      }
    };
    for (std::uint32_t i = 0; i < n; ++i) {
      c.previous[i] = i == 0 ? none : i - 1;
      c.next[i] = i + 1;
    }
    for (std::uint32_t i = 0; i + 1 < n; ++i) offer(i);
    while (!c.heap.empty()) {
      const cache::candidate top = c.heap.front();
      std::pop_heap(c.heap.begin(), c.heap.end(), later);
      c.heap.pop_back();
      const std::uint32_t i = top.at;
      if (c.ids[i] < 0 || c.next[i] == none) continue;
      // One of the two may have grown meanwhile: then the pair is another.
      const merge_table::entry* m = merge_ids_.find(c.ids[i], c.ids[c.next[i]]);
      if (m == nullptr || m->rank != top.rank) continue;
      const std::uint32_t gone = c.next[i];
      c.ids[i] = m->id;
      c.ids[gone] = -1;
      c.next[i] = c.next[gone];
      if (c.next[i] != none) c.previous[c.next[i]] = i;
      offer(c.previous[i]);
      offer(i);
    }
    c.ids.erase(std::remove(c.ids.begin(), c.ids.end(), -1), c.ids.end());
  }

  tokenizer::vocabulary vocabulary_;
  std::vector<merge> merges_;
  bpe_settings settings_;
  added_tokens added_;
  tokenizer::frame frame_;
  special_ids special_;
  std::int32_t byte_ids_[256] = {};
  merge_table merge_ids_;
  std::string bytes_;  // of all tokens, one after another
  std::vector<std::uint32_t> byte_begin_;
  std::uint64_t digest_ = 0;
};

}  // namespace pretext::tokenizer
