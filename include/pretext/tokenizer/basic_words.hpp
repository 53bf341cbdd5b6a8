// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "../config.hpp"
#include "../core/order.hpp"
#include "../io/utf8.hpp"
#include "unicode.hpp"

namespace pretext::tokenizer {

/// What BERT does to a text before its vocabulary is asked.
struct basic_settings {
  bool clean_text = true;         // take controls and U+FFFD out
  bool split_ideographs = true;   // every CJK ideograph is a word
  bool strip_accents = true;      // decompose (NFD) and leave nonspacing marks out
  bool lower_case = true;         // one code point at a time, after the accents
};

/// A word as the vocabulary sees it, and where its characters came from.
struct basic_word {
  std::string_view text;               // normalised
  std::uint32_t begin, end;            // of its source
  const std::uint32_t* at;             // begins of its characters in `text`, or nullptr: one byte each, as in the source
  const std::uint32_t* source_begin;   // of each character; nullptr with `at`
  const std::uint32_t* source_end;
  std::size_t characters;
};

/// Memory for words on their way; belongs to the caller.
struct basic_scratch {
  std::string text;
  std::vector<char32_t> value;
  std::vector<std::uint8_t> order;
  std::vector<std::uint32_t> at, source_begin, source_end;
};

namespace detail {

/// One text being cut into words. `word(basic_word)` is called for each, in order.
template <class Word>
class basic_splitter {
 public:
  basic_splitter(const basic_settings& s, std::string_view text, basic_scratch& scratch, Word& word)
      : settings_(s), text_(text), scratch_(scratch), word_(word) {}

  void run(std::size_t at, std::size_t end) {
    const char* const data = text_.data();
    while (at < end) {
      // ASCII words are nearly all of most texts: they need no arrays, and lower case is one pass.
      const std::size_t begin = at;
      unsigned char c = 0;
      while (at < end && (c = static_cast<unsigned char>(data[at])) < 128 &&
             (unicode::detail::ascii.flags[c] & (unicode::letter | unicode::number)) != 0)
        ++at;
      if (at < end && c >= 128) {
        at = general(begin, end);
        continue;
      }
      const std::uint8_t flags = at < end ? unicode::detail::ascii.flags[c] : std::uint8_t{unicode::space};
      if ((flags & unicode::dropped) != 0) {
        at = general(begin, end);
        continue;
      }
      if (begin < at) plain_word(begin, at);
      if (at < end) {
        if ((flags & unicode::punctuation) != 0) plain_word(at, at + 1);
        ++at;
      }
    }
  }

 private:
  void plain_word(std::size_t begin, std::size_t end) {
    std::string_view text = text_.substr(begin, end - begin);
    if (settings_.lower_case) {
      std::string& lower = scratch_.text;
      lower.resize(text.size());
      for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        lower[i] = static_cast<char>(c + ((c >= 'A' && c <= 'Z') ? 32 : 0));
      }
      text = lower;
    }
    word_(basic_word{text, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), nullptr, nullptr, nullptr, text.size()});
  }

  /// From the begin of a word up to white space or ASCII punctuation, whatever it is made of.
  std::size_t general(std::size_t at, std::size_t end) {
    while (at < end) {
      const unicode::point p = unicode::point_at(text_.substr(0, end), at);
      const std::uint8_t flags = unicode::flags_of(p.value);
      const std::uint32_t from = static_cast<std::uint32_t>(at), to = from + p.bytes;
      at = to;
      if (settings_.clean_text && (flags & unicode::dropped) != 0) continue;
      if ((flags & unicode::space) != 0) {
        flush();
        return at;
      }
      const bool alone = settings_.split_ideographs && (flags & unicode::ideograph) != 0;
      if (alone) flush();
      if (p.value < 128 || !settings_.strip_accents)
        add_lower(p.value, 0, from, to);
      else
        add_parts(p.value, from, to);
      if (alone || (p.value < 128 && (flags & unicode::punctuation) != 0)) flush();
      if (p.value < 128 && (flags & unicode::punctuation) != 0) return at;
    }
    flush();
    return at;
  }

  void add_parts(char32_t c, std::uint32_t from, std::uint32_t to) {
    const unicode::points parts = unicode::parts_of(c);
    for (std::uint32_t i = 0; i < parts.count; ++i) {
      const char32_t part = parts.value[i];
      const std::uint8_t order = unicode::order_of(part);
      if ((unicode::flags_of(part) & unicode::mark) == 0) {
        add_lower(part, order, from, to);
      } else if (order == 0) {
        end_run();  // a starter, though it goes: marks do not move past it
      }
    }
  }

  void add_lower(char32_t c, std::uint8_t order, std::uint32_t from, std::uint32_t to) {
    if (!settings_.lower_case) return add(c, order, from, to);
    const unicode::points lower = unicode::lower_of(c);
    for (std::uint32_t i = 0; i < lower.count; ++i) add(lower.value[i], order, from, to);
  }

  void add(char32_t c, std::uint8_t order, std::uint32_t from, std::uint32_t to) {
    const std::uint8_t flags = unicode::flags_of(c);
    // A decomposition may be white space or punctuation where the code point was not.
    const bool alone = (flags & unicode::punctuation) != 0;
    if (alone || (flags & unicode::space) != 0) flush();
    if ((flags & unicode::space) != 0) return;
    if (order == 0)
      end_run();
    else
      unordered_ = unordered_ || (scratch_.order.size() > run_ && scratch_.order.back() > order);
    scratch_.value.push_back(c);
    scratch_.order.push_back(order);
    scratch_.source_begin.push_back(from);
    scratch_.source_end.push_back(to);
    if (order == 0) run_ = scratch_.value.size();
    if (alone) flush();
  }

  /// The canonical order of the marks that stay: by class, equals as they came.
  PRETEXT_COLD void sort_run() {
    const std::size_t n = scratch_.value.size() - run_;
    const auto order = sorted_order(n, [&](std::size_t a, std::size_t b) { return scratch_.order[run_ + a] < scratch_.order[run_ + b]; });
    const auto rearrange = [&](auto& list) {
      const auto old = list;
      for (std::size_t i = 0; i < n; ++i) list[run_ + i] = old[run_ + order[i]];
    };
    rearrange(scratch_.value);
    rearrange(scratch_.order);
    rearrange(scratch_.source_begin);
    rearrange(scratch_.source_end);
  }
  void end_run() {
    if (unordered_) sort_run();
    unordered_ = false;
    run_ = scratch_.value.size();
  }

  void flush() {
    end_run();
    const std::size_t n = scratch_.value.size();
    run_ = 0;
    if (n == 0) return;
    scratch_.text.clear();
    scratch_.at.clear();
    for (const char32_t c : scratch_.value) {
      scratch_.at.push_back(static_cast<std::uint32_t>(scratch_.text.size()));
      io::append_utf8(scratch_.text, c);
    }
    word_(basic_word{scratch_.text, scratch_.source_begin.front(), scratch_.source_end.back(), scratch_.at.data(),
                     scratch_.source_begin.data(), scratch_.source_end.data(), n});
    scratch_.value.clear();
    scratch_.order.clear();
    scratch_.source_begin.clear();
    scratch_.source_end.clear();
  }

  const basic_settings& settings_;
  std::string_view text_;
  basic_scratch& scratch_;
  Word& word_;
  std::size_t run_ = 0;  // where the present run of non-starters begins in the word
  bool unordered_ = false;
};

}  // namespace detail

/// Cuts text[begin, end) into BERT's words: maximal stretches between white space, punctuation and ideographs, which are
/// words of their own; the steps are those of basic_settings, in their order. Bytes that are not UTF-8 count as U+FFFD.
/// cost    one pass; memory of the longest word
/// source  Devlin et al. 2018, arXiv:1810.04805; order and tables as Hugging Face's `tokenizers` has them
template <class Word>
void split_basic(const basic_settings& s, std::string_view text, std::size_t begin, std::size_t end, basic_scratch& scratch, Word&& word) {
  detail::basic_splitter<std::remove_reference_t<Word>>(s, text, scratch, word).run(begin, end);
}

}  // namespace pretext::tokenizer
