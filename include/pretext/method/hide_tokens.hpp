// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for families on tokens
#pragma once

#include "../augment/text/hide.hpp"
#include "noise.hpp"

namespace pretext::method {

/// Samples of different lengths: what lies past a sample's own length is padding and is never read.
struct token_batch {
  const std::int32_t *tokens = nullptr, *lengths = nullptr;  // (B, length); (B), each from 0 to length
  index_t samples = 0, length = 0;
  const std::uint64_t* ids = nullptr;    // (B): a sample is hidden anew every epoch; null: every step, by its place in the batch
  const std::uint8_t* starts = nullptr;  // (B, length): 1 where a word begins; null: every token is a word
  friend constexpr bool operator==(const token_batch&, const token_batch&) = default;
};

/// What hide_tokens made. The first `count` of the slots are used, sample by sample, places ascending; the rest holds -1.
struct hidden_tokens {
  tensor_view<std::int32_t> shown;  // (B, length): the tokens, hidden ones replaced; padding and hidden embeddings are -1
  tensor_view<std::int32_t> place;  // (B capacity): row b length + t of the hidden place
  tensor_view<std::int32_t> owner;  // (B capacity): b
  tensor_view<std::int32_t> token;  // (B capacity): what stood there
  tensor_view<std::int32_t> count;  // (1)
};

/// Hides the tokens of one sample, for op::for_each_sample: its slots begin at b capacity, its number of them is counts[b].
template <class Policy>
struct token_hider {
  Policy policy;
  augment::token_ids ids;
  token_batch in;
  moving_key key;
  index_t capacity;
  std::int32_t *shown, *place, *token, *counts, *work;
  index_t scratch_floats = 0;

  PRETEXT_HOST_DEVICE void operator()(index_t b, tensor_view<float>) const {
    const index_t row = b * in.length, length = in.lengths[b];
    const augment::token_row from{in.tokens + row, in.starts == nullptr ? nullptr : in.starts + row, length};
    const augment::hidden_row to{shown + row, place + b * capacity, token + b * capacity, work + row};
    counts[b] = policy.corrupt(key.with_sample(in.ids == nullptr ? static_cast<std::uint64_t>(b) : in.ids[b]), ids, from, to);
    for (index_t t = length; t < in.length; ++t) shown[row + t] = -1;
  }
};

/// Moves the slots of one sample to where those of the samples before it end; free ones go behind all, in the same way. Every
/// sample adds up the counts for itself: B^2 / 2 additions cost less than a scan costs to write for every back end.
struct slot_gatherer {
  const std::int32_t *place, *token, *counts;
  index_t samples, length, capacity;
  hidden_tokens out;
  index_t scratch_floats = 0;

  PRETEXT_HOST_DEVICE void operator()(index_t b, tensor_view<float>) const {
    index_t before = 0, total = 0;
    for (index_t i = 0; i < samples; ++i) {
      before += i < b ? counts[i] : 0;
      total += counts[i];
    }
    const index_t mine = counts[b], free = total + b * capacity - before;
    for (index_t k = 0; k < capacity; ++k) {
      const bool used = k < mine;
      const index_t slot = used ? before + k : free + k - mine, from = b * capacity + k;
      out.place.data[slot] = used ? static_cast<std::int32_t>(b * length) + place[from] : -1;
      out.owner.data[slot] = used ? static_cast<std::int32_t>(b) : -1;
      out.token.data[slot] = used ? token[from] : -1;
    }
    if (b == 0) out.count.data[0] = static_cast<std::int32_t>(total);
  }
};

/// Hides tokens of every sample by a corruption: a function of (seed, epoch, sample) where samples have ids, else of (seed,
/// step, place in the batch).
/// shapes  as hidden_tokens; the capacity is the policy's for a sample of full length, so that memory is planned
/// errors  pretext[augment.301], [augment.302] the vocabulary; the policy's own
template <class S, class Policy>
hidden_tokens hide_tokens(const S& s, const Policy& policy, const augment::token_ids& ids, const token_batch& in) {
  static_assert(augment::explain_corruption<Policy>());
  augment::check_corruption(policy, ids);
  const auto take = [&](const extents& e) { return s.ctx.template take_of<std::int32_t>(e); };
  const index_t capacity = policy.capacity(in.length), n = in.samples * capacity;
  const hidden_tokens out{take({in.samples, in.length}), take({n}), take({n}), take({n}), take({1})};
  const auto scope = s.ctx.scope();
  const auto place = take({n}), token = take({n}), counts = take({in.samples}), work = take({in.samples, in.length});
  const moving_key key(rng::key{}.with_purpose(rng::purpose::corrupt), s.inputs, in.ids == nullptr ? moving_key::by::step : moving_key::by::epoch);
  s.ctx(op::for_each_sample, token_hider<Policy>{policy, ids, in, key, capacity, out.shown.data, place.data, token.data, counts.data, work.data},
        in.samples);
  s.ctx(op::for_each_sample, slot_gatherer{place.data, token.data, counts.data, in.samples, in.length, capacity, out}, in.samples);
  return out;
}

}  // namespace pretext::method
