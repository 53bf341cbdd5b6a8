// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../ops.hpp"
#include "attention.hpp"
#include "convolution.hpp"
#include "elementwise.hpp"
#include "recurrent.hpp"
#include "rows.hpp"
#include "sequence.hpp"
#include "update.hpp"
#include "vocabulary.hpp"

namespace pretext::backend {

/// Plain loops, any real type, one thread: the specification that the other back ends are held to. Never optimised.
class reference {
 public:
  static constexpr const char* name = "reference";
  using native_ops = op::all;

  template <class Op, class... A>
  void run(Op op, workspace& memory, A&&... a) const {
    loops::run(op, memory, static_cast<A&&>(a)...);
  }
  /// Memory an op takes from the workspace while it runs.
  template <class Op, class... A>
  static constexpr std::size_t scratch_bytes(Op, const A&... a) {
    if constexpr ((detail::is_narrow<A> || ...))
      if constexpr (adds_in_place::contains<op::exact_op<Op>>) return detail::in_master_bytes(a...);
    return 0;
  }
  template <class W>
  static constexpr std::size_t scratch_bytes(op::for_each_sample_op, const W& writer, index_t) {
    return static_cast<std::size_t>(round_up(writer.scratch_floats * index_t{sizeof(float)}, 64));
  }
  template <class Cell, class T, class... A>
  static constexpr std::size_t scratch_bytes(op::recurrent_gradient_op, const Cell&, const tensor_view<T>& weight, const A&...) {
    return static_cast<std::size_t>(round_up(weight.columns() * static_cast<index_t>(sizeof(T)), 64));
  }
  static constexpr int threads() { return 1; }

 private:
  /// Whose loops add to their output (detail::in_master).
  using adds_in_place = op::list<op::conv2d_op, op::conv2d_map_op, op::conv2d_moments_op, op::conv2d_input_gradient_op, op::max_pool2d_backward_op,
                                 op::avg_pool2d_op, op::avg_pool2d_backward_op, op::aggregate_neighbours_op, op::aggregate_neighbours_backward_op,
                                 op::sample_mean_op, op::attention_op, op::attention_gradient_op, op::vocabulary_loss_op>;
  struct loops : detail::reference_matrix,
                 detail::reference_convolution,
                 detail::reference_elementwise,
                 detail::reference_norm,
                 detail::reference_rows,
                 detail::reference_contrastive,
                 detail::reference_attention,
                 detail::reference_sequence,
                 detail::reference_vocabulary,
                 detail::reference_recurrent,
                 detail::reference_update {
    using detail::reference_matrix::run;
    using detail::reference_convolution::run;
    using detail::reference_elementwise::run;
    using detail::reference_norm::run;
    using detail::reference_rows::run;
    using detail::reference_contrastive::run;
    using detail::reference_attention::run;
    using detail::reference_sequence::run;
    using detail::reference_vocabulary::run;
    using detail::reference_recurrent::run;
    using detail::reference_update::run;

    template <class Y, class M>
    static void run(op::conv2d_moments_op, workspace& memory, const auto& x, const auto& w, const auto& bias, const Y& y, const M& mean,
                    const M& m2, const conv2d_geometry& g) {
      run(op::conv2d, memory, x, w, bias, y, g);
      run(op::column_moments, memory, as_const(y), mean, m2);
    }
  };
};

}  // namespace pretext::backend
