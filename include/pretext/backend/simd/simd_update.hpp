// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../ops/contrastive.hpp"
#include "../ops/update.hpp"
#include "../ops/views.hpp"
#include "../reference/matrix.hpp"
#include "elementwise.hpp"
#include "reduce.hpp"
#include "simd_call.hpp"
#include "simd_math.hpp"

namespace pretext::backend::detail {

template <class Arch>
struct simd_update {
  template <class T>
  using O = kernel::vector_ops<T, Arch>;
  template <class T>
  using V = kernel::vec<T, Arch>;

  template <class R, lane_value T>
  static void run(op::update_op, const simd_call& call, const R& rule, const tensor_view<const update_range>& ranges,
                  const tensor_view<const double>& norms, const player_inputs* inputs, const tensor_view<T>& g, const tensor_view<T>& p,
                  tensor_view<std::type_identity_t<T>> s0, tensor_view<std::type_identity_t<T>> s1) {
    if (inputs->clip_scale == 0) return kernel::fill<T, Arch>(call.pool, g.size(), T(0), g.data);
    const T scale = static_cast<T>(inputs->clip_scale);
    index_t done = 0;
    const auto zero_until = [&](index_t end) { std::fill(g.data + done, g.data + end, T(0)); };  // padding, between two ranges
    for (index_t r = 0; r < ranges.size(); ++r) {
      const auto c = rule.template prepare<T>(ranges[r], *inputs, norms ? norms(r, 0) : 0.0, norms ? norms(r, 1) : 0.0);
      const index_t offset = ranges[r].offset;
      zero_until(offset);
      done = offset + ranges[r].size;
      call.pool.parallel_for(ranges[r].size, kernel::detail::map_chunk, [&](index_t begin, index_t end) {
        update_run<T>(rule, c, scale, end - begin, g.data + offset + begin, p.data + offset + begin,
                         s0 ? s0.data + offset + begin : nullptr, s1 ? s1.data + offset + begin : nullptr);
      });
    }
    zero_until(g.size());
  }

  template <lane_value T>
  static index_t scratch(op::range_norms_op, int, const tensor_view<const T>& p, const tensor_view<const T>&,
                         const tensor_view<const update_range>&, const tensor_view<double>&) {
    return bytes_of<double>(kernel::sum_of_squares_scratch(p.size()));
  }
  template <lane_value T>
  static void run(op::range_norms_op, const simd_call& call, const tensor_view<const T>& p, const tensor_view<const T>& g,
                  const tensor_view<const update_range>& ranges, const tensor_view<double>& norms) {
    for (index_t r = 0; r < ranges.size(); ++r) {
      const auto norm = [&](const T* x) {
        return std::sqrt(kernel::sum_of_squares<T, Arch>(call.pool, ranges[r].size, x + ranges[r].offset,
                                                         call.scratch<double>()));
      };
      norms(r, 0) = norm(p.data);
      norms(r, 1) = norm(g.data);
    }
  }
  template <lane_value T>
  static index_t scratch(op::sum_squares_op, int, const tensor_view<const T>& x, const tensor_view<double>&) {
    return bytes_of<double>(kernel::sum_of_squares_scratch(x.size()));
  }
  template <lane_value T>
  static void run(op::sum_squares_op, const simd_call& call, const tensor_view<const T>& x, const tensor_view<double>& result) {
    result[0] = kernel::sum_of_squares<T, Arch>(call.pool, x.size(), x.data, call.scratch<double>());
  }
  static void run(op::clip_scale_op, const simd_call&, const tensor_view<const double>& sum_squares, double max_norm,
                  player_inputs* inputs, double* non_finite) {
    const double norm = std::sqrt(sum_squares[0]);
    inputs->gradient_norm = norm;
    if (std::isfinite(norm)) {
      inputs->clip_scale = max_norm > 0 && norm > max_norm ? max_norm / norm : 1.0;
    } else {
      *non_finite = 1;
      inputs->clip_scale = 0;
    }
  }
  template <class R>
  static void run(op::begin_update_op, const simd_call&, const R& rule, player_inputs* inputs) {
    if (inputs->clip_scale == 0) return;
    rule.write_inputs(*inputs, inputs->updates);
    ++inputs->updates;
  }
  template <lane_value T>
  static void run(op::lerp_op, const simd_call& call, const double* momentum, const input<T>& source, const tensor_view<T>& target) {
    if (*momentum == 1) return;
    const T m = static_cast<T>(*momentum);
    kernel::map<T, Arch>(
        call.pool, target.size(), target.data,
        [=](const V<T>& old, const V<T>& v) { return O<T>::fma(O<T>::set(m), old, O<T>::set(T(1) - m) * v); }, target.data,
        source.data);
  }

  static void run(op::hold_momentum_op, const simd_call&, const double* non_finite, double* momentum) {
    if (*non_finite != 0) *momentum = 1;
  }
  template <class T>
  static void run(op::put_back_op, const simd_call&, const double* non_finite, const input<T>& kept, const tensor_view<T>& x) {
    if (*non_finite != 0) std::copy_n(kept.data, x.size(), x.data);
  }
  template <class T>
  static void run(op::enqueue_rows_op, const simd_call&, const input<T>& rows, const step_inputs* inputs, const tensor_view<T>& queue) {
    std::copy_n(rows.data, rows.size(), queue.data + op::place_in_queue(*inputs, rows.rows(), queue.rows()) * rows.columns());
  }
  static void run(op::begin_step_op, const simd_call&, const step_inputs& values, step_inputs* inputs) { op::write_step(values, *inputs); }

  template <class W>
  static index_t scratch(op::for_each_sample_op, int threads, const W& writer, index_t) {
    return threads * bytes_of<float>(round_up(writer.scratch_floats, 16));
  }
  template <class W>
  static void run(op::for_each_sample_op, const simd_call& call, const W& writer, index_t count) {
    const index_t each = round_up(writer.scratch_floats, 16);
    call.pool.parallel_for_worker(count, [&](index_t i, int worker) {
      writer(i, tensor_view<float>{call.scratch<float>() + worker * each, extents(writer.scratch_floats)});
    });
  }

  static void run(op::pair_indices_op, const simd_call&, index_t offset, index_t shift, index_t n,
                  const tensor_view<std::int32_t>& y) {
    for (index_t i = 0; i < y.size(); ++i) y[i] = i < n ? static_cast<std::int32_t>(offset + (i + shift) % n) : -1;
  }
  template <lane_value T>
  static void run(op::scheduled_inverse_op, const simd_call&, double first, double last, const step_inputs* inputs,
                  const tensor_view<T>& y) {
    y[0] = static_cast<T>(1.0 / (first + (last - first) * inputs->progress));
  }

 private:
  /// One run of a range; the tail goes through the same loop on copies padded with ones.
  template <class T, class R, class C>
  static void update_run(const R& rule, const C& given, T scale, index_t n, T* g, T* p, T* s0, T* s1) {
    using M = kernel::simd_math<T, Arch>;
    constexpr index_t W = O<T>::width;
    constexpr int arrays = 2 + R::states;
    const C c = given;  // ours alone: what is stored cannot change it, so it stays in registers
    alignas(64) T buffer[4][W];
    const index_t left = n % W;
    const auto clip = O<T>::set(scale);
    T* to[4] = {g, p, s0, s1};
    index_t end = n - left;
    for (bool tail = false;; tail = true) {
      for (index_t i = 0; i < end; i += W) {
        V<T> weights = O<T>::load(to[1] + i), v0 = O<T>::zero(), v1 = O<T>::zero();
        if constexpr (arrays > 2) v0 = O<T>::load(to[2] + i);
        if constexpr (arrays > 3) v1 = O<T>::load(to[3] + i);
        rule.template apply<M>(c, V<T>(clip * O<T>::load(to[0] + i)), weights, v0, v1);
        O<T>::store(to[0] + i, O<T>::zero());
        O<T>::store(to[1] + i, weights);
        if constexpr (arrays > 2) O<T>::store(to[2] + i, v0);
        if constexpr (arrays > 3) O<T>::store(to[3] + i, v1);
      }
      if (tail || left == 0) break;
      const index_t at = n - left;
      for (int k = 0; k < arrays; ++k) {
        const T* padded = to[k];
        kernel::detail::pad_run<T, Arch>(padded, at, left, true, buffer[k]);
        to[k] = buffer[k];
      }
      end = W;
    }
    if (left == 0) return;
    T* const home[4] = {g, p, s0, s1};
    for (int k = 0; k < arrays; ++k)
      std::memcpy(home[k] + (n - left), buffer[k], static_cast<std::size_t>(left) * sizeof(T));
  }
};

}  // namespace pretext::backend::detail
