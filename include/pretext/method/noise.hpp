// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../augment/detail/normal.hpp"
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

/// Writes standard normal numbers to rows, for op::for_each_sample.
template <class T>
struct normal_writer {
  moving_key key;
  T* out;  // (rows, D)
  index_t columns;
  index_t scratch_floats = 0;
  PRETEXT_HOST_DEVICE void operator()(index_t i, tensor_view<float>) const {
    const rng::key own = key.with_sample(static_cast<std::uint64_t>(i));
    for (index_t j = 0; j < columns; j += 4) {
      const rng::counter_type words = own.block(static_cast<std::uint32_t>(j / 4));
      float four[4];
      augment::detail::normal_pair(words[0], words[1], four[0], four[1]);
      augment::detail::normal_pair(words[2], words[3], four[2], four[3]);
      for (index_t k = 0; k < 4 && j + k < columns; ++k) out[i * columns + j + k] = static_cast<T>(four[k]);
    }
  }
};
/// x (rows, D) = standard normal numbers, a function of (seed, step, round, row)
template <class S, class T>
constexpr void write_normal(const S& s, tensor_view<T> x, unsigned round = 0) {
  s.ctx(op::for_each_sample, normal_writer<T>{step_key(s, round), x.data, x.columns()}, x.rows());
}

/// Writes row i as a point between row i of two arrays, for op::for_each_sample: u a + (1 - u) b, u uniform in [0, 1), one draw a row.
template <class T>
struct between_writer {
  moving_key key;
  const T *a, *b;  // (rows, D)
  T* out;
  index_t columns;
  index_t scratch_floats = 0;
  PRETEXT_HOST_DEVICE void operator()(index_t i, tensor_view<float>) const {
    const T u = static_cast<T>(rng::stream(key.with_sample(static_cast<std::uint64_t>(i))).uniform(0, 1));
    for (index_t j = i * columns; j < (i + 1) * columns; ++j) out[j] = u * a[j] + (T(1) - u) * b[j];
  }
};

}  // namespace pretext::method
