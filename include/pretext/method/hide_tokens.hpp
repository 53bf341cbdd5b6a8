// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for families on tokens
#pragma once

#include "noise.hpp"

namespace pretext::method {

/// Samples of different lengths: what lies past a sample's own length is padding and is never read.
struct token_batch {
  const std::int32_t *tokens = nullptr, *lengths = nullptr;  // (B, length); (B)
  index_t samples = 0, length = 0;
  friend constexpr bool operator==(const token_batch&, const token_batch&) = default;
};

/// What hide_tokens made. Slot k of sample b is element b count + k; it holds -1 where the slot stayed empty.
struct hidden_tokens {
  tensor_view<std::int32_t> shown;  // (B, length): the tokens, hidden ones replaced; padding is -1
  tensor_view<std::int32_t> place;  // (B count): row b length + t of the hidden place
  tensor_view<std::int32_t> owner;  // (B count): b
  tensor_view<std::int32_t> token;  // (B count): what stood there
};

/// Hides the tokens of one sample, for op::for_each_sample.
struct token_hider {
  token_batch in;
  moving_key key;
  index_t count;
  std::int32_t mask;
  hidden_tokens out;
  index_t scratch_floats = 0;
  PRETEXT_HOST_DEVICE void operator()(index_t b, tensor_view<float>) const {
    rng::stream draw(key.with_sample(static_cast<std::uint64_t>(b)));
    const std::int32_t length = in.lengths[b];
    std::int32_t* const shown = out.shown.data + b * in.length;
    for (index_t t = 0; t < in.length; ++t) shown[t] = t < length ? in.tokens[b * in.length + t] : -1;
    for (index_t slot = b * count; slot < (b + 1) * count; ++slot) {
      const index_t t = length == 0 ? -1 : static_cast<index_t>(draw.below(static_cast<std::uint32_t>(length)));
      const bool empty = t < 0 || shown[t] == mask;  // nothing to hide, or drawn before
      out.place.data[slot] = empty ? -1 : static_cast<std::int32_t>(b * in.length + t);
      out.owner.data[slot] = empty ? -1 : static_cast<std::int32_t>(b);
      out.token.data[slot] = empty ? -1 : shown[t];
      if (!empty) shown[t] = mask;
    }
  }
};

/// Hides up to `count` tokens of each sample behind `mask`, at places that are a function of (seed, step, sample).
template <class S>
hidden_tokens hide_tokens(const S& s, const token_batch& in, index_t count, std::int32_t mask) {
  const auto take = [&](const extents& e) { return s.ctx.template take_of<std::int32_t>(e); };
  const index_t n = in.samples * count;
  const hidden_tokens out{take({in.samples, in.length}), take({n}), take({n}), take({n})};
  s.ctx(op::for_each_sample, token_hider{in, step_key(s), count, mask, out}, in.samples);
  return out;
}

}  // namespace pretext::method
