// SPDX-License-Identifier: BSD-3-Clause
// opt-in: ops of the CUDA back end
#pragma once

#include "block_call.hpp"
#include "contrastive_mma_kernel.hpp"
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
           device_bytes<blocks::log_sum<T>>(grid_of<T>::part_rows(rows.rows(), columns.rows()));
  }
  template <class P, class T>
  static void run(op::contrastive_forward_op, const call_type& call, const P& pair, const in<T>& rows, const in<T>& columns,
                  const ids_view& positives, const op::pair_mask& mask, const in<T>& inverse_temperature, const tensor_view<T>& lse,
                  const tensor_view<T>& positive_scores) {
    if (rows.rows() == 0) return;
    const auto grid = grid_of<T>::over(rows.rows(), columns.rows(), rows.columns());
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
    const index_t parts = grid_of<T>::part_rows(rows.rows(), columns.rows());
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
    const auto grid = grid_of<T>::over(rows.rows(), columns.rows(), width);
    std::byte* at = call.template scratch<std::byte>() + norm_bytes<P, T>(rows.rows(), columns.rows());
    T* d_parts = reinterpret_cast<T*>(at);
    T* expected_parts = reinterpret_cast<T*>(at + device_bytes<T>(grid_of<T>::part_rows(rows.rows(), columns.rows()) * width));
    const auto slices = static_cast<std::uint32_t>(ceil_div(width, index_t{kernel::slice}));
    call.launch(kernel{scores(call, pair, rows, columns, mask, inverse_temperature), grid, slices, row_positives.data, column_positives.data,
                       row_lse.data, column_lse.data, weight, d_rows.data, expected.data, grid.runs > 1 ? d_parts : nullptr, expected_parts},
                grid.blocks() * slices);
    join(call, grid, d_parts, expected_parts, inverse_temperature, weight, d_rows, expected);
  }

  // The same where a precision lets products of float be multiplied as bfloat16: on the tensor cores.
  template <class R, class P>
    requires R::multiplies_bfloat16
  static index_t scratch(op::rounded<op::contrastive_forward_op, R>, const P&, const in<float>& rows, const in<float>& columns, const ids_view&,
                         const op::pair_mask&, const in<float>&, const tensor_view<float>&, const tensor_view<float>&) {
    return norm_bytes<P, float>(rows.rows(), columns.rows()) + rounded_bytes(rows) + rounded_bytes(columns) +
           device_bytes<blocks::log_sum<float>>(mma_grid::part_rows(rows.rows(), columns.rows()));
  }
  template <class R, class P>
    requires R::multiplies_bfloat16
  static void run(op::rounded<op::contrastive_forward_op, R>, const call_type& call, const P& pair, const in<float>& rows, const in<float>& columns,
                  const ids_view& positives, const op::pair_mask& mask, const in<float>& inverse_temperature, const tensor_view<float>& lse,
                  const tensor_view<float>& positive_scores) {
    if (rows.rows() == 0) return;
    const auto grid = mma_grid::over(rows.rows(), columns.rows(), rows.columns());
    const rounded_operands<P> made = rounded(call, pair, rows, columns, mask, inverse_temperature);
    auto* parts = reinterpret_cast<blocks::log_sum<float>*>(made.behind);
    call.launch(blocks::contrastive_mma_forward_kernel<P>{made.of, made.rows, made.columns, grid, positives.data, lse.data,
                                                          grid.runs > 1 ? parts : nullptr},
                grid.blocks());
    if (grid.runs > 1) blocks::for_each_element(call, blocks::join_log_sums_body<float>{parts, lse.data, grid.rows, grid.runs}, grid.rows, 1);
    blocks::launch_rows(call, blocks::positive_scores_kernel<P>{pair, rows.data, columns.data, inverse_temperature.data, positives.data,
                                                                positive_scores.data, rows.rows(), columns.rows(), rows.columns()});
  }

  template <class R, class P>
    requires R::multiplies_bfloat16
  static index_t scratch(op::rounded<op::contrastive_gradient_op, R>, const P&, const in<float>& rows, const in<float>& columns, const ids_view&,
                         const ids_view&, const op::pair_mask&, const in<float>&, const in<float>&, const in<float>&, float,
                         const tensor_view<float>&, const tensor_view<float>&) {
    const index_t parts = mma_grid::part_rows(rows.rows(), columns.rows());
    return norm_bytes<P, float>(rows.rows(), columns.rows()) + rounded_bytes(rows) + rounded_bytes(columns) +
           device_bytes<float>(parts * rows.columns()) + device_bytes<float>(parts);
  }
  template <class R, class P>
    requires R::multiplies_bfloat16
  static void run(op::rounded<op::contrastive_gradient_op, R>, const call_type& call, const P& pair, const in<float>& rows, const in<float>& columns,
                  const ids_view& row_positives, const ids_view& column_positives, const op::pair_mask& mask, const in<float>& inverse_temperature,
                  const in<float>& row_lse, const in<float>& column_lse, float weight, const tensor_view<float>& d_rows,
                  const tensor_view<float>& expected) {
    const index_t width = rows.columns();
    if (rows.rows() == 0 || width == 0) return;
    using kernel = blocks::contrastive_mma_gradient_kernel<P>;
    const auto grid = mma_grid::over(rows.rows(), columns.rows(), width);
    const rounded_operands<P> made = rounded(call, pair, rows, columns, mask, inverse_temperature);
    float* d_parts = reinterpret_cast<float*>(made.behind);
    float* expected_parts = reinterpret_cast<float*>(made.behind + device_bytes<float>(mma_grid::part_rows(rows.rows(), columns.rows()) * width));
    const auto slices = static_cast<std::uint32_t>(ceil_div(width, index_t{kernel::slice}));
    call.launch(kernel{made.of, made.rows, made.columns, grid, slices, row_positives.data, column_positives.data, row_lse.data, column_lse.data,
                       weight, d_rows.data, expected.data, grid.runs > 1 ? d_parts : nullptr, expected_parts},
                grid.blocks() * slices);
    join(call, grid, d_parts, expected_parts, inverse_temperature, weight, d_rows, expected);
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
  using mma_grid = blocks::pair_grid<blocks::mma_tile>;
  template <class T>
  using grid_of = blocks::pair_grid<blocks::score_tile<T>>;
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
  template <class P>
  struct rounded_operands {
    blocks::pair_scores<P, float> of;
    blocks::rounded_rows rows, columns;
    std::byte* behind;
  };
  static index_t rounded_bytes(const tensor_view<const float>& x) {
    return device_bytes<std::uint32_t>(x.rows() * blocks::rounded_rows::words_for(x.columns()));
  }
  /// Both sides as bfloat16 at the beginning of the scratch; once where they are the same rows.
  template <class P>
  static rounded_operands<P> rounded(const call_type& call, const P& pair, const tensor_view<const float>& rows, const tensor_view<const float>& columns,
                                     const op::pair_mask& mask, const tensor_view<const float>& inverse_temperature) {
    std::byte* at = call.template scratch<std::byte>();
    const auto take = [&](index_t bytes) {
      std::byte* const taken = at;
      at += bytes;
      return taken;
    };
    const int words = blocks::rounded_rows::words_for(rows.columns());
    const auto copy = [&](const tensor_view<const float>& x, std::uint32_t* to) {
      blocks::for_each_element(call, blocks::round_rows_body{x.data, to, x.columns(), words}, x.rows(), words);
      return blocks::rounded_rows{to, x.rows(), words};
    };
    auto* const for_rows = reinterpret_cast<std::uint32_t*>(take(rounded_bytes(rows)));
    auto* const for_columns = reinterpret_cast<std::uint32_t*>(take(rounded_bytes(columns)));
    rounded_operands<P> made{{pair, mask, rows.data, columns.data, nullptr, nullptr, inverse_temperature.data}, copy(rows, for_rows), {}, nullptr};
    const bool same = rows.data == columns.data && rows.rows() == columns.rows();
    made.columns = same ? made.rows : copy(columns, for_columns);
    if constexpr (uses_norms<P>()) {
      const auto norms = [&](const blocks::rounded_rows& of) {
        float* const to = reinterpret_cast<float*>(take(device_bytes<float>(of.count)));
        blocks::launch_rows(call, blocks::rounded_norms_kernel{of, to, of.count});
        return to;
      };
      made.of.row_norms = norms(made.rows);
      made.of.column_norms = norms(made.columns);
    }
    made.behind = at;
    return made;
  }
  /// Adds the runs, where there are several.
  template <class Grid, class T>
  static void join(const call_type& call, const Grid& grid, const T* d_parts, const T* expected_parts, const tensor_view<const T>& inverse_temperature,
                   T weight, const tensor_view<T>& d_rows, const tensor_view<T>& expected) {
    if (grid.runs == 1) return;
    blocks::for_each_element(
        call, blocks::join_gradients_body<T>{d_parts, inverse_temperature.data, weight, d_rows.data, grid.rows, grid.width, grid.runs}, grid.rows,
        grid.width);
    if (expected) blocks::for_each_element(call, blocks::join_expected_body<T>{expected_parts, expected.data, grid.rows, grid.runs}, grid.rows, 1);
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
