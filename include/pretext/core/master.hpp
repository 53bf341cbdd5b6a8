// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace pretext {

template <class T>
struct master_of {
  using type = T;
};

/// What numbers stored as T are computed, summed and, where they outlive a step, kept in: float for bfloat16
/// (core/bfloat16.hpp), else T itself. Layers and ops are told T, the storage of activations and of their gradients; parameters,
/// statistics, parameter gradients, optimizer state and losses are master numbers.
template <class T>
using master_t = typename master_of<T>::type;

}  // namespace pretext
