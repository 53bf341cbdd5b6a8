// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../../core/extent.hpp"
#include "../../core/step_inputs.hpp"

namespace pretext::op {

/// How positions look at each other.
struct attention_options {
  index_t heads = 1;
  bool causal = false;         // a position sees none behind it
  double scale = 0;            // of the scores; 0 stands for 1 / sqrt(d)
  double dropout = 0;          // rate at which weights are dropped, the others scaled by 1 / (1 - rate)
  moving_key key = {};         // of those draws; an rng::key becomes one
  index_t first_sample = 0;    // of this part of the batch: draws do not depend on the cut
};

/// The keys that a position sees: [first, last), empty for a position that is not there.
struct key_run {
  index_t first = 0, last = 0;
  constexpr bool empty() const { return first >= last; }
};

/// Keys of position t of sample b among `length`: those of its own packed sequence, below the sample's own length and, where
/// causal, up to itself.
PRETEXT_HOST_DEVICE constexpr key_run keys_of(const extent& s, bool causal, index_t length, index_t b, index_t t) {
  key_run keys{0, s.lengths != nullptr ? static_cast<index_t>(s.lengths[b]) : length};
  if (t >= keys.last) return {};
  if (s.blocks != nullptr) {
    const std::int32_t* const block = s.blocks + b * length;
    if (block[t] < 0) return {};
    index_t first = t, last = t + 1;
    while (first > 0 && block[first - 1] == block[t]) --first;
    while (last < keys.last && block[last] == block[t]) ++last;
    keys = {first, last};
  }
  if (causal) keys.last = t + 1;
  return keys;
}

/// Number of the draw that decides on the weight of key j for query i of head h (ops/elementwise.hpp: dropout_keeps).
PRETEXT_HOST_DEVICE constexpr index_t attention_draw(const attention_options& o, index_t length, index_t b, index_t h, index_t i, index_t j) {
  return (((o.first_sample + b) * o.heads + h) * length + i) * length + j;
}

namespace detail {
template <class X>
constexpr double attention_flops(const X& qkv, const attention_options& o, double products) {
  const double length = static_cast<double>(qkv.extent(1));
  return products * 2 * static_cast<double>(qkv.size()) / 3 * (o.causal ? (length + 1) / 2 : length);
}
}  // namespace detail

/// Softmax attention of every head, (qkv, structure, options, y, lse):
///   s_ij = scale q_i . k_j for the keys j that i sees (keys_of),   lse_i = log sum_j exp(s_ij),   y_i = sum_j exp(s_ij - lse_i) v_j
/// with weights dropped where the options say so.
/// shapes  qkv (B, T, 3 H d): q of all heads, then k, then v; y (B, T, H d); lse (B, H, T); structure as in core/extent.hpp
/// laws    a position that sees no key (beyond its sample's length, in no sequence) has y = 0 and lse = -inf; what no position
///         sees is never used, whatever stands there
/// cost    O(B H T^2 d) time, half of it where causal; O(T d) memory a thread: scores are never all there
/// source  online softmax: Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135
struct attention_op {
  static constexpr std::string_view name = "attention";
  template <class X, class... A>
  static constexpr double flops(const X& qkv, const extent&, const attention_options& o, const A&...) {
    return detail::attention_flops(qkv, o, 2);
  }
};
inline constexpr attention_op attention{};

/// The gradient, from lse, scores computed again: (qkv, structure, options, y, lse, dy, dqkv)
///   dv_j = sum_i p_ij dy_i,   g_ij = p_ij (dy_i . v_j - dy_i . y_i),   dq_i = scale sum_j g_ij k_j,   dk_j = scale sum_i g_ij q_i
/// shapes  as attention; dy like y, dqkv like qkv
/// laws    zero for positions that see no key and that none sees
struct attention_gradient_op {
  static constexpr std::string_view name = "attention_gradient";
  template <class X, class... A>
  static constexpr double flops(const X& qkv, const extent&, const attention_options& o, const A&...) {
    return detail::attention_flops(qkv, o, 5);
  }
};
inline constexpr attention_gradient_op attention_gradient{};

}  // namespace pretext::op
