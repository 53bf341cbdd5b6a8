// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../core/bfloat16.hpp"
#include "../ops.hpp"
#include "../reference/reference.hpp"
#include "simd_attention.hpp"
#include "simd_contrastive.hpp"
#include "simd_convolution.hpp"
#include "simd_elementwise.hpp"
#include "simd_matrix.hpp"
#include "simd_norm.hpp"
#include "simd_recurrent.hpp"
#include "simd_rows.hpp"
#include "simd_sequence.hpp"
#include "simd_update.hpp"
#include "simd_vocabulary.hpp"

namespace pretext::backend {

namespace detail {
template <class S>
struct simd_falls_back {
  using type = op::list<>;
};
template <>
struct simd_falls_back<bfloat16> {
  using type = op::list<op::transpose_inner_op, op::avg_pool2d_backward_op, op::layer_norm_op, op::layer_norm_input_gradient_op,
                        op::layer_norm_parameter_gradient_op, op::sinusoidal_positions_op, op::recurrent_op,
                        op::recurrent_gradient_op, op::previous_outputs_op>;
};

using sequence_ops = op::list<op::scatter_add_rows_op, op::attention_op, op::attention_gradient_op, op::add_gathered_rows_op, op::add_positions_op,
                              op::add_positions_gradient_op, op::sinusoidal_positions_op, op::rotate_positions_op, op::count_slots_op, op::vocabulary_loss_op, op::recurrent_op,
                              op::recurrent_gradient_op, op::previous_outputs_op>;
template <class Arch>
struct simd_sequence_kernels : simd_attention<Arch>, simd_sequence<Arch>, simd_vocabulary<Arch>, simd_recurrent<Arch> {
  using simd_attention<Arch>::run;
  using simd_sequence<Arch>::run;
  using simd_vocabulary<Arch>::run;
  using simd_recurrent<Arch>::run;
  using simd_attention<Arch>::scratch;
  using simd_sequence<Arch>::scratch;
  using simd_vocabulary<Arch>::scratch;
  using simd_recurrent<Arch>::scratch;
};

/// Who runs Op: the back end's kernels, or those that its precision brings along.
template <class Kernels, class Arch, class Op>
struct simd_kernels_of {
  using type = Kernels;
};
/// Ops of sequences stand apart: what looks for another op's kernel does not look among theirs.
template <class Kernels, class Arch, class Op>
  requires sequence_ops::contains<Op>
struct simd_kernels_of<Kernels, Arch, Op> {
  using type = simd_sequence_kernels<Arch>;
};
template <class Kernels, class Arch, class Op, class Precision>
  requires requires { typename Precision::template simd_kernels<Arch>; }
struct simd_kernels_of<Kernels, Arch, op::rounded<Op, Precision>> {
  using type = typename Precision::template simd_kernels<Arch>;
};
}  // namespace detail

/// Vector kernels on the threads of one machine; what it has no kernel for, the reference computes. Arch is the
/// instruction set of the translation unit that names it (simd/arch.hpp).
/// errors  pretext[backend.102] a picture too large for the float max_pool2d
/// cost    no allocation after construction: ops take their scratch from the workspace
/// repeat  same bits for any number of threads; in evaluation a row's bits do not depend on the other rows
template <class Arch = pretext::simd::native_arch>
class simd {
  struct kernels : detail::simd_matrix<Arch>,
                   detail::simd_convolution<Arch>,
                   detail::simd_elementwise<Arch>,
                   detail::simd_norm<Arch>,
                   detail::simd_rows<Arch>,
                   detail::simd_contrastive<Arch>,
                   detail::simd_update<Arch> {
    using detail::simd_matrix<Arch>::run;
    using detail::simd_convolution<Arch>::run;
    using detail::simd_elementwise<Arch>::run;
    using detail::simd_norm<Arch>::run;
    using detail::simd_rows<Arch>::run;
    using detail::simd_contrastive<Arch>::run;
    using detail::simd_update<Arch>::run;
    using detail::simd_matrix<Arch>::scratch;
    using detail::simd_convolution<Arch>::scratch;
    using detail::simd_norm<Arch>::scratch;
    using detail::simd_rows<Arch>::scratch;
    using detail::simd_contrastive<Arch>::scratch;
    using detail::simd_update<Arch>::scratch;
  };
  template <class Op>
  using kernels_of = typename detail::simd_kernels_of<kernels, Arch, Op>::type;

 public:
  using arch = Arch;
  static constexpr const char* name = "simd";
  static constexpr const char* arch_name = pretext::simd::arch_name<Arch>();
  using native_ops =
      op::list<op::matmul_op, op::linear_op, op::linear_map_op, op::column_sums_op, op::transpose_inner_op, op::copy_columns_op, op::conv2d_op, op::conv2d_map_op, op::conv2d_moments_op,
               op::conv2d_input_gradient_op, op::conv2d_weight_gradient_op, op::max_pool2d_op, op::max_pool2d_backward_op,
               op::avg_pool2d_op, op::avg_pool2d_backward_op, op::spatial_mean_op, op::spatial_mean_backward_op, op::map_op,
               op::map_backward_op, op::add_op, op::add_map_op, op::copy_op, op::fill_op, op::scale_op, op::shift_op, op::dropout_op,
               op::column_moments_op, op::rstd_of_moments_op, op::update_running_moments_op, op::normalize_columns_op,
               op::batch_norm_sums_op, op::batch_norm_input_gradient_op, op::scale_columns_op, op::normalize_columns_map_op,
               op::batch_norm_map_sums_op, op::batch_norm_map_input_gradient_op, op::layer_norm_op,
               op::layer_norm_input_gradient_op, op::layer_norm_parameter_gradient_op, op::row_normalize_op,
               op::row_normalize_backward_op, op::gather_rows_op, op::softmax_cross_entropy_op, op::row_dot_op,
               op::add_scaled_rows_op, op::sum_op, op::add_scaled_op, op::add_scaled_squares_op, op::embedding_std_op,
               op::contrastive_forward_op, op::contrastive_gradient_op, op::positive_forward_op, op::positive_gradient_op,
               op::pair_indices_op, op::scheduled_inverse_op, op::update_op, op::range_norms_op, op::sum_squares_op,
               op::clip_scale_op, op::begin_update_op, op::lerp_op, op::hold_momentum_op, op::put_back_op, op::enqueue_rows_op,
               op::begin_step_op, op::for_each_sample_op, op::scatter_add_rows_op,
               op::attention_op, op::attention_gradient_op, op::add_gathered_rows_op, op::add_positions_op, op::add_positions_gradient_op,
               op::sinusoidal_positions_op, op::rotate_positions_op, op::count_slots_op, op::vocabulary_loss_op,
               op::recurrent_op, op::recurrent_gradient_op, op::previous_outputs_op>;

  /// What is native for maps of float and falls back for maps stored as S.
  template <class S>
  using falls_back_in = typename detail::simd_falls_back<S>::type;

  /// `threads` counts the caller; 0 takes what the machine has.
  explicit simd(int threads = 0) : pool_(threads) {}

  /// Whether a call of Op with these arguments runs on a kernel: an op can be native for float and double alone.
  template <class Op, class... A>
  static constexpr bool runs_natively = native_ops::template contains<op::exact_op<Op>> &&
                                        requires(const detail::simd_call& c, A&... a) { kernels_of<Op>::run(Op{}, c, a...); };

  template <class Op, class... A>
  void run(Op op, workspace& memory, A&&... a) {
    if constexpr (!runs_natively<Op, A...>) {
      reference().run(op, memory, static_cast<A&&>(a)...);
    } else if constexpr (takes_scratch<Op, A...>) {
      const workspace::scope scope(memory);
      kernels_of<Op>::run(op, detail::simd_call{pool_, memory.take_bytes(scratch_bytes(op, a...))}, a...);
    } else {
      kernels_of<Op>::run(op, detail::simd_call{pool_, nullptr}, a...);
    }
  }
  /// Memory an op takes from the workspace while it runs; looks at extents only.
  template <class Op, class... A>
  std::size_t scratch_bytes(Op op, const A&... a) const {
    if constexpr (!runs_natively<Op, const A...>)
      return reference::scratch_bytes(op, a...);
    else if constexpr (takes_scratch<Op, A...>)
      return static_cast<std::size_t>(kernels_of<Op>::scratch(op, threads(), a...));
    else
      return 0;
  }
  int threads() const { return pool_.size(); }
  /// How products are multiplied in a precision that brings kernels along.
  template <class Precision>
  static const char* rounding()
    requires requires { Precision::template simd_kernels<Arch>::rounding(); }
  {
    return Precision::template simd_kernels<Arch>::rounding();
  }

 private:
  template <class Op, class... A>
  static constexpr bool takes_scratch = requires(const A&... a) { kernels_of<Op>::scratch(Op{}, 1, a...); };

  thread_pool pool_;
};

}  // namespace pretext::backend
