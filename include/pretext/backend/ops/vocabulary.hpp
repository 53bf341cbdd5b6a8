// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "../../core/tensor.hpp"

namespace pretext::op {

/// Which slots of a plan are taken: the first `count` (all where it is a null view), without those whose label is below 0.
PRETEXT_HOST_DEVICE constexpr index_t slots_of(index_t slots, const std::int32_t* count) {
  if (count == nullptr) return slots;
  return *count < 0 ? 0 : static_cast<index_t>(*count) < slots ? static_cast<index_t>(*count) : slots;
}

/// (labels, count, n): n = how many slots are taken
/// shapes  labels (M) of int32, count (1) of int32 or null, n (1)
struct count_slots_op {
  static constexpr std::string_view name = "count_slots";
  template <class... A>
  static constexpr double flops(const A&...) {
    return 0;
  }
};
inline constexpr count_slots_op count_slots{};

/// Softmax over a vocabulary at the wanted positions alone, loss and all gradients at once:
///   z_k = W h_{rows_k} + bias,   losses_k = (log sum_v exp(z_kv) - z_{k, label_k}) / n,   correct_k = [z_{k, label_k} is the largest]
///   g_k = (softmax(z_k) - onehot(label_k)) / n,   d_hidden_{rows_k} = W^T g_k,   d_weight += sum_k g_k h_{rows_k}^T,   d_bias += sum_k g_k
/// (hidden, rows, labels, count, weight, bias, n, losses, correct, d_hidden, d_weight, d_bias)
/// shapes  hidden, d_hidden (N, D); rows, labels (M) of int32; count (1) of int32 or null; weight, d_weight (V, D); bias, d_bias (V) or null;
///         n (1), the divisor of the mean, 1 where it is below; losses (M); correct (M) of int32 or null. M is what was planned for, count how many
///         slots there are; a slot with a label below 0 is empty: its loss is 0, its correct -1. d_hidden is written, zero where nothing was wanted;
///         the gradients may be null, all or any of them.
/// laws    no row is wanted twice; weight may be the table of an embedding, d_weight its gradient (tied)
/// errors  pretext[value.123] a label or a row is not there
/// cost    6 n V D: three products and no logits computed twice; memory for V times some rows (16 MiB, or 192 rows)
///         and for a packed copy of the weight, whatever M is
/// repeat  same bits for any number of threads
struct vocabulary_loss_op {
  static constexpr std::string_view name = "vocabulary_loss";
  template <class H, class R, class L, class C, class W, class... A>
  static constexpr double flops(const H&, const R& rows, const L&, const C&, const W& weight, const A&...) {
    return 6.0 * static_cast<double>(rows.size()) * static_cast<double>(weight.size());
  }
};
inline constexpr vocabulary_loss_op vocabulary_loss{};

}  // namespace pretext::op
