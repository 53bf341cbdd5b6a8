// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../../core/tensor.hpp"

namespace pretext::op {

/// Which pairs of a row count.
struct pair_mask {
  /// Row i never meets column i + self_offset (itself); below 0: no such pair. Masked, never subtracted.
  index_t self_offset = -1;
  /// The positive of row i is left out of its denominator (decoupled contrastive loss).
  bool drop_positive = false;
  /// A promise: the columns are the rows, self_offset is 0, positives are mutual (that of a row's positive is the row; or
  /// none), and a gradient with both lse is given the same positives and the same lse for both. A back end may then compute
  /// each pair of a symmetric score once, for both its rows. Without the promise, or on one that does not look at it, the
  /// result is the same up to rounding.
  bool same_rows = false;

  static constexpr bool may_drop_positive = true, may_expect = true;
};

/// A mask that knows from the type of its objective whether drop_positive is ever set and expected_scores ever given: a back
/// end then compiles nothing for what is not.
template <bool MayDropPositive, bool MayExpect>
struct pair_mask_of : pair_mask {
  static constexpr bool may_drop_positive = MayDropPositive, may_expect = MayExpect;
};

/// Scores s_ij = score(dot(r_i, c_j), |r_i|^2, |c_j|^2) * inverse_temperature, never stored as a matrix:
///   lse_i = log sum_{j in candidates of i} exp(s_ij),   positive_i = s_{i, positive(i)}
/// (pair, rows, columns, positives, mask, inverse_temperature, lse, positive_scores)
/// `pair` is a similarity's scalar part: score<M>(dot, q_row, q_column) and derivative<M>(...) -> {dot, row, column}, over
/// a math policy M (core/scalar_math.hpp); `uses_norms` says whether the squared norms q matter.
/// shapes  rows (M, D), columns (N, D), positives (M) of int32 column indices, inverse_temperature (1), lse and
///         positive_scores (M)
/// laws    a row without candidates has lse = -inf
/// cost    O(M N D) time, O(M) memory
struct contrastive_forward_op {
  static constexpr std::string_view name = "contrastive_forward";
  template <class P, class R, class C, class... A>
  static constexpr double flops(const P&, const R& r, const C& c, const A&...) {
    return 2.0 * static_cast<double>(r.size()) * static_cast<double>(c.rows());
  }
};
inline constexpr contrastive_forward_op contrastive_forward{};

/// The gradient in the rows, by recomputation of the scores, each row owned by one writer:
///   d_i += weight sum_j w_ij ds_ij/dr_i,   w_ij = [exp(s_ij - row_lse_i)] + [exp(s_ij - column_lse_j)] - p_ij
/// where a term is there when its lse view is not null, and p_ij counts the positives: of row i (with row_lse) and of
/// column j (with column_lse). A null view leaves that side out.
/// (pair, rows, columns, row_positives, column_positives, mask, inverse_temperature, row_lse, column_lse, weight,
///  d_rows, expected_scores)
/// expected_scores (M) or null: sum_j P_ij s_ij with the row softmax P, for the gradient of a learned temperature.
/// The mask is that of the forward pass: self pairs by (row i, column i + self_offset); drop_positive as there.
/// cost    O(M N D) time, O(M) memory; accumulates into d_rows
struct contrastive_gradient_op {
  static constexpr std::string_view name = "contrastive_gradient";
  template <class P, class R, class C, class... A>
  static constexpr double flops(const P&, const R& r, const C& c, const A&...) {
    return 4.0 * static_cast<double>(r.size()) * static_cast<double>(c.rows());
  }
};
inline constexpr contrastive_gradient_op contrastive_gradient{};

/// Adds each row's own positive, which is none of the columns, to its denominator (query, key and queue):
///   scores_i = score(r_i . o_i, ...) * inverse_temperature,   lse_i = log(exp(lse_i) + exp(scores_i)) where `count_it`
/// (pair, rows, others, inverse_temperature, count_it, lse, scores);  shapes rows, others (M, D); lse, scores (M)
struct positive_forward_op {
  static constexpr std::string_view name = "positive_forward";
  template <class P, class R, class... A>
  static constexpr double flops(const P&, const R& r, const A&...) {
    return 2.0 * static_cast<double>(r.size());
  }
};
inline constexpr positive_forward_op positive_forward{};

/// d_i += weight ([exp(scores_i - lse_i)] - 1) ds_i/dr_i, the term in brackets where `count_it`; expected_scores (M), where
/// given, += exp(scores_i - lse_i) scores_i
/// (pair, rows, others, inverse_temperature, count_it, lse, weight, d_rows, expected_scores)
struct positive_gradient_op {
  static constexpr std::string_view name = "positive_gradient";
  template <class P, class R, class... A>
  static constexpr double flops(const P&, const R& r, const A&...) {
    return 4.0 * static_cast<double>(r.size());
  }
};
inline constexpr positive_gradient_op positive_gradient{};

/// (offset, shift, n, y): y_i = offset + (i + shift) mod n for the first n elements, -1 for the others of a larger y
struct pair_indices_op {
  static constexpr std::string_view name = "pair_indices";
  template <class... A>
  static constexpr double flops(const A&...) {
    return 0;
  }
};
inline constexpr pair_indices_op pair_indices{};

/// (first, last, inputs, y): y = 1 / tau with tau moving from `first` to `last` in a straight line over the run
struct scheduled_inverse_op {
  static constexpr std::string_view name = "scheduled_inverse";
  template <class... A>
  static constexpr double flops(const A&...) {
    return 0;
  }
};
inline constexpr scheduled_inverse_op scheduled_inverse{};

}  // namespace pretext::op
