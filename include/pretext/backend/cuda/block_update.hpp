// SPDX-License-Identifier: BSD-3-Clause
// opt-in: ops of the CUDA back end
#pragma once

#include "block_call.hpp"
#include "list_kernel.hpp"
#include "total_kernel.hpp"
#include "update_kernel.hpp"

namespace pretext::backend::detail {

/// `inputs`, momenta and flags are addresses in the memory of the back end: nothing here looks at what stands there.
template <class Executor>
struct block_update {
  using call_type = block_call<Executor>;

  template <class R, class G, class T>
  static void run(op::update_op, const call_type& call, const R& rule, const tensor_view<const update_range>& ranges,
                  const tensor_view<const double>& norms, const player_inputs* inputs, const tensor_view<G>& g, const tensor_view<T>& p,
                  const tensor_view<std::type_identity_t<T>>& s0, const tensor_view<std::type_identity_t<T>>& s1) {
    using kernel = blocks::update_kernel<R, T, G>;
    const bool packs = blocks::in_packs(index_t{0}, static_cast<const T*>(g.data), as_const(p).data, as_const(s0).data, as_const(s1).data);
    call.launch(kernel{rule, ranges.data, ranges.size(), norms.data, inputs, g.data, p.data, s0.data, s1.data, p.size(), packs},
                ceil_div(p.size(), kernel::each));
  }
  template <class T>
  static void run(op::range_norms_op, const call_type& call, const tensor_view<const T>& p, const tensor_view<const T>& g,
                  const tensor_view<const update_range>& ranges, const tensor_view<double>& norms) {
    call.launch(blocks::range_norms_kernel<T>{p.data, g.data, ranges.data, norms.data}, ranges.size());
  }
  template <class T>
  static index_t scratch(op::sum_squares_op, const tensor_view<const T>& x, const tensor_view<double>&) {
    return device_bytes<double>(blocks::total_parts(x.size()));
  }
  template <class T>
  static void run(op::sum_squares_op, const call_type& call, const tensor_view<const T>& x, const tensor_view<double>& result) {
    blocks::total<double>(call, blocks::square_term<T>{x.data}, blocks::store_total<double>{result.data, 1.0}, x.size(),
                          call.template scratch<double>());
  }
  static void run(op::clip_scale_op, const call_type& call, const tensor_view<const double>& sum_squares, double max_norm, player_inputs* inputs,
                  double* non_finite) {
    once(call, blocks::clip_scale_body{sum_squares.data, max_norm, inputs, non_finite});
  }
  template <class R>
  static void run(op::begin_update_op, const call_type& call, const R& rule, player_inputs* inputs) {
    once(call, blocks::begin_update_body<R>{rule, inputs});
  }
  template <class T>
  static void run(op::scheduled_inverse_op, const call_type& call, double first, double last, const step_inputs* inputs, const tensor_view<T>& y) {
    once(call, blocks::scheduled_inverse_body<T>{first, last, inputs, y.data});
  }
  static void run(op::hold_momentum_op, const call_type& call, const double* non_finite, double* momentum) {
    once(call, blocks::hold_momentum_body{non_finite, momentum});
  }
  template <class T>
  static void run(op::put_back_op, const call_type& call, const double* non_finite, const device_input<T>& kept, const tensor_view<T>& x) {
    call.launch(blocks::put_back_kernel<T>{non_finite, kept.data, x.data, x.size()}, ceil_div(x.size(), blocks::put_back_kernel<T>::each));
  }
  template <class T>
  static void run(op::enqueue_rows_op, const call_type& call, const device_input<T>& rows, const step_inputs* inputs, const tensor_view<T>& queue) {
    blocks::for_each_element(call, blocks::enqueue_body<T>{rows.data, inputs, queue.data, rows.rows(), queue.rows(), rows.columns()}, rows.rows(),
                             rows.columns());
  }
  static void run(op::begin_step_op, const call_type& call, const step_inputs& values, step_inputs* inputs) {
    once(call, blocks::begin_step_body{values, inputs});
  }
  static void run(op::pair_indices_op, const call_type& call, index_t offset, index_t shift, index_t n, const tensor_view<std::int32_t>& y) {
    blocks::for_each_element(call, blocks::pair_indices_body{offset, shift, n, y.data}, y.size(), 1);
  }

 private:
  template <class Body>
  static void once(const call_type& call, const Body& body) {
    call.launch(blocks::single_kernel<Body>{body}, 1);
  }
};

}  // namespace pretext::backend::detail
