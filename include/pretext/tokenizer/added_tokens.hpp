// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "token.hpp"
#include "unicode.hpp"
#include "vocabulary.hpp"

namespace pretext::tokenizer {

/// A token that is cut out of the raw text before anything else is done to it.
struct added_token {
  std::int32_t id = -1;
  std::string content;
  bool lstrip = false;      // takes the white space before it along
  bool rstrip = false;      // and that behind it
  bool normalized = false;  // matched after all others of which this is false
  bool special = true;      // left out of decoded text on request
};

/// Added tokens found in a text: the leftmost, of those the longest; those with `normalized` in what the others leave.
/// cost    one comparison a byte where no token begins with it
class added_tokens {
 public:
  added_tokens() = default;
  explicit added_tokens(std::vector<added_token> list) : list_(std::move(list)) {
    reorder(list_, sorted_order(list_.size(), [&](std::size_t a, std::size_t b) { return list_[a].id < list_[b].id; }));
    for (std::size_t pass = 0; pass < 2; ++pass) {
      for (const std::size_t i : sorted_order(list_.size(), [&](std::size_t a, std::size_t b) {
             return list_[a].content.size() > list_[b].content.size();
           }))
        if (!list_[i].content.empty() && list_[i].normalized == (pass == 1)) {
          begins_[pass][static_cast<unsigned char>(list_[i].content[0])] = true;
          passes_[pass].push_back(i);
        }
    }
  }

  /// In the order of their ids.
  const std::vector<added_token>& list() const { return list_; }
  const added_token* find(std::string_view content) const {
    for (const added_token& t : list_)
      if (t.content == content) return &t;
    return nullptr;
  }
  const added_token* find(std::int32_t id) const {
    const auto found = std::lower_bound(list_.begin(), list_.end(), id, [](const added_token& t, std::int32_t i) { return t.id < i; });
    return found != list_.end() && found->id == id ? &*found : nullptr;
  }
  std::int32_t ids_end() const { return list_.empty() ? 0 : list_.back().id + 1; }

  /// Calls plain(begin, end) for the stretches between added tokens and adds the tokens to `out`, in the order of the text.
  template <class Plain>
  void split(std::string_view text, std::vector<token>& out, Plain&& plain) const {
    split_pass(0, text, 0, text.size(), out, plain);
  }

 private:
  template <class Plain>
  void split_pass(std::size_t pass, std::string_view text, std::size_t begin, std::size_t end, std::vector<token>& out,
                  Plain& plain) const {
    while (pass < 2 && passes_[pass].empty()) ++pass;
    if (pass == 2) {
      if (begin < end) plain(begin, end);
      return;
    }
    std::size_t open = begin;  // what has not been given away yet begins here
    for (std::size_t at = begin; at < end;) {
      const added_token* t = begins_[pass][static_cast<unsigned char>(text[at])] ? match(pass, text.substr(at, end - at)) : nullptr;
      if (t == nullptr) {
        ++at;
        continue;
      }
      std::size_t from = at, to = at + t->content.size();
      if (t->lstrip)
        while (from > open && space_before(text, open, from) != 0) from -= space_before(text, open, from);
      if (t->rstrip)
        while (to < end) {
          const unicode::point p = unicode::point_at(text.substr(0, end), to);
          if ((unicode::flags_of(p.value) & unicode::space) == 0) break;
          to += p.bytes;
        }
      if (open < from) split_pass(pass + 1, text, open, from, out, plain);
      out.push_back({t->id, static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to)});
      // What rstrip took may hold the next match in the reference; a token never begins with white space there.
      open = at = to;
    }
    if (open < end) split_pass(pass + 1, text, open, end, out, plain);
  }
  const added_token* match(std::size_t pass, std::string_view rest) const {
    for (const std::size_t i : passes_[pass])
      if (rest.starts_with(list_[i].content)) return &list_[i];
    return nullptr;
  }
  /// Bytes of the white space that ends at `end`, or 0.
  static std::size_t space_before(std::string_view text, std::size_t begin, std::size_t end) {
    for (std::size_t bytes = 1; bytes <= 3 && bytes <= end - begin; ++bytes) {
      const unicode::point p = unicode::point_at(text.substr(0, end), end - bytes);
      if (p.bytes == bytes && (unicode::flags_of(p.value) & unicode::space) != 0) return bytes;
    }
    return 0;
  }

  std::vector<added_token> list_;
  std::vector<std::size_t> passes_[2];  // longest first
  bool begins_[2][256] = {};
};

}  // namespace pretext::tokenizer
