// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "../../core/scalar_math.hpp"
#include "../ops/recurrent.hpp"
#include "matrix.hpp"

namespace pretext::backend::detail {

struct reference_recurrent {
  /// Calls step(b, t, place, t before) in the direction of the network, or against it.
  template <class F>
  static void for_each_step(const extent& s, const op::recurrent_way& way, index_t samples, index_t length, bool against, const F& step) {
    s.check_lengths(samples, length);
    for (index_t b = 0; b < samples; ++b)
      for (index_t k = 0; k < length; ++k) {
        const index_t t = way.reverse != against ? length - 1 - k : k;
        step(b, t, op::place_of(s, way.reverse, length, b, t), way.reverse ? t + 1 : t - 1);
      }
  }

  template <class Cell, class T>
  static void run(op::recurrent_op, workspace&, const Cell&, input<T> x, master<T> weight, master<T> bias, const extent& s, const op::recurrent_way& way,
                  tensor_view<T> y, tensor_view<T> saved, tensor_view<T> cells) {
    using M = master_t<T>;
    constexpr int G = Cell::gates;
    const index_t length = x.extent(1), h = weight.columns();
    for_each_step(s, way, x.extent(0), length, false, [&](index_t b, index_t t, op::recurrent_place place, index_t before) {
      const index_t row = b * length + t, row_before = b * length + before;
      for (index_t u = 0; u < h; ++u) {
        M in[G]{}, recurrent[G]{}, four[4]{}, now{}, out{};
        if (place.there) {
          M state{};
          for (int g = 0; g < G; ++g) {
            in[g] = static_cast<M>(x(row, g * h + u));
            if (bias) recurrent[g] = bias[g * h + u];
            if (place.goes_on)
              for (index_t v = 0; v < h; ++v) recurrent[g] += static_cast<M>(y(row_before, way.column + v)) * weight(g * h + u, v);
          }
          if (place.goes_on) state = static_cast<M>(Cell::has_cells ? cells(row_before, u) : y(row_before, way.column + u));
          out = Cell::template forward<scalar_math>(in, recurrent, state, four, now);
        }
        for (int k = 0; k < 4; ++k) saved(row, k * h + u) = static_cast<T>(four[k]);
        if constexpr (Cell::has_cells) cells(row, u) = static_cast<T>(now);
        y(row, way.column + u) = static_cast<T>(out);
      }
    });
  }

  template <class Cell, class T>
  static void run(op::recurrent_gradient_op, workspace& memory, const Cell&, master<T> weight, const extent& s, const op::recurrent_way& way,
                  input<T> y, input<T> saved, input<T> cells, input<T> dy, tensor_view<T> dx, tensor_view<std::type_identity_t<T>> dr) {
    using M = master_t<T>;
    constexpr int G = Cell::gates;
    const workspace::scope scope(memory);
    const index_t length = y.extent(1), h = weight.columns();
    const tensor_view<M> carries = memory.take<M>(h);
    const tensor_view<T>& d_recurrent = Cell::same_gradient ? dx : dr;
    for_each_step(s, way, y.extent(0), length, true, [&](index_t b, index_t t, op::recurrent_place place, index_t before) {
      const index_t behind = way.reverse ? t - 1 : t + 1, row = b * length + t, row_before = b * length + before, row_behind = b * length + behind;
      const bool left = behind >= 0 && behind < length && op::place_of(s, way.reverse, length, b, behind).goes_on;
      for (index_t u = 0; u < h; ++u) {
        M d_in[G]{}, d_out[G]{}, carry = left ? carries[u] : M{};
        if (place.there) {
          M d = static_cast<M>(dy(row, way.column + u)), four[4];
          for (index_t k = 0; left && k < G * h; ++k) d += static_cast<M>(d_recurrent(row_behind, k)) * weight(k, u);
          for (int k = 0; k < 4; ++k) four[k] = static_cast<M>(saved(row, k * h + u));
          const M state = !place.goes_on ? M{} : static_cast<M>(Cell::has_cells ? cells(row_before, u) : y(row_before, way.column + u));
          Cell::template backward<scalar_math>(four, state, Cell::has_cells ? static_cast<M>(cells(row, u)) : M{}, d, carry, d_in, d_out);
        }
        carries[u] = carry;
        for (int g = 0; g < G; ++g) {
          dx(row, g * h + u) = static_cast<T>(d_in[g]);
          if constexpr (!Cell::same_gradient) dr(row, g * h + u) = static_cast<T>(d_out[g]);
        }
      }
    });
  }

  template <class T>
  static void run(op::previous_outputs_op, workspace&, input<T> y, const extent& s, const op::recurrent_way& way, tensor_view<T> to) {
    const index_t length = y.extent(1);
    for_each_step(s, way, y.extent(0), length, false, [&](index_t b, index_t t, op::recurrent_place place, index_t before) {
      for (index_t u = 0; u < to.columns(); ++u) to(b * length + t, u) = place.goes_on ? y(b * length + before, way.column + u) : T{};
    });
  }
};

}  // namespace pretext::backend::detail
