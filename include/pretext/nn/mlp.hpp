// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "activation.hpp"
#include "batch_norm.hpp"
#include "linear.hpp"
#include "sequential.hpp"

namespace pretext::nn {

namespace detail {
template <bool Normalised, class Done, index_t... Widths>
struct mlp_layers;
template <bool Normalised, class... Done, index_t Last>
struct mlp_layers<Normalised, sequential<Done...>, Last> {
  using type = sequential<Done..., linear<Last>>;
};
template <class... Done, index_t First, index_t Second, index_t... Rest>
struct mlp_layers<false, sequential<Done...>, First, Second, Rest...>
    : mlp_layers<false, sequential<Done..., linear<First>, relu>, Second, Rest...> {};
template <class... Done, index_t First, index_t Second, index_t... Rest>
struct mlp_layers<true, sequential<Done...>, First, Second, Rest...>
    : mlp_layers<true, sequential<Done..., linear<First, no_bias>, batch_norm, relu>, Second, Rest...> {};
}  // namespace detail

/// Projector: linear and relu for every width, the last one linear. `mlp<128, 64>`: D -> 128 -> 64.
template <index_t... Widths>
using mlp = typename detail::mlp_layers<false, sequential<>, Widths...>::type;
/// The same with batch_norm before every relu (SimCLR v2, BYOL and MoCo v2+ projectors and predictors).
template <index_t... Widths>
using mlp_batch_norm = typename detail::mlp_layers<true, sequential<>, Widths...>::type;

}  // namespace pretext::nn
