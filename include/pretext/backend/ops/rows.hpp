// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../../core/extent.hpp"

namespace pretext::op {

#define PRETEXT_ROW_OP(NAME, FLOPS)                       \
  struct NAME##_op {                                      \
    static constexpr std::string_view name = #NAME;       \
    template <class X, class... A>                        \
    static constexpr double flops(const X& x, const A&...) { \
      return (FLOPS) * static_cast<double>(x.size());     \
    }                                                     \
  };                                                      \
  inline constexpr NAME##_op NAME {}

/// (table, ids, y): y_i = table[ids_i]; an id below 0 gives a zero row
/// shapes  table (V, D), ids (M) of any integer type, y (M, D)
PRETEXT_ROW_OP(gather_rows, 0);
/// (dy, ids, dtable): dtable[ids_i] += dy_i in order of i; ids below 0 are skipped
PRETEXT_ROW_OP(scatter_add_rows, 1);
/// (x, structure, weighted_mean, y): y_r = sum over the neighbours of r of x, divided by their number where `mean`
/// shapes  x, y (nodes, D); structure with CSR offsets and columns
PRETEXT_ROW_OP(aggregate_neighbours, 1);
/// (dy, structure, mean, dx): the adjoint of aggregate_neighbours; accumulates
PRETEXT_ROW_OP(aggregate_neighbours_backward, 1);
/// (x, structure, y): y_s = mean over the positions or nodes of sample s (its length where lengths are given)
/// shapes  x (nodes, D) or (B, T, D), y (samples, D)
PRETEXT_ROW_OP(sample_mean, 1);
/// (dy, structure, dx): the adjoint of sample_mean
PRETEXT_ROW_OP(sample_mean_backward, 1);
/// (logits, labels, losses, dlogits): losses_i = -log softmax(logits_i)[label_i]; dlogits_i = softmax - one-hot, both 0
/// where the label is below 0; dlogits may be a null view
/// shapes  logits, dlogits (M, C); labels (M) of int32; losses (M)
PRETEXT_ROW_OP(softmax_cross_entropy, 5);
/// (a, b, y): y_i = a_i . b_i;  shapes a, b (M, D), y (M)
PRETEXT_ROW_OP(row_dot, 2);
/// (weights, x, y): y_i += weights_i x_i;  shapes weights (M), x, y (M, D); accumulates
PRETEXT_ROW_OP(add_scaled_rows, 2);
/// (x, y): y = sum of all elements of x, in a fixed tree;  shapes x any, y (1)
PRETEXT_ROW_OP(sum, 1);
/// (x, factor, y): y += factor x;  shapes x, y equal; accumulates
PRETEXT_ROW_OP(add_scaled, 2);
/// (x, factor, y): y += factor x^2;  shapes x, y equal; accumulates
PRETEXT_ROW_OP(add_scaled_squares, 3);
/// (z, y): y = mean over columns of the standard deviation over rows of the l2-normalised rows of z (collapse measure)
PRETEXT_ROW_OP(embedding_std, 6);

#undef PRETEXT_ROW_OP

}  // namespace pretext::op
