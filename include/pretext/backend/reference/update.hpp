// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include "../../core/scalar_math.hpp"
#include "../ops/update.hpp"
#include "../ops/views.hpp"
#include "matrix.hpp"

namespace pretext::backend::detail {

struct reference_update {
  template <class R, class T>
  static void run(op::update_op, workspace&, const R& rule, tensor_view<const update_range> ranges,
                  tensor_view<const double> norms, const player_inputs* inputs, tensor_view<T> g, tensor_view<T> p,
                  tensor_view<std::type_identity_t<T>> s0, tensor_view<std::type_identity_t<T>> s1) {
    T none0{}, none1{};
    for (index_t r = 0; r < ranges.size() && inputs->clip_scale != 0; ++r) {
      const auto c = rule.template prepare<T>(ranges[r], *inputs, norms ? norms(r, 0) : 0.0, norms ? norms(r, 1) : 0.0);
      for (index_t i = ranges[r].offset; i < ranges[r].offset + ranges[r].size; ++i)
        rule.template apply<scalar_math>(c, static_cast<T>(inputs->clip_scale) * g[i], p[i], s0 ? s0[i] : none0, s1 ? s1[i] : none1);
    }
    for (T& v : g) v = 0;
  }
  template <class T>
  static void run(op::range_norms_op, workspace&, tensor_view<const T> p, tensor_view<const T> g,
                  tensor_view<const update_range> ranges, tensor_view<double> norms) {
    for (index_t r = 0; r < ranges.size(); ++r) {
      double a = 0, b = 0;
      for (index_t i = ranges[r].offset; i < ranges[r].offset + ranges[r].size; ++i) {
        a += static_cast<double>(p[i]) * static_cast<double>(p[i]);
        b += static_cast<double>(g[i]) * static_cast<double>(g[i]);
      }
      norms(r, 0) = std::sqrt(a);
      norms(r, 1) = std::sqrt(b);
    }
  }
  template <class T>
  static void run(op::sum_squares_op, workspace&, tensor_view<const T> x, tensor_view<double> result) {
    double sum = 0;
    for (index_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    result[0] = sum;
  }
  static void run(op::clip_scale_op, workspace&, tensor_view<const double> sum_squares, double max_norm,
                  player_inputs* inputs, double* non_finite) {
    const double norm = std::sqrt(sum_squares[0]);
    inputs->gradient_norm = norm;
    if (!std::isfinite(norm)) {
      *non_finite = 1;
      inputs->clip_scale = 0;
    } else {
      inputs->clip_scale = max_norm > 0 && norm > max_norm ? max_norm / norm : 1.0;
    }
  }
  template <class R>
  static void run(op::begin_update_op, workspace&, const R& rule, player_inputs* inputs) {
    if (inputs->clip_scale == 0) return;
    rule.write_inputs(*inputs, inputs->updates);
    ++inputs->updates;
  }
  template <class T>
  static void run(op::lerp_op, workspace&, const double* momentum, input<T> source, tensor_view<T> target) {
    if (*momentum == 1) return;
    const T m = static_cast<T>(*momentum);
    for (index_t i = 0; i < target.size(); ++i) target[i] = m * target[i] + (T(1) - m) * source[i];
  }
  static void run(op::hold_momentum_op, workspace&, const double* non_finite, double* momentum) {
    if (*non_finite != 0) *momentum = 1;
  }
  template <class T>
  static void run(op::put_back_op, workspace&, const double* non_finite, input<T> kept, tensor_view<T> x) {
    for (index_t i = 0; i < x.size() && *non_finite != 0; ++i) x[i] = kept[i];
  }
  template <class T>
  static void run(op::enqueue_rows_op, workspace&, input<T> rows, const step_inputs* inputs, tensor_view<T> queue) {
    const index_t at = op::place_in_queue(*inputs, rows.rows(), queue.rows()) * rows.columns();
    for (index_t i = 0; i < rows.size(); ++i) queue[at + i] = rows[i];
  }
  static void run(op::begin_step_op, workspace&, const step_inputs& values, step_inputs* inputs) { op::write_step(values, *inputs); }
  template <class W>
  static void run(op::for_each_sample_op, workspace& memory, const W& writer, index_t count) {
    workspace::scope scope(memory);
    const tensor_view<float> scratch = memory.take<float>(extents(writer.scratch_floats));
    for (index_t i = 0; i < count; ++i) writer(i, scratch);
  }
};

}  // namespace pretext::backend::detail
