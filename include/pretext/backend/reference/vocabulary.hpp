// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "../ops/vocabulary.hpp"
#include "matrix.hpp"

namespace pretext::backend::detail {

struct reference_vocabulary {
  using integers_view = tensor_view<const std::int32_t>;

  template <class T>
  static void run(op::count_slots_op, workspace&, integers_view labels, integers_view count, tensor_view<T> n) {
    n[0] = T{};
    for (index_t k = 0; k < op::slots_of(labels.size(), count.data); ++k) n[0] += labels[k] >= 0 ? T(1) : T{};
  }

  template <class S, class T = master_t<S>>
  static void run(op::vocabulary_loss_op, workspace& memory, const tensor_view<const S>& hidden, integers_view rows, integers_view labels,
                  integers_view count, master<S> weight, master<S> bias, master<S> n, tensor_view<T> losses, tensor_view<std::int32_t> correct,
                  tensor_view<S> d_hidden, tensor_view<T> d_weight, tensor_view<T> d_bias) {
    const T share = T(1) / (n[0] > T(1) ? n[0] : T(1));
    const index_t words = weight.rows(), width = weight.columns();
    for (index_t k = 0; k < rows.size(); ++k) {
      losses[k] = T{};
      if (correct) correct[k] = -1;
    }
    const auto logit = [&](index_t row, index_t v) {
      T sum{};
      for (index_t c = 0; c < width; ++c) sum += static_cast<T>(hidden(row, c)) * weight(v, c);
      return bias ? sum + bias[v] : sum;
    };
    const auto each = [&](tensor_view<T> d) {
      if (d)
        for (T& x : d) x = T{};
      for (index_t k = 0; k < op::slots_of(rows.size(), count.data); ++k) {
        if (labels[k] < 0) continue;
        const index_t row = rows[k], label = labels[k];
        expects(label < words && row >= 0 && row < hidden.rows(), "value.123", "a wanted word or position is not there");
        T largest = -std::numeric_limits<T>::infinity(), sum{};
        for (index_t v = 0; v < words; ++v)
          if (const T z = logit(row, v); !(z <= largest)) largest = z;
        for (index_t v = 0; v < words; ++v) sum += std::exp(logit(row, v) - largest);
        const T own = logit(row, label);
        losses[k] = (std::log(sum) + (largest - own)) * share;
        if (correct) correct[k] = own == largest ? 1 : 0;
        for (index_t v = 0; v < words; ++v) {
          const T g = (std::exp(logit(row, v) - largest) / sum - (v == label ? T(1) : T{})) * share;
          if (d_bias) d_bias[v] += g;
          for (index_t c = 0; c < width; ++c) {
            if (d) d(row, c) += g * weight(v, c);
            if (d_weight) d_weight(v, c) += g * static_cast<T>(hidden(row, c));
          }
        }
      }
    };
    if (d_hidden)
      in_master(memory, d_hidden, each);
    else
      each({});
  }
};

}  // namespace pretext::backend::detail
