// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "rows.hpp"

/// Losses of scores against what they should say, mean over rows and ranks: one call leaves the loss and returns its
/// gradient in the scores. What classifiers, masked predictors and discriminators end in.
namespace pretext::objective {

/// L = mean_i -log softmax(scores_i)[label_i]; a label of -1 counts as a row with loss 0.
/// shapes  scores (M, C), labels (M); returns (M, C)
/// units   nats
/// source  PyTorch's cross_entropy, with the mean over all M rows
template <class Ctx, class T>
constexpr activations<T> mean_cross_entropy(const Ctx& ctx, tensor_view<const T> scores, tensor_view<const std::int32_t> labels,
                                            tensor_view<T> loss) {
  const index_t m = scores.rows();
  const activations<T> d(ctx.take(scores.shape));
  const tensor_view<T> each = ctx.take({m});
  ctx(op::softmax_cross_entropy, scores, labels, each, d);
  const T share = T(1) / static_cast<T>(m * ctx.comm->size());
  detail::reduce_loss(ctx, as_const(each), share, loss);
  ctx(op::scale, share, d);
  return d;
}

namespace detail {
/// log(1 + exp(x)), without overflow
struct softplus {
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::max(x, V(0)) + M::log(V(1) + M::exp(M::min(x, V(0) - x)));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return V(1) / (V(1) + M::exp(V(0) - x));
  }
};
}  // namespace detail

/// L = mean_i log(1 + exp(-sign s_i)): scores are to be high where sign is 1 (real) and low where it is -1 (made up).
/// shapes  scores of any shape; returns the same
/// laws    s and sign enter as a product; L(0) = log 2
/// source  Goodfellow et al. 2014, arXiv:1406.2661, with the generator's loss of section 3 (non-saturating)
template <class Ctx, class T>
constexpr activations<T> mean_logistic(const Ctx& ctx, tensor_view<const T> scores, T sign, tensor_view<T> loss) {
  const activations<T> x(ctx.take(scores.shape)), d(ctx.take(scores.shape));
  const T share = T(1) / static_cast<T>(scores.size() * ctx.comm->size());
  ctx(op::copy, scores, x);
  ctx(op::scale, T(0) - sign, x);
  ctx(op::map, detail::softplus{}, x, d);
  detail::reduce_loss(ctx, tensor_view<const T>(d), share, loss);
  ctx(op::fill, (T(0) - sign) * share, d);
  ctx(op::map_backward, detail::softplus{}, x, d, d);
  return d;
}

}  // namespace pretext::objective
