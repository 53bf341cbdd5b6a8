// SPDX-License-Identifier: BSD-3-Clause
// opt-in: ops of the CUDA back end
#pragma once

#include "block_call.hpp"
#include "column_sums.hpp"
#include "list_kernel.hpp"
#include "row_kernel.hpp"
#include "total_kernel.hpp"

namespace pretext::backend::blocks {

/// The standard deviation of a column of unit rows, from its moments.
template <class T>
struct store_deviation {
  T* to;
  T rows;
  PRETEXT_DEVICE void operator()(index_t, index_t column, const moments<T>& a) const { to[column] = scalar_math::sqrt(T(a.m2 / rows)); }
};

}  // namespace pretext::backend::blocks

namespace pretext::backend::detail {

template <class Executor>
struct block_rows {
  using call_type = block_call<Executor>;
  using ids_view = tensor_view<const std::int32_t>;
  template <class T>
  using in = device_input<T>;

  template <class T>
  static void run(op::gather_rows_op, const call_type& call, const in<T>& table, const ids_view& ids, const tensor_view<T>& y) {
    blocks::for_each_element(call, blocks::gather_body<T>{table.data, ids.data, y.data, table.columns(), table.rows()}, ids.size(), table.columns());
  }
  template <class T>
  static void run(op::scatter_add_rows_op, const call_type& call, const in<T>& dy, const ids_view& ids, const tensor_view<T>& dtable) {
    call.launch(blocks::scatter_kernel<T>{dy.data, ids.data, dtable.data, ids.size(), dy.columns(), dtable.rows()}, ids.size());
  }
  template <class T>
  static void run(op::aggregate_neighbours_op, const call_type& call, const in<T>& x, const extent& s, bool mean, const tensor_view<T>& y) {
    blocks::for_each_element(call, blocks::aggregate_body<T>{x.data, {s, mean}, y.data, x.columns()}, s.nodes, x.columns());
  }
  template <class T>
  static void run(op::aggregate_neighbours_backward_op, const call_type& call, const in<T>& dy, const extent& s, bool mean,
                  const tensor_view<T>& dx) {
    blocks::for_each_element(call, blocks::aggregate_backward_body<T>{dy.data, {s, mean}, dx.data, dy.columns()}, s.nodes, dy.columns());
  }
  template <class T>
  static void run(op::sample_mean_op, const call_type& call, const in<T>& x, const extent& s, const tensor_view<T>& y) {
    blocks::for_each_element(call, blocks::sample_mean_body<T>{x.data, {s, x.rows()}, y.data, x.columns()}, y.rows(), x.columns());
  }
  template <class T>
  static void run(op::sample_mean_backward_op, const call_type& call, const in<T>& dy, const extent& s, const tensor_view<T>& dx) {
    blocks::for_each_element(call, blocks::sample_mean_backward_body<T>{dy.data, {s, dx.rows()}, dx.data, dx.columns()}, dx.rows(), dx.columns());
  }
  template <class T>
  static void run(op::softmax_cross_entropy_op, const call_type& call, const in<T>& logits, const ids_view& labels, const tensor_view<T>& losses,
                  const tensor_view<std::type_identity_t<T>>& dlogits) {
    blocks::launch_rows(call, blocks::cross_entropy_kernel<T>{logits.data, labels.data, losses.data, dlogits.data, logits.rows(), logits.columns()});
  }
  template <class T>
  static void run(op::row_dot_op, const call_type& call, const in<T>& a, const in<T>& b, const tensor_view<T>& y) {
    blocks::launch_rows(call, blocks::row_dot_kernel<T>{a.data, b.data, y.data, a.rows(), a.columns()});
  }
  template <class T>
  static void run(op::add_scaled_rows_op, const call_type& call, const in<T>& weights, const in<T>& x, const tensor_view<T>& y) {
    blocks::for_each_element(call, blocks::add_scaled_rows_body<T>{weights.data, x.data, y.data, x.columns()}, x.rows(), x.columns());
  }
  template <class T>
  static index_t scratch(op::sum_op, const in<T>& x, const tensor_view<T>&) {
    return device_bytes<T>(blocks::total_parts(x.size()));
  }
  template <class T>
  static void run(op::sum_op, const call_type& call, const in<T>& x, const tensor_view<T>& y) {
    blocks::total<T>(call, blocks::element_term<T, T>{x.data}, blocks::store_total<T>{y.data, T(1)}, x.size(), call.template scratch<T>());
  }
  // Unit rows, their norms, the deviations of their columns, and the parts of the reductions behind them.
  template <class T>
  static index_t scratch(op::embedding_std_op, const in<T>& z, const tensor_view<T>&) {
    return device_bytes<T>(z.size()) + device_bytes<T>(z.rows()) + device_bytes<T>(z.columns()) +
           device_bytes<blocks::moments<T>>(blocks::reduce_parts<T>(1, z.rows(), z.columns())) + device_bytes<T>(blocks::total_parts(z.columns()));
  }
  template <class T>
  static void run(op::embedding_std_op, const call_type& call, const in<T>& z, const tensor_view<T>& y) {
    std::byte* at = call.template scratch<std::byte>();
    const auto next = [&]<class U>(index_t n, U*) {
      U* piece = reinterpret_cast<U*>(at);
      at += device_bytes<U>(n);
      return piece;
    };
    constexpr T* number = nullptr;
    constexpr blocks::moments<T>* of_moments = nullptr;
    T *unit = next(z.size(), number), *norms = next(z.rows(), number), *deviations = next(z.columns(), number);
    auto* parts = next(blocks::reduce_parts<T>(1, z.rows(), z.columns()), of_moments);
    T* totals = next(blocks::total_parts(z.columns()), number);
    blocks::launch_rows(call, blocks::row_normalize_kernel<T>{z.data, std::numeric_limits<T>::min(), unit, norms, z.rows(), z.columns()});
    blocks::reduce_columns(call, blocks::moments_source<T>{unit, z.columns()}, blocks::merge_moments{},
                           blocks::store_deviation<T>{deviations, static_cast<T>(z.rows())}, 1, z.rows(), z.columns(),
                           blocks::in_packs(z.columns(), static_cast<const T*>(unit)), blocks::moments<T>{}, parts);
    blocks::total<T>(call, blocks::element_term<T, T>{deviations}, blocks::store_total<T>{y.data, T(1) / static_cast<T>(z.columns())}, z.columns(),
                     totals);
  }
};

}  // namespace pretext::backend::detail
