// SPDX-License-Identifier: BSD-3-Clause
#pragma once

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
  static void run(op::update_op, const simd_call& call, const R& rule, tensor_view<const update_range> ranges,
                  tensor_view<const double> norms, const player_inputs* inputs, input<T> g, tensor_view<T> p,
                  tensor_view<std::type_identity_t<T>> s0, tensor_view<std::type_identity_t<T>> s1) {
    if (inputs->clip_scale == 0) return;  // a step with a gradient that is not finite changes nothing
    const T scale = static_cast<T>(inputs->clip_scale);
    for (index_t r = 0; r < ranges.size(); ++r) {
      const auto c = rule.template prepare<T>(ranges[r], *inputs, norms ? norms(r, 0) : 0.0, norms ? norms(r, 1) : 0.0);
      const index_t offset = ranges[r].offset;
      call.pool.parallel_for(ranges[r].size, kernel::detail::map_chunk, [&](index_t begin, index_t end) {
        update_run<T>(rule, c, scale, end - begin, g.data + offset + begin, p.data + offset + begin,
                         s0 ? s0.data + offset + begin : nullptr, s1 ? s1.data + offset + begin : nullptr);
      });
    }
  }

  template <lane_value T>
  static index_t scratch(op::range_norms_op, int, const tensor_view<const T>& p, const tensor_view<const T>&,
                         const tensor_view<const update_range>&, const tensor_view<double>&) {
    return bytes_of<double>(kernel::sum_of_squares_scratch(p.size()));
  }
  template <lane_value T>
  static void run(op::range_norms_op, const simd_call& call, tensor_view<const T> p, tensor_view<const T> g,
                  tensor_view<const update_range> ranges, tensor_view<double> norms) {
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
  static void run(op::sum_squares_op, const simd_call& call, tensor_view<const T> x, tensor_view<double> result) {
    result[0] = kernel::sum_of_squares<T, Arch>(call.pool, x.size(), x.data, call.scratch<double>());
  }
  static void run(op::clip_scale_op, const simd_call&, tensor_view<const double> sum_squares, double max_norm,
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
  static void run(op::lerp_op, const simd_call& call, const double* momentum, input<T> source, tensor_view<T> target) {
    const T m = static_cast<T>(*momentum);
    kernel::map<T, Arch>(
        call.pool, target.size(), target.data,
        [=](const V<T>& old, const V<T>& v) { return O<T>::fma(O<T>::set(m), old, O<T>::set(T(1) - m) * v); }, target.data,
        source.data);
  }

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
                  tensor_view<std::int32_t> y) {
    for (index_t i = 0; i < y.size(); ++i) y[i] = i < n ? static_cast<std::int32_t>(offset + (i + shift) % n) : -1;
  }
  template <lane_value T>
  static void run(op::scheduled_inverse_op, const simd_call&, double first, double last, const step_inputs* inputs,
                  tensor_view<T> y) {
    y[0] = static_cast<T>(1.0 / (first + (last - first) * inputs->progress));
  }

 private:
  /// One run of a range; the tail goes through the same code on copies padded with ones.
  template <class T, class R, class C>
  static void update_run(const R& rule, const C& c, T scale, index_t n, const T* g, T* p, T* s0, T* s1) {
    using M = kernel::simd_math<T, Arch>;
    constexpr index_t W = O<T>::width;
    T* const to[3] = {p, s0, s1};
    for (index_t i = 0; i < n; i += W) {
      const index_t lanes = n - i < W ? n - i : W;
      V<T> value[3];
      for (int k = 0; k < 3; ++k) value[k] = to[k] ? O<T>::load_some(to[k] + i, lanes, T(1)) : O<T>::zero();
      rule.template apply<M>(c, V<T>(O<T>::set(scale) * O<T>::load_some(g + i, lanes, T(1))), value[0], value[1], value[2]);
      for (int k = 0; k < 3; ++k)
        if (to[k]) O<T>::store_some(to[k] + i, value[k], lanes);
    }
  }
};

}  // namespace pretext::backend::detail
