// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "rows.hpp"

/// Predicting words: what masked and autoregressive language models end in.
namespace pretext::objective {

/// Which positions are to be predicted, and what stands there: slots that were planned for, of which `count` (a number in the back end's
/// memory; null: all) are taken. A slot with a label below 0 is empty.
struct wanted_words {
  tensor_view<const std::int32_t> rows;    // (M): row of `hidden`, none of them twice
  tensor_view<const std::int32_t> labels;  // (M)
  tensor_view<const std::int32_t> count = {};  // (1) or null
};

/// L = mean over the taken slots of -log softmax(W h + bias)[label]; returns the gradient of h, zero where nothing was wanted. W may be the
/// table of the embedding that made h (nn::text_embedding::table): their gradients add up in one place.
/// Logits are never there for all positions, and for none that is not wanted (op::vocabulary_loss).
/// shapes  hidden (..., D); weight (V, D); bias (V) or null; loss (1); d_weight, d_bias like weight, bias, or null; correct (M) or null: 1 where the
///         label has the largest logit, 0 where not, -1 in empty slots
/// units   nats; exp(L) is the perplexity
/// laws    L = log V where all logits are equal; the mean is over the slots of all ranks
template <class Ctx, class S, class T = master_t<S>>
constexpr activations<S> mean_vocabulary_loss(const Ctx& ctx, const activations<const S>& hidden, const wanted_words& wanted, tensor_view<const T> weight,
                                              tensor_view<const T> bias, tensor_view<T> loss, tensor_view<T> d_weight, tensor_view<T> d_bias,
                                              tensor_view<std::int32_t> correct = {}) {
  const activations<S> d(ctx.take(hidden.shape), hidden.structure);
  const auto scope = ctx.scope();
  const tensor_view<T> n = ctx.take_master({1}), losses = ctx.take_master(wanted.rows.shape);
  ctx(op::count_slots, wanted.labels, wanted.count, n);
  ctx.comm->all_reduce_sum(n);
  ctx(op::vocabulary_loss, tensor_view<const S>(hidden), wanted.rows, wanted.labels, wanted.count, weight, bias, as_const(n), losses, correct,
      tensor_view<S>(d), d_weight, d_bias);
  detail::reduce_loss(ctx.exact(), as_const(losses), T(1), loss);
  return d;
}

}  // namespace pretext::objective
