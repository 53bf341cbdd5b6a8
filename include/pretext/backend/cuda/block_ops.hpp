// SPDX-License-Identifier: BSD-3-Clause
// opt-in: ops of the CUDA back end
#pragma once

#include "block_contrastive.hpp"
#include "block_elementwise.hpp"
#include "block_matrix.hpp"
#include "block_norm.hpp"
#include "block_rows.hpp"
#include "block_samples.hpp"
#include "block_update.hpp"

namespace pretext::backend::detail {

/// All ops that are kernels of blocks, for an executor.
template <class Executor>
struct block_kernels : block_matrix<Executor>,
                       block_convolution<Executor>,
                       block_elementwise<Executor>,
                       block_norm<Executor>,
                       block_rows<Executor>,
                       block_contrastive<Executor>,
                       block_update<Executor>,
                       block_samples<Executor> {
  using block_matrix<Executor>::run;
  using block_convolution<Executor>::run;
  using block_elementwise<Executor>::run;
  using block_norm<Executor>::run;
  using block_rows<Executor>::run;
  using block_contrastive<Executor>::run;
  using block_update<Executor>::run;
  using block_samples<Executor>::run;
  using block_matrix<Executor>::scratch;
  using block_convolution<Executor>::scratch;
  using block_norm<Executor>::scratch;
  using block_rows<Executor>::scratch;
  using block_contrastive<Executor>::scratch;
  using block_update<Executor>::scratch;
  using block_samples<Executor>::scratch;

  template <class X, class W, class B, class Y, class M>
  static index_t scratch(op::conv2d_moments_op, const X&, const W&, const B&, const Y& y, const M& mean, const M& m2, const conv2d_geometry&) {
    return scratch(op::column_moments, as_const(y), mean, m2);
  }
  template <class X, class W, class B, class Y, class M>
  static void run(op::conv2d_moments_op, const block_call<Executor>& call, const X& x, const W& w, const B& bias, const Y& y, const M& mean,
                  const M& m2, const conv2d_geometry& g) {
    run(op::conv2d, call, x, w, bias, y, g);
    run(op::column_moments, call, as_const(y), mean, m2);
  }
};

template <class Executor, class Op, class... A>
std::size_t block_scratch(Op op, const A&... a) {
  if constexpr (requires { block_kernels<Executor>::scratch(op, a...); })
    return static_cast<std::size_t>(block_kernels<Executor>::scratch(op, a...));
  else
    return 0;
}
/// Runs an op in the scratch that it asks for.
template <class Executor, class Op, class... A>
void run_blocks(Executor& executor, Op op, workspace& memory, const A&... a) {
  const workspace::scope scope(memory);
  const std::size_t bytes = block_scratch<Executor>(op, a...);
  block_kernels<Executor>::run(op, block_call<Executor>{executor, bytes > 0 ? memory.take_bytes(bytes) : nullptr}, a...);
}

using block_native_ops =
    op::list<op::matmul_op, op::linear_op, op::linear_map_op, op::column_sums_op, op::transpose_inner_op, op::copy_columns_op, op::conv2d_op,
             op::conv2d_map_op, op::conv2d_moments_op, op::conv2d_input_gradient_op, op::conv2d_weight_gradient_op, op::max_pool2d_op, op::max_pool2d_backward_op,
             op::avg_pool2d_op, op::avg_pool2d_backward_op, op::spatial_mean_op, op::spatial_mean_backward_op, op::map_op, op::map_backward_op,
             op::add_op, op::add_map_op, op::copy_op, op::fill_op, op::scale_op, op::shift_op, op::dropout_op, op::column_moments_op,
             op::rstd_of_moments_op, op::update_running_moments_op, op::normalize_columns_op, op::batch_norm_sums_op,
             op::batch_norm_input_gradient_op, op::scale_columns_op, op::normalize_columns_map_op, op::batch_norm_map_sums_op,
             op::batch_norm_map_input_gradient_op, op::layer_norm_op, op::layer_norm_input_gradient_op, op::layer_norm_parameter_gradient_op,
             op::row_normalize_op, op::row_normalize_backward_op, op::gather_rows_op, op::scatter_add_rows_op, op::aggregate_neighbours_op,
             op::aggregate_neighbours_backward_op, op::sample_mean_op, op::sample_mean_backward_op, op::softmax_cross_entropy_op, op::row_dot_op,
             op::add_scaled_rows_op, op::sum_op, op::add_scaled_op, op::add_scaled_squares_op, op::embedding_std_op, op::contrastive_forward_op,
             op::contrastive_gradient_op, op::positive_forward_op, op::positive_gradient_op, op::pair_indices_op, op::scheduled_inverse_op,
             op::update_op, op::range_norms_op, op::sum_squares_op, op::clip_scale_op, op::begin_update_op, op::lerp_op, op::hold_momentum_op,
             op::put_back_op, op::enqueue_rows_op, op::begin_step_op, op::for_each_sample_op>;

}  // namespace pretext::backend::detail
