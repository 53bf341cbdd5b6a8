// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../concepts/tokenizer.hpp"
#include "../core/error.hpp"
#include "frame.hpp"
#include "token.hpp"

namespace pretext::tokenizer {

/// Which text gives way where two are too long together.
enum class truncation : std::uint8_t { longest_first, only_first, only_second };

struct encoding_settings {
  std::size_t max_length = 0;   // with special tokens; 0: any
  truncation cut = truncation::longest_first;
  std::size_t pad_to = 0;       // padding tokens are added up to here
  bool special_tokens = true;   // the frame around the texts
};

/// One row of a batch. shapes  all of one length
struct encoding {
  static constexpr std::uint8_t first_text = 0, second_text = 1, no_text = 2;

  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> types;    // 0 or 1, BERT's segments
  std::vector<std::uint8_t> source;   // first_text, second_text, or no_text: a special or padding token of the frame
  std::vector<std::uint32_t> begin, end;  // bytes of that text; 0 and 0 of no text
  std::size_t length = 0;             // without padding, which stands behind

  std::size_t size() const { return ids.size(); }
};

namespace detail {

/// How much of two texts stays, as the reference counts it.
PRETEXT_COLD inline void lengths_after(std::size_t& a, std::size_t& b, bool pair, std::size_t room, truncation cut) {
  if (a + b <= room) return;
  if (room == 0) {
    a = b = 0;
    return;
  }
  const std::size_t surplus = a + b - room;
  if (cut == truncation::only_second && !pair)
    throw_error("tokenizer.011", {"only_second was asked of a single text; use only_first or longest_first"});
  if (!pair) {
    a = room;
  } else if (cut == truncation::longest_first) {
    std::size_t& less = a <= b ? a : b;
    std::size_t& more = a <= b ? b : a;
    more = less > room ? less : std::max(less, room - less);
    if (less + more > room) {
      less = room / 2;
      more = less + room % 2;
    }
  } else {
    std::size_t& one = cut == truncation::only_first ? a : b;
    if (one <= surplus)
      throw_error("tokenizer.011", {"the ", cut == truncation::only_first ? "first" : "second", " text of ", one, " tokens cannot give way by ",
                                    surplus, "; raise max_length, or let the longest give way"});
    one -= surplus;
  }
}

template <class T>
const frame& frame_of_tokenizer(const T& t) {
  if constexpr (requires { t.frame(); }) {
    return t.frame();
  } else {
    static const frame bare = bare_frame();
    return bare;
  }
}

}  // namespace detail

/// Makes rows of one or two texts, with what the tokenizer's frame puts around them; keeps the memory between rows.
///   tokenizer::encoder encode(bert);
///   const tokenizer::encoding& row = encode("Is it raining?", "No.", {.max_length = 128, .pad_to = 128});
/// errors  pretext[tokenizer.011] a text that cannot give way; [tokenizer.004] padding without a padding token
/// repeat  not for two threads at once: an encoder a thread
template <class T>
class encoder {
 public:
  explicit encoder(const T& tokenizer) : tokenizer_(&tokenizer) {
    static_assert(concepts::explain_tokenizer<T, token, special_ids>());
  }

  const encoding& operator()(std::string_view text, const encoding_settings& s = {}) { return make(text, {}, false, s); }
  const encoding& operator()(std::string_view first, std::string_view second, const encoding_settings& s = {}) {
    return make(first, second, true, s);
  }

 private:
  const encoding& make(std::string_view first, std::string_view second, bool pair, const encoding_settings& s) {
    texts_[0].clear();
    texts_[1].clear();
    tokenizer_->encode(first, texts_[0], cache_);
    if (pair) tokenizer_->encode(second, texts_[1], cache_);
    const frame& around = detail::frame_of_tokenizer(*tokenizer_);
    const std::vector<frame_part>& parts = pair ? around.pair : around.single;
    std::size_t lengths[2] = {texts_[0].size(), texts_[1].size()};
    if (s.max_length > 0) {
      const std::size_t added = s.special_tokens ? around.added(pair) : 0;
      if (added > s.max_length)
        throw_error("tokenizer.011", {"max_length ", s.max_length, " has no room for ", added, " special tokens; raise it"});
      detail::lengths_after(lengths[0], lengths[1], pair, s.max_length - added, s.cut);
    }
    row_.ids.clear();
    row_.types.clear();
    row_.source.clear();
    row_.begin.clear();
    row_.end.clear();
    for (const frame_part& p : parts) {
      if (p.id >= 0) {
        if (s.special_tokens) add({p.id, 0, 0}, p.type, encoding::no_text);
        continue;
      }
      const std::uint8_t which = p.id == frame_part::first_text ? encoding::first_text : encoding::second_text;
      for (std::size_t i = 0; i < lengths[which]; ++i) add(texts_[which][i], p.type, which);
    }
    row_.length = row_.ids.size();
    if (s.pad_to > row_.length) {
      const std::int32_t padding = required(tokenizer_->special().padding, "padding");
      while (row_.ids.size() < s.pad_to) add({padding, 0, 0}, 0, encoding::no_text);
    }
    return row_;
  }
  void add(const token& t, std::uint8_t type, std::uint8_t source) {
    row_.ids.push_back(t.id);
    row_.types.push_back(type);
    row_.source.push_back(source);
    row_.begin.push_back(t.begin);
    row_.end.push_back(t.end);
  }

  const T* tokenizer_;
  typename T::cache cache_;
  std::vector<token> texts_[2];
  encoding row_;
};

/// The ids of one text, without a frame: for a line or two of text; a program of many keeps a cache.
template <class T>
std::vector<std::int32_t> ids_of(const T& tokenizer, std::string_view text) {
  typename T::cache cache;
  std::vector<token> tokens;
  tokenizer.encode(text, tokens, cache);
  std::vector<std::int32_t> ids;
  for (const token& t : tokens) ids.push_back(t.id);
  return ids;
}
template <class T>
std::string text_of(const T& tokenizer, std::span<const std::int32_t> ids) {
  std::string out;
  tokenizer.decode(ids, out);
  return out;
}
template <class T>
std::string text_of(const T& tokenizer, const std::vector<std::int32_t>& ids) {
  return text_of(tokenizer, std::span<const std::int32_t>(ids.data(), ids.size()));
}

}  // namespace pretext::tokenizer
