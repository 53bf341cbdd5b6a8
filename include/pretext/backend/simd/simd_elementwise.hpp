// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>

#include "../ops/elementwise.hpp"
#include "../ops/rows.hpp"
#include "../reference/matrix.hpp"
#include "elementwise.hpp"
#include "philox.hpp"
#include "simd_call.hpp"
#include "simd_math.hpp"

namespace pretext::backend::detail {

template <class Arch>
struct simd_elementwise {
  template <class T>
  using O = kernel::vector_ops<T, Arch>;
  template <class T>
  using V = kernel::vec<T, Arch>;

  template <class F, stored_value S, class T = master_t<S>>
  static void run(op::map_op, const simd_call& call, const F&, const input<S>& x, const tensor_view<S>& y) {
    using M = kernel::simd_math<T, Arch>;
    kernel::map<T, Arch>(call.pool, y.size(), y.data, [](const V<T>& v) { return V<T>(F::template value<M>(v)); }, x.data);
  }
  template <class F, stored_value S, class T = master_t<S>>
  static void run(op::map_backward_op, const simd_call& call, const F&, const input<S>& x, const input<S>& dy, const tensor_view<S>& dx) {
    using M = kernel::simd_math<T, Arch>;
    kernel::map<T, Arch>(
        call.pool, dx.size(), dx.data, [](const V<T>& v, const V<T>& d) { return V<T>(op::gradient_of<F, M>(v, d)); }, x.data,
        dy.data);
  }
  template <stored_value S>
  static void run(op::add_op, const simd_call& call, const input<S>& x, const tensor_view<S>& y) {
    kernel::add<master_t<S>, Arch>(call.pool, y.size(), x.data, y.data);
  }
  template <class F, stored_value S, class T = master_t<S>>
  static void run(op::add_map_op, const simd_call& call, const F&, input<S> x, tensor_view<S> y) {
    using M = kernel::simd_math<T, Arch>;
    kernel::map<T, Arch>(
        call.pool, y.size(), y.data, [](const V<T>& a, const V<T>& b) { return V<T>(F::template value<M>(a + b)); }, x.data, y.data);
  }
  template <class T>
  static void run(op::copy_op, const simd_call& call, const input<T>& x, const tensor_view<T>& y) {
    kernel::copy<T, Arch>(call.pool, y.size(), x.data, y.data);
  }
  template <class X, class Y>
    requires(!std::is_same_v<std::remove_const_t<X>, Y> && lane_value<master_t<Y>> && stored_in<X, master_t<Y>>)
  static void run(op::copy_op, const simd_call& call, const tensor_view<X>& x, const tensor_view<Y>& y) {
    kernel::convert<master_t<Y>, Arch>(call.pool, y.size(), x.data, y.data);
  }
  template <stored_value S>
  static void run(op::fill_op, const simd_call& call, master_t<S> value, const tensor_view<S>& y) {
    kernel::fill<master_t<S>, Arch>(call.pool, y.size(), value, y.data);
  }
  template <stored_value S>
  static void run(op::scale_op, const simd_call& call, master_t<S> factor, const tensor_view<S>& x) {
    kernel::scale<master_t<S>, Arch>(call.pool, x.size(), factor, x.data, x.data);
  }
  template <stored_value S, class T = master_t<S>>
  static void run(op::shift_op, const simd_call& call, std::type_identity_t<T> value, const tensor_view<S>& x) {
    kernel::map<T, Arch>(call.pool, x.size(), x.data, [=](const V<T>& v) { return v + O<T>::set(value); }, x.data);
  }
  template <lane_value T>
  static void run(op::add_scaled_op, const simd_call& call, const input<T>& x, std::type_identity_t<T> factor, const tensor_view<T>& y) {
    kernel::axpy<T, Arch>(call.pool, y.size(), factor, x.data, y.data);
  }
  template <lane_value T>
  static void run(op::add_scaled_squares_op, const simd_call& call, const input<T>& x, std::type_identity_t<T> factor,
                  const tensor_view<T>& y) {
    kernel::map<T, Arch>(
        call.pool, y.size(), y.data,
        [=](const V<T>& a, const V<T>& b) { return O<T>::fma(O<T>::set(factor) * b, b, a); }, y.data, x.data);
  }

  /// Words come from integer arithmetic alone, so the decisions are those of every other back end.
  template <stored_value S, class T = master_t<S>>
  static void run(op::dropout_op, const simd_call& call, const moving_key& moving, double rate, index_t first, const input<S>& x,
                  const tensor_view<S>& y) {
    const rng::key key = moving.now();
    const T keep = rate < 1 ? static_cast<T>(1 / (1 - rate)) : T{};
    const std::uint64_t least = kernel::least_kept(rate);
    constexpr index_t run_length = 256, W = kernel::lanes<T, Arch>;
    call.pool.parallel_for(ceil_div(y.size(), run_length), 16, [&](index_t from_run, index_t to_run) {
      using O = kernel::vector_ops<T, Arch>;
      std::uint32_t memory[kernel::draw_room<Arch>(run_length)];
      for (index_t part = from_run; part < to_run; ++part) {
        const index_t begin = part * run_length, n = y.size() - begin < run_length ? y.size() - begin : run_length;
        const std::uint32_t* const words = kernel::draw_words<Arch>(key, first + begin, n, memory);
        const S* const from = x.data + begin;
        S* const to = y.data + begin;
        for (index_t i = 0; i < n; i += W) {
          const index_t some = n - i < W ? n - i : W;
          O::store_some(to + i, kernel::keep_lanes<T, Arch>(O::load_some(from + i, some) * O::set(keep), words + i, least), some);
        }
      }
    });
  }
};

}  // namespace pretext::backend::detail
