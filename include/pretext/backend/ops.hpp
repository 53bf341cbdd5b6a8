// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "ops/attention.hpp"
#include "ops/contrastive.hpp"
#include "ops/convolution.hpp"
#include "ops/elementwise.hpp"
#include "ops/matrix.hpp"
#include "ops/norm.hpp"
#include "ops/recurrent.hpp"
#include "ops/rounded.hpp"
#include "ops/rows.hpp"
#include "ops/sequence.hpp"
#include "ops/update.hpp"
#include "ops/views.hpp"
#include "ops/vocabulary.hpp"

namespace pretext::op {

template <class Op>
struct listed {};

/// Whether an op is in a list is whether the list has its `listed` for a base: one question and not one for every op there is.
template <class... Ops>
struct list : listed<Ops>... {
  static constexpr int size = static_cast<int>(sizeof...(Ops));
  template <class Op>
  static constexpr bool contains = std::is_base_of_v<listed<Op>, list>;
};

/// Every op of the contract, in the order reports use.
using all = list<matmul_op, linear_op, linear_map_op, column_sums_op, transpose_inner_op, copy_columns_op, conv2d_op, conv2d_map_op, conv2d_moments_op,
                 conv2d_input_gradient_op, conv2d_weight_gradient_op, max_pool2d_op, max_pool2d_backward_op,
                 avg_pool2d_op, avg_pool2d_backward_op, spatial_mean_op, spatial_mean_backward_op, map_op,
                 map_backward_op, add_op, add_map_op, copy_op, fill_op, scale_op, shift_op, dropout_op, column_moments_op,
                 rstd_of_moments_op, update_running_moments_op, normalize_columns_op, batch_norm_sums_op,
                 batch_norm_input_gradient_op, scale_columns_op, normalize_columns_map_op, batch_norm_map_sums_op,
                 batch_norm_map_input_gradient_op, layer_norm_op, layer_norm_input_gradient_op,
                 layer_norm_parameter_gradient_op, row_normalize_op, row_normalize_backward_op, gather_rows_op,
                 scatter_add_rows_op, aggregate_neighbours_op, aggregate_neighbours_backward_op, sample_mean_op,
                 sample_mean_backward_op, softmax_cross_entropy_op, row_dot_op, add_scaled_rows_op, sum_op,
                 add_scaled_op, add_scaled_squares_op, embedding_std_op, contrastive_forward_op, contrastive_gradient_op, positive_forward_op,
                 positive_gradient_op, pair_indices_op, scheduled_inverse_op, update_op,
                 range_norms_op, sum_squares_op, clip_scale_op, begin_update_op, lerp_op, hold_momentum_op, put_back_op, enqueue_rows_op, begin_step_op,
                 for_each_sample_op, attention_op, attention_gradient_op, add_gathered_rows_op, add_positions_op, add_positions_gradient_op,
                 sinusoidal_positions_op, rotate_positions_op, count_slots_op, vocabulary_loss_op, recurrent_op, recurrent_gradient_op,
                 previous_outputs_op>;

}  // namespace pretext::op
