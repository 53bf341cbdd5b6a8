// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for families on tokens
#pragma once

#include "../detail/decide.hpp"
#include "corruption.hpp"

/// Which tokens of a sample are hidden. A chooser has `most(length)` and `mark(key, ids, in, out)`, which leaves in `out.shown`
/// what stands there, or -2 - unit where a place was chosen: places of one unit are treated alike by what is shown there.
/// All of it is integers, so that every machine hides the same places.
namespace pretext::augment::choose {

namespace detail {

/// The share of n tokens, to the nearest (halves up), at least one of them unless the share is 0.
PRETEXT_HOST_DEVICE constexpr index_t part_of(float share, index_t n) {
  const augment::detail::q32 part = augment::detail::to_q32(static_cast<double>(share));
  if (n <= 0 || part <= 0) return 0;
  const auto nearest = static_cast<index_t>(augment::detail::round_q32(n * part));
  return nearest < 1 ? 1 : nearest > n ? n : nearest;
}
PRETEXT_HOST_DEVICE constexpr std::int32_t marked(index_t unit) { return static_cast<std::int32_t>(-2 - unit); }

PRETEXT_HOST_DEVICE constexpr index_t count_ordinary(const token_ids& ids, const token_row& in) {
  index_t n = 0;
  for (index_t t = 0; t < in.length; ++t) n += ids.ordinary(in.tokens[t]) ? 1 : 0;
  return n;
}

}  // namespace detail

/// Each set of the wanted number of ordinary tokens is equally likely.
///   number = round(share n), at least 1, of the n ordinary tokens
/// cost    one draw a token
/// source  Devlin et al. 2019, arXiv:1810.04805, section 3.1; chosen in order, as Knuth's algorithm S (volume 2, 3.4.2)
struct tokens {
  setting<float> share = default_value(0.15f);

  static constexpr std::string_view name = "tokens";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("share", self.share);
  }
  constexpr void check() const { augment::detail::check_value(share, 0, 1, name, "share"); }
  PRETEXT_HOST_DEVICE constexpr index_t most(index_t length) const { return detail::part_of(share, length); }

  PRETEXT_HOST_DEVICE constexpr void mark(rng::key key, const token_ids& ids, const token_row& in, const hidden_row& out) const {
    index_t left = detail::count_ordinary(ids, in), wanted = most(left);
    rng::stream draw(key);
    for (index_t t = 0; wanted > 0; ++t) {
      if (!ids.ordinary(in.tokens[t])) continue;
      if (static_cast<index_t>(draw.below(static_cast<std::uint32_t>(left--))) >= wanted) continue;
      out.shown[t] = detail::marked(t);
      --wanted;
    }
  }
};

/// Whole words in random order, until the wanted number of tokens is hidden; a word that would exceed it is passed over.
///   number <= max(1, round(share n)), of the n ordinary tokens; none where every word is longer than that
/// cost    one draw a word; `work` holds the words
/// source  the whole-word masking of google-research/bert, create_pretraining_data.py
struct whole_words {
  setting<float> share = default_value(0.15f);

  static constexpr std::string_view name = "whole_words";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("share", self.share);
  }
  constexpr void check() const { augment::detail::check_value(share, 0, 1, name, "share"); }
  PRETEXT_HOST_DEVICE constexpr index_t most(index_t length) const { return detail::part_of(share, length); }

  PRETEXT_HOST_DEVICE constexpr void mark(rng::key key, const token_ids& ids, const token_row& in, const hidden_row& out) const {
    index_t wanted = most(detail::count_ordinary(ids, in)), words = 0;
    for (index_t t = 0; t < in.length; ++t)
      if (ids.ordinary(in.tokens[t]) && (t == 0 || in.starts_word(t) || !ids.ordinary(in.tokens[t - 1])))
        out.work[words++] = static_cast<std::int32_t>(t);
    rng::stream draw(key);
    for (index_t i = 0; i < words && wanted > 0; ++i) {
      const auto other = i + static_cast<index_t>(draw.below(static_cast<std::uint32_t>(words - i)));
      const std::int32_t first = out.work[other];
      out.work[other] = out.work[i];
      index_t end = first + 1;
      while (end < in.length && ids.ordinary(in.tokens[end]) && !in.starts_word(end)) ++end;
      if (end - first > wanted) continue;
      for (index_t t = first; t < end; ++t) out.shown[t] = detail::marked(t);
      wanted -= end - first;
    }
  }
};

/// Runs of words: a place that is still shown is drawn, and from the first token of its word on as many words are hidden as
/// a geometric length says; then the next, until the wanted number of tokens is hidden, where the last span is cut.
///   P(length = k) ~ (1 - p)^(k - 1), k = 1 .. longest;  number = round(share n), at least 1, of the n ordinary tokens
/// cost    O(length) a span; two draws a span
/// source  Joshi et al. 2020, arXiv:1907.10529, section 3.1 and its code (facebookresearch/SpanBERT, pretraining/fairseq/data/masking.py)
struct spans {
  setting<float> share = default_value(0.15f);
  setting<float> p = default_value(0.2f);
  setting<int> longest = default_value(10);  // words

  static constexpr std::string_view name = "spans";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("share", self.share);
    visit("p", self.p);
    visit("longest", self.longest);
  }
  constexpr void check() const {
    augment::detail::check_value(share, 0, 1, name, "share");
    augment::detail::check_value(p, 0, 1, name, "p");
    augment::detail::check_value(static_cast<float>(longest.value()), 1, 255, name, "longest");
  }
  PRETEXT_HOST_DEVICE constexpr index_t most(index_t length) const { return detail::part_of(share, length); }

  /// Words of the next span: weights (1 - p)^(k - 1) with 24 fractional bits, so that their sum fits 32.
  PRETEXT_HOST_DEVICE constexpr int length(rng::stream& draw) const {
    const augment::detail::q32 stays = augment::detail::q32_one - augment::detail::to_q32(static_cast<double>(p.value()));
    std::uint64_t weight = std::uint64_t{1} << 24, sum = 0;
    for (int k = 1; k <= longest; ++k) {
      sum += weight;
      weight = (weight * static_cast<std::uint64_t>(stays)) >> 32;
    }
    std::uint64_t at = (draw.bits() * sum) >> 32;
    weight = std::uint64_t{1} << 24;
    int words = 1;
    while (words < longest && at >= weight) {
      at -= weight;
      weight = (weight * static_cast<std::uint64_t>(stays)) >> 32;
      ++words;
    }
    return words;
  }

  PRETEXT_HOST_DEVICE constexpr void mark(rng::key key, const token_ids& ids, const token_row& in, const hidden_row& out) const {
    index_t left = detail::count_ordinary(ids, in), wanted = most(left);
    rng::stream draw(key);
    while (wanted > 0) {
      int words = length(draw);
      auto before = static_cast<index_t>(draw.below(static_cast<std::uint32_t>(left)));
      index_t t = 0;
      for (;; ++t)  // the place with so many before it that are ordinary and still shown
        if (ids.ordinary(in.tokens[t]) && out.shown[t] >= 0 && before-- == 0) break;
      while (t > 0 && !in.starts_word(t) && ids.ordinary(in.tokens[t - 1])) --t;
      const index_t unit = t;
      for (; t < in.length && ids.ordinary(in.tokens[t]) && wanted > 0; ++t) {
        if (t > unit && in.starts_word(t) && --words == 0) break;
        if (out.shown[t] < 0) continue;  // of a span before
        out.shown[t] = detail::marked(unit);
        --wanted;
        --left;
      }
    }
  }
};

}  // namespace pretext::augment::choose
