// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "token.hpp"

namespace pretext::tokenizer {

/// Texts found by their bytes: a hash table that keeps no text of its own, for lookups of every prefix of a word.
class text_table {
 public:
  /// FNV-1a, because the hash of a longer prefix continues that of a shorter one.
  static constexpr std::uint64_t start = 0xCBF29CE484222325u;
  static constexpr std::uint64_t next(std::uint64_t hash, char c) {
    return (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  static constexpr std::uint64_t hash_of(std::string_view text) {
    std::uint64_t h = start;
    for (const char c : text) h = next(h, c);
    return h;
  }

  explicit text_table(std::size_t expected = 0) {
    std::size_t size = 16;
    while (size < 2 * expected) size *= 2;
    slots_ = std::vector<slot>(size);
  }
  /// Adds a text, or gives one that is there another id. `text` must stay where it is.
  void put(std::string_view text, std::int32_t id) {
    if (2 * (used_ + 1) > slots_.size()) grow();
    const std::uint64_t hash = hash_of(text);
    for (std::size_t i = place(hash);; i = (i + 1) & (slots_.size() - 1)) {
      slot& s = slots_[i];
      if (s.id < 0) {
        s = {text.data(), static_cast<std::uint32_t>(text.size()), tag(hash), id};
        ++used_;
        longest_ = text.size() > longest_ ? text.size() : longest_;
        return;
      }
      if (s.tag == tag(hash) && std::string_view(s.data, s.size) == text) {
        s.id = id;
        return;
      }
    }
  }
  std::int32_t find(std::string_view text, std::uint64_t hash) const {
    for (std::size_t i = place(hash);; i = (i + 1) & (slots_.size() - 1)) {
      const slot& s = slots_[i];
      if (s.id < 0) return -1;
      if (s.tag == tag(hash) && std::string_view(s.data, s.size) == text) return s.id;
    }
  }
  std::int32_t find(std::string_view text) const { return find(text, hash_of(text)); }
  std::size_t longest() const { return longest_; }

 private:
  struct slot {
    const char* data = nullptr;
    std::uint32_t size = 0;
    std::uint32_t tag = 0;
    std::int32_t id = -1;
  };
  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }
  std::size_t place(std::uint64_t hash) const { return (hash ^ hash >> 32) & (slots_.size() - 1); }
  PRETEXT_COLD void grow() {
    std::vector<slot> old(2 * slots_.size());
    old.swap(slots_);
    used_ = 0;
    for (const slot& s : old)
      if (s.id >= 0) put({s.data, s.size}, s.id);
  }

  std::vector<slot> slots_;
  std::size_t used_ = 0;
  std::size_t longest_ = 0;
};

/// The texts of ids 0 to size() - 1. An id without a token has the empty text.
class vocabulary {
 public:
  static constexpr std::int64_t most = 1 << 24;

  vocabulary() = default;
  explicit vocabulary(std::vector<std::string> texts) : texts_(std::move(texts)) {
    if (static_cast<std::int64_t>(texts_.size()) > most)
      throw_error("tokenizer.005", {"a vocabulary of ", texts_.size(), " tokens is more than the limit of ", most, "; use a smaller one"});
    table_ = text_table(texts_.size());
    for (std::size_t i = 0; i < texts_.size(); ++i)
      if (!texts_[i].empty()) table_.put(texts_[i], static_cast<std::int32_t>(i));
  }
  // The table points at the texts, which a copy has elsewhere.
  vocabulary(const vocabulary& other) : vocabulary(other.texts_) {}
  vocabulary(vocabulary&&) noexcept = default;
  vocabulary& operator=(vocabulary other) noexcept {
    texts_.swap(other.texts_);
    std::swap(table_, other.table_);
    return *this;
  }
  ~vocabulary() = default;

  std::int32_t size() const { return static_cast<std::int32_t>(texts_.size()); }
  /// The id of a text, or -1. A text that stands twice has its last id, as with the reference.
  std::int32_t find(std::string_view text) const { return table_.find(text); }
  const std::string& text(std::int32_t id) const { return texts_[static_cast<std::size_t>(id)]; }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
  text_table table_;
};

/// errors  pretext[tokenizer.003] an id that the vocabulary does not have
inline void check_id(std::int32_t id, std::int32_t size) {
  if (id < 0 || id >= size)
    throw_error("tokenizer.003", {"token ", id, " is outside the vocabulary of ", size, "; decode with the tokenizer that made the ids"});
}

}  // namespace pretext::tokenizer
