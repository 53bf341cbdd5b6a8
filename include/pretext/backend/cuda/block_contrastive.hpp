// SPDX-License-Identifier: BSD-3-Clause
// opt-in: ops of the CUDA back end
#pragma once

#include "block_call.hpp"
#include "contrastive_kernel.hpp"
#include "list_kernel.hpp"
#include "row_kernel.hpp"

namespace pretext::backend::detail {

template <class Executor>
struct block_contrastive {
  using call_type = block_call<Executor>;
  using ids_view = tensor_view<const std::int32_t>;
  template <class T>
  using in = device_input<T>;

  template <class P, class T>
  static index_t scratch(op::contrastive_forward_op, const P&, const in<T>& rows, const in<T>& columns, const ids_view&, const op::pair_mask&,
                         const in<T>&, const tensor_view<T>&, const tensor_view<T>&) {
    return norm_bytes<P, T>(rows.rows(), columns.rows()) +
           device_bytes<blocks::log_sum<T>>(blocks::pair_grid<T>::part_rows(rows.rows(), columns.rows()));
  }
  template <class P, class T>
  static void run(op::contrastive_forward_op, const call_type& call, const P& pair, const in<T>& rows, const in<T>& columns,
                  const ids_view& positives, const op::pair_mask& mask, const in<T>& inverse_temperature, const tensor_view<T>& lse,
                  const tensor_view<T>& positive_scores) {
    if (rows.rows() == 0) return;
    const auto grid = blocks::pair_grid<T>::over(rows.rows(), columns.rows(), rows.columns());
    auto* parts = reinterpret_cast<blocks::log_sum<T>*>(call.template scratch<std::byte>() + norm_bytes<P, T>(rows.rows(), columns.rows()));
    call.launch(blocks::contrastive_forward_kernel<P, T>{scores(call, pair, rows, columns, mask, inverse_temperature), grid, positives.data,
                                                         positive_scores.data, lse.data, grid.runs > 1 ? parts : nullptr},
                grid.blocks());
    if (grid.runs > 1) blocks::for_each_element(call, blocks::join_log_sums_body<T>{parts, lse.data, grid.rows, grid.runs}, grid.rows, 1);
  }

  template <class P, class T>
  static index_t scratch(op::contrastive_gradient_op, const P&, const in<T>& rows, const in<T>& columns, const ids_view&, const ids_view&,
                         const op::pair_mask&, const in<T>&, const in<T>&, const in<T>&, std::type_identity_t<T>, const tensor_view<T>&,
                         const tensor_view<std::type_identity_t<T>>&) {
    const index_t parts = blocks::pair_grid<T>::part_rows(rows.rows(), columns.rows());
    return norm_bytes<P, T>(rows.rows(), columns.rows()) + device_bytes<T>(parts * rows.columns()) + device_bytes<T>(parts);
  }
  template <class P, class T>
  static void run(op::contrastive_gradient_op, const call_type& call, const P& pair, const in<T>& rows, const in<T>& columns,
                  const ids_view& row_positives, const ids_view& column_positives, const op::pair_mask& mask, const in<T>& inverse_temperature,
                  const in<T>& row_lse, const in<T>& column_lse, std::type_identity_t<T> weight, const tensor_view<T>& d_rows,
                  const tensor_view<std::type_identity_t<T>>& expected) {
    const index_t width = rows.columns();
    if (rows.rows() == 0 || width == 0) return;
    using kernel = blocks::contrastive_gradient_kernel<P, T>;
    const auto grid = blocks::pair_grid<T>::over(rows.rows(), columns.rows(), width);
    std::byte* at = call.template scratch<std::byte>() + norm_bytes<P, T>(rows.rows(), columns.rows());
    T* d_parts = reinterpret_cast<T*>(at);
    T* expected_parts = reinterpret_cast<T*>(at + device_bytes<T>(blocks::pair_grid<T>::part_rows(rows.rows(), columns.rows()) * width));
    const auto slices = static_cast<std::uint32_t>(ceil_div(width, index_t{kernel::slice}));
    call.launch(kernel{scores(call, pair, rows, columns, mask, inverse_temperature), grid, slices, row_positives.data, column_positives.data,
                       row_lse.data, column_lse.data, weight, d_rows.data, expected.data, grid.runs > 1 ? d_parts : nullptr, expected_parts},
                grid.blocks() * slices);
    if (grid.runs == 1) return;
    blocks::for_each_element(
        call, blocks::join_gradients_body<T>{d_parts, inverse_temperature.data, weight, d_rows.data, grid.rows, width, grid.runs}, grid.rows, width);
    if (expected) blocks::for_each_element(call, blocks::join_expected_body<T>{expected_parts, expected.data, grid.rows, grid.runs}, grid.rows, 1);
  }

  template <class P, class T>
  static void run(op::positive_forward_op, const call_type& call, const P& pair, const in<T>& rows, const in<T>& others,
                  const in<T>& inverse_temperature, bool count_it, const tensor_view<T>& lse, const tensor_view<T>& scores) {
    positive(call, blocks::positive_kernel<P, T>{pair, rows.data, others.data, inverse_temperature.data, count_it, false, lse.data, scores.data,
                                                 nullptr, T(0), nullptr, nullptr, rows.rows(), rows.columns()});
  }
  template <class P, class T>
  static void run(op::positive_gradient_op, const call_type& call, const P& pair, const in<T>& rows, const in<T>& others,
                  const in<T>& inverse_temperature, bool count_it, const in<T>& lse, std::type_identity_t<T> weight, const tensor_view<T>& d_rows,
                  const tensor_view<std::type_identity_t<T>>& expected) {
    positive(call, blocks::positive_kernel<P, T>{pair, rows.data, others.data, inverse_temperature.data, count_it, true, nullptr, nullptr, lse.data,
                                                 weight, d_rows.data, expected.data, rows.rows(), rows.columns()});
  }

 private:
  template <class P>
  static constexpr bool uses_norms() {
    if constexpr (requires { P::uses_norms; })
      return P::uses_norms;
    else
      return true;
  }
  template <class P, class T>
  static index_t norm_bytes(index_t rows, index_t columns) {
    return uses_norms<P>() ? device_bytes<T>(rows) + device_bytes<T>(columns) : 0;
  }
  template <class P, class T>
  static blocks::pair_scores<P, T> scores(const call_type& call, const P& pair, const tensor_view<const T>& rows, const tensor_view<const T>& columns,
                                          const op::pair_mask& mask, const tensor_view<const T>& inverse_temperature) {
    blocks::pair_scores<P, T> of{pair, mask, rows.data, columns.data, nullptr, nullptr, inverse_temperature.data};
    if constexpr (uses_norms<P>()) {
      T* row_norms = call.template scratch<T>();
      T* column_norms = reinterpret_cast<T*>(call.template scratch<std::byte>() + device_bytes<T>(rows.rows()));
      squares(call, rows, row_norms);
      squares(call, columns, column_norms);
      of.row_norms = row_norms;
      of.column_norms = column_norms;
    }
    return of;
  }
  template <class T>
  static void squares(const call_type& call, const tensor_view<const T>& x, T* to) {
    blocks::launch_rows(call, blocks::row_dot_kernel<T>{x.data, x.data, to, x.rows(), x.columns()});
  }
  template <class Kernel>
  static void positive(const call_type& call, const Kernel& kernel) {
    call.launch(kernel, ceil_div(kernel.count, index_t{blocks::rows_a_block}));
  }
};

}  // namespace pretext::backend::detail
