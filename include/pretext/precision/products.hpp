// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for precisions that round what products multiply
#pragma once

#include <type_traits>

#include "../backend/ops/contrastive.hpp"
#include "../backend/ops/convolution.hpp"
#include "../backend/ops/matrix.hpp"
#include "precision.hpp"

namespace pretext::precision {

/// The ops that a precision may round: those whose time is multiplication.
template <class Op>
inline constexpr bool is_product =
    std::is_same_v<Op, op::matmul_op> || std::is_same_v<Op, op::linear_op> || std::is_same_v<Op, op::linear_map_op> ||
    std::is_same_v<Op, op::conv2d_op> || std::is_same_v<Op, op::conv2d_map_op> ||
    std::is_same_v<Op, op::conv2d_moments_op> ||
    std::is_same_v<Op, op::conv2d_input_gradient_op> || std::is_same_v<Op, op::conv2d_weight_gradient_op>;

/// The ops whose time is the scores of pairs, in losses.
template <class Op>
inline constexpr bool is_score = std::is_same_v<Op, op::contrastive_forward_op> || std::is_same_v<Op, op::contrastive_gradient_op>;

}  // namespace pretext::precision
