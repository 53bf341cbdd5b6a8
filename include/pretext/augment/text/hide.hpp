// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for families on tokens
#pragma once

#include "choose.hpp"
#include "show.hpp"

namespace pretext::augment {

/// A corruption made of which tokens are hidden and what is shown in their places.
/// laws    a function of (key, tokens); special tokens stay; places ascend; what is not hidden is shown as it is
/// repeat  the same integers on every machine, back end and thread count, whatever else is in the batch
/// cost    O(length), no memory but `out`
///   bert_masking{.choose = {.share = 0.2f}, .show = {.mask = 0.9f, .random = 0.0f}}
template <class Choose, class Show>
struct hide {
  Choose choose{};
  Show show{};

  static constexpr std::string_view name = "hide";
  static constexpr bool shows_mask = Show::shows_mask;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("choose", self.choose);
    visit("show", self.show);
  }
  constexpr void check() const {
    check_settings(choose);
    check_settings(show);
  }
  PRETEXT_HOST_DEVICE constexpr index_t capacity(index_t length) const { return choose.most(length); }

  PRETEXT_HOST_DEVICE constexpr std::int32_t corrupt(rng::key key, const token_ids& ids, const token_row& in, const hidden_row& out) const {
    for (index_t t = 0; t < in.length; ++t) out.shown[t] = in.tokens[t] < 0 ? -1 : in.tokens[t];
    choose.mark(key, ids, in, out);
    std::int32_t count = 0;
    for (index_t t = 0; t < in.length; ++t) {
      if (out.shown[t] >= -1) continue;
      const auto unit = static_cast<std::uint32_t>(-2 - out.shown[t]), place = static_cast<std::uint32_t>(t);
      // The chooser draws from blocks 0, 1, ... of the key, a place from its own in the upper half.
      constexpr std::uint32_t upper_half = 0x80000000u;
      const rng::counter_type own = key.block(upper_half + place);
      const std::uint32_t fate = unit == place ? own[0] : key.block(upper_half + unit)[0];
      out.place[count] = static_cast<std::int32_t>(t);
      out.token[count++] = in.tokens[t];
      out.shown[t] = show(ids, fate, own[1], in.tokens[t]);
    }
    return count;
  }
};

/// 15 % of the tokens; of these 80 % masks, 10 % random, 10 % as they were (BERT, arXiv:1810.04805).
using bert_masking = hide<choose::tokens, show::mixture>;
/// The same, by whole words.
using whole_word_masking = hide<choose::whole_words, show::mixture>;
/// Spans of geometric lengths, mean 3.8 words, each masked, exchanged or kept as a whole (SpanBERT, arXiv:1907.10529).
using span_masking = hide<choose::spans, show::mixture>;
/// The embeddings of 15 % of the tokens are zero.
using hidden_embeddings = hide<choose::tokens, show::nothing>;
/// 15 % random tokens in the places of others.
using random_replacement = hide<choose::tokens, show::random_token>;
/// What ELECTRA's generator reads: 15 % masks (arXiv:2003.10555, section 2; the authors' code leaves 15 % of those as they were:
/// hide<choose::tokens, show::mixture>{.show = {.mask = 0.85f, .random = 0.0f}}).
using electra_input = hide<choose::tokens, show::mask>;

}  // namespace pretext::augment
