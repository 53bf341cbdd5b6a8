// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../backend/context.hpp"
#include "../backend/ops.hpp"
#include "../core/rng.hpp"

/// What a step draws beside the views of samples: noise that a generator starts from, places to hide.
namespace pretext::method {

/// The key of draws of this step; `round` tells several of a step apart, `with_sample(row)`, where the draws are made, the rows of one.
template <class S>
constexpr moving_key step_key(const S& s, unsigned round = 0) {
  const rng::key fixed = rng::key{.occurrence = static_cast<std::uint16_t>(round)}.with_purpose(rng::purpose::user);
  return {fixed, s.inputs, moving_key::by::step};
}

/// Adds draws from [low, high) to rows, for op::for_each_sample; row i draws from `key.with_sample(i)`.
template <class T>
struct noise_adder {
  moving_key key;
  T* out;  // (rows, D)
  index_t columns;
  double low = -1, high = 1;
  index_t scratch_floats = 0;
  PRETEXT_HOST_DEVICE void operator()(index_t i, tensor_view<float>) const {
    rng::stream draw(key.with_sample(static_cast<std::uint64_t>(i)));
    for (index_t j = 0; j < columns; ++j) out[i * columns + j] += static_cast<T>(draw.uniform(low, high));
  }
};
/// x (rows, D) += noise in [low, high), a function of (seed, step, round, row)
template <class S, class T>
constexpr void add_noise(const S& s, tensor_view<T> x, double low, double high, unsigned round = 0) {
  s.ctx(op::for_each_sample, noise_adder<T>{step_key(s, round), x.data, x.columns(), low, high}, x.rows());
}

}  // namespace pretext::method
