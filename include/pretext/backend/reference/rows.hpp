// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "../../core/scalar_math.hpp"
#include "../../core/step_inputs.hpp"
#include "../ops/contrastive.hpp"
#include "../ops/rows.hpp"
#include "matrix.hpp"

namespace pretext::backend::detail {

struct reference_rows {
  using ids_view = tensor_view<const std::int32_t>;

  template <class T, class Id>
  static void run(op::gather_rows_op, workspace&, const auto& table, const tensor_view<Id>& ids, tensor_view<T> y) {
    for (index_t i = 0; i < ids.size(); ++i) {
      expects(static_cast<index_t>(ids[i]) < table.rows(), "value.120", "an id is not below the number of rows of its table");
      for (index_t j = 0; j < table.columns(); ++j) y(i, j) = ids[i] < 0 ? T{} : static_cast<T>(table(static_cast<index_t>(ids[i]), j));
    }
  }
  template <class T, class Id>
  static void run(op::scatter_add_rows_op, workspace&, const auto& dy, const tensor_view<Id>& ids, tensor_view<T> dtable) {
    for (index_t i = 0; i < ids.size(); ++i)
      if (ids[i] >= 0)
        for (index_t j = 0; j < dy.columns(); ++j) dtable(static_cast<index_t>(ids[i]), j) += dy(i, j);
  }
  template <class F>
  static void for_each_edge(const extent& s, bool mean, F&& f) {
    for (index_t r = 0; r < s.nodes; ++r)
      for (std::int32_t e = s.offsets[r]; e < s.offsets[r + 1]; ++e)
        f(r, static_cast<index_t>(s.columns[e]), mean ? 1.0 / (s.offsets[r + 1] - s.offsets[r]) : 1.0);
  }
  template <class T>
  static void run(op::aggregate_neighbours_op, workspace& memory, input<T> x, const extent& s, bool mean, tensor_view<T> y) {
    using M = master_t<T>;
    in_master(memory, y, [&](tensor_view<M> sums) {
      for (M& v : sums) v = M{};
      for_each_edge(s, mean, [&](index_t r, index_t c, double w) {
        for (index_t j = 0; j < x.columns(); ++j) sums(r, j) += static_cast<M>(w) * x(c, j);
      });
    });
  }
  template <class T>
  static void run(op::aggregate_neighbours_backward_op, workspace& memory, input<T> dy, const extent& s, bool mean,
                  tensor_view<T> dx) {
    using M = master_t<T>;
    in_master(memory, dx, [&](tensor_view<M> sums) {
      for_each_edge(s, mean, [&](index_t r, index_t c, double w) {
        for (index_t j = 0; j < dy.columns(); ++j) sums(c, j) += static_cast<M>(w) * dy(r, j);
      });
    });
  }
  /// Calls f(sample, row, share) for every row that belongs to a sample.
  template <class F>
  static void for_each_member(const extent& s, index_t rows, F&& f) {
    if (s.graph_of != nullptr) {
      for (index_t r = 0; r < rows; ++r) {
        index_t count = 0;
        for (index_t q = 0; q < rows; ++q) count += s.graph_of[q] == s.graph_of[r];
        f(static_cast<index_t>(s.graph_of[r]), r, 1.0 / static_cast<double>(count));
      }
      return;
    }
    const index_t length = s.samples == 0 ? 0 : rows / s.samples;
    for (index_t b = 0; b < s.samples; ++b) {
      const index_t own = s.lengths ? s.lengths[b] : length;
      for (index_t t = 0; t < own; ++t) f(b, b * length + t, 1.0 / static_cast<double>(own));
    }
  }
  template <class T>
  static void run(op::sample_mean_op, workspace& memory, input<T> x, const extent& s, tensor_view<T> y) {
    using M = master_t<T>;
    in_master(memory, y, [&](tensor_view<M> sums) {
      for (M& v : sums) v = M{};
      for_each_member(s, x.rows(), [&](index_t b, index_t r, double share) {
        for (index_t j = 0; j < x.columns(); ++j) sums(b, j) += static_cast<M>(share) * x(r, j);
      });
    });
  }
  template <class T>
  static void run(op::sample_mean_backward_op, workspace&, input<T> dy, const extent& s, tensor_view<T> dx) {
    for (T& v : dx) v = T{};
    for_each_member(s, dx.rows(), [&](index_t b, index_t r, double share) {
      for (index_t j = 0; j < dy.columns(); ++j) dx(r, j) = static_cast<T>(static_cast<master_t<T>>(share) * dy(b, j));
    });
  }
  template <class T>
  static void run(op::softmax_cross_entropy_op, workspace&, input<T> logits, ids_view labels, tensor_view<T> losses,
                  tensor_view<std::type_identity_t<T>> dlogits) {
    using std::exp, std::log;
    const index_t n = logits.columns();
    for (index_t i = 0; i < logits.rows(); ++i) {
      const index_t label = labels[i];
      expects(label < n, "value.121", "a label is not below the number of classes");
      T largest = -std::numeric_limits<T>::infinity(), sum{};
      for (index_t j = 0; j < n; ++j) largest = std::max(largest, logits(i, j));
      for (index_t j = 0; j < n; ++j) sum += exp(logits(i, j) - largest);
      losses[i] = label < 0 ? T{} : log(sum) + largest - logits(i, label);
      if (dlogits)
        for (index_t j = 0; j < n; ++j)
          dlogits(i, j) = label < 0 ? T{} : exp(logits(i, j) - largest) / sum - (j == label ? T(1) : T{});
    }
  }
  template <class T>
  static void run(op::row_dot_op, workspace&, input<T> a, input<T> b, tensor_view<T> y) {
    for (index_t i = 0; i < a.rows(); ++i) {
      T sum{};
      for (index_t j = 0; j < a.columns(); ++j) sum += a(i, j) * b(i, j);
      y[i] = sum;
    }
  }
  template <class T>
  static void run(op::add_scaled_rows_op, workspace&, input<T> weights, input<T> x, tensor_view<T> y) {
    for (index_t i = 0; i < x.rows(); ++i)
      for (index_t j = 0; j < x.columns(); ++j) y(i, j) += weights[i] * x(i, j);
  }
  template <class T>
  static void run(op::sum_op, workspace&, input<T> x, tensor_view<T> y) {
    T sum{};
    for (index_t i = 0; i < x.size(); ++i) sum += x[i];
    y[0] = sum;
  }
  template <class T>
  static void run(op::add_scaled_op, workspace&, input<T> x, std::type_identity_t<T> factor, tensor_view<T> y) {
    for (index_t i = 0; i < y.size(); ++i) y[i] += factor * x[i];
  }
  template <class T>
  static void run(op::add_scaled_squares_op, workspace&, input<T> x, std::type_identity_t<T> factor, tensor_view<T> y) {
    for (index_t i = 0; i < y.size(); ++i) y[i] += factor * x[i] * x[i];
  }
  template <class T>
  static void run(op::embedding_std_op, workspace&, input<T> z, tensor_view<T> y) {
    using std::sqrt;
    T total{};
    for (index_t j = 0; j < z.columns(); ++j) {
      T mean{}, squares{};
      for (int pass = 0; pass < 2; ++pass)
        for (index_t i = 0; i < z.rows(); ++i) {
          T norm{};
          for (index_t k = 0; k < z.columns(); ++k) norm += z(i, k) * z(i, k);
          const T v = norm > T{} ? z(i, j) / sqrt(norm) : T{};
          if (pass == 0) mean += v / static_cast<T>(z.rows());
          else squares += (v - mean) * (v - mean);
        }
      total += sqrt(squares / static_cast<T>(z.rows()));
    }
    y[0] = total / static_cast<T>(z.columns());
  }
};

struct reference_contrastive {
  template <class T>
  static T dot(const tensor_view<const T>& a, index_t i, const tensor_view<const T>& b, index_t j) {
    T sum{};
    for (index_t d = 0; d < a.columns(); ++d) sum += a(i, d) * b(j, d);
    return sum;
  }
  template <class P, class T>
  static void run(op::contrastive_forward_op, workspace&, const P& pair, input<T> rows, input<T> columns,
                  tensor_view<const std::int32_t> positives, op::pair_mask mask, input<T> inverse_temperature,
                  tensor_view<T> lse, tensor_view<T> positive_scores) {
    using std::exp, std::log;
    const T it = inverse_temperature[0];
    for (index_t i = 0; i < rows.rows(); ++i) {
      const T qi = dot(rows, i, rows, i);
      T largest = -std::numeric_limits<T>::infinity(), sum{};
      for (index_t j = 0; j < columns.rows(); ++j) {
        const T s =
            pair.template score<scalar_math>(dot(rows, i, columns, j), qi, dot(columns, j, columns, j)) * it;
        if (j == positives[i]) positive_scores[i] = s;
        if (masked(i, j, positives[i], mask)) continue;
        if (s > largest) {
          sum = sum * exp(largest - s) + T(1);
          largest = s;
        } else {
          sum += exp(s - largest);
        }
      }
      lse[i] = largest + log(sum);
    }
  }
  template <class P, class T>
  static void run(op::contrastive_gradient_op, workspace&, const P& pair, input<T> rows, input<T> columns,
                  tensor_view<const std::int32_t> row_positives, tensor_view<const std::int32_t> column_positives,
                  op::pair_mask mask, input<T> inverse_temperature, input<T> row_lse, input<T> column_lse,
                  std::type_identity_t<T> weight, tensor_view<T> d_rows,
                  tensor_view<std::type_identity_t<T>> expected_scores) {
    using std::exp;
    const T it = inverse_temperature[0];
    for (index_t i = 0; i < rows.rows(); ++i) {
      const T qi = dot(rows, i, rows, i);
      T expected{};
      for (index_t j = 0; j < columns.rows(); ++j) {
        if (j == i + mask.self_offset && mask.self_offset >= 0) continue;
        const T product = dot(rows, i, columns, j), qj = dot(columns, j, columns, j);
        const T s = pair.template score<scalar_math>(product, qi, qj) * it;
        T w{};
        if (row_lse) {
          const bool positive = j == row_positives[i];
          const T p = positive && mask.drop_positive ? T{} : exp(s - row_lse[i]);
          expected += p == T{} ? T{} : p * s;
          w += p - (positive ? T(1) : T{});
        }
        if (column_lse) {
          const bool positive = i == column_positives[j];
          w += (positive && mask.drop_positive ? T{} : exp(s - column_lse[j])) - (positive ? T(1) : T{});
        }
        if (w == T{}) continue;
        const auto d = pair.template derivative<scalar_math>(product, qi, qj);
        const T scale = weight * w * it;
        for (index_t k = 0; k < rows.columns(); ++k)
          d_rows(i, k) += scale * (d.dot * columns(j, k) + d.row * T(2) * rows(i, k));
      }
      if (expected_scores) expected_scores[i] = expected;
    }
  }
  template <class P, class T>
  static void run(op::positive_forward_op, workspace&, const P& pair, input<T> rows, input<T> others,
                  input<T> inverse_temperature, bool count_it, tensor_view<T> lse, tensor_view<T> scores) {
    using std::exp, std::log;
    for (index_t i = 0; i < rows.rows(); ++i) {
      const T s = inverse_temperature[0] *
                  pair.template score<scalar_math>(dot(rows, i, others, i), dot(rows, i, rows, i), dot(others, i, others, i));
      scores[i] = s;
      if (count_it) lse[i] = std::max(lse[i], s) + log(T(1) + exp(std::min(lse[i], s) - std::max(lse[i], s)));
    }
  }
  template <class P, class T>
  static void run(op::positive_gradient_op, workspace&, const P& pair, input<T> rows, input<T> others,
                  input<T> inverse_temperature, bool count_it, input<T> lse, std::type_identity_t<T> weight,
                  tensor_view<T> d_rows, tensor_view<std::type_identity_t<T>> expected_scores) {
    using std::exp;
    const T it = inverse_temperature[0];
    for (index_t i = 0; i < rows.rows(); ++i) {
      const T product = dot(rows, i, others, i), qi = dot(rows, i, rows, i), qj = dot(others, i, others, i);
      const T s = it * pair.template score<scalar_math>(product, qi, qj);
      const T p = count_it ? exp(s - lse[i]) : T{};
      const auto d = pair.template derivative<scalar_math>(product, qi, qj);
      const T scale = weight * (p - T(1)) * it;
      for (index_t k = 0; k < rows.columns(); ++k)
        d_rows(i, k) += scale * (d.dot * others(i, k) + d.row * T(2) * rows(i, k));
      if (expected_scores) expected_scores[i] += p * s;
    }
  }
  static void run(op::pair_indices_op, workspace&, index_t offset, index_t shift, index_t n, tensor_view<std::int32_t> y) {
    for (index_t i = 0; i < y.size(); ++i) y[i] = i < n ? static_cast<std::int32_t>(offset + (i + shift) % n) : -1;
  }
  template <class T>
  static void run(op::scheduled_inverse_op, workspace&, double first, double last, const step_inputs* inputs,
                  tensor_view<T> y) {
    y[0] = static_cast<T>(1.0 / (first + (last - first) * inputs->progress));
  }

 private:
  static bool masked(index_t i, index_t j, index_t positive, op::pair_mask mask) {
    return (mask.self_offset >= 0 && j == i + mask.self_offset) || (mask.drop_positive && j == positive);
  }
};

}  // namespace pretext::backend::detail
