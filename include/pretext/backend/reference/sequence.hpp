// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <type_traits>

#include "../ops/sequence.hpp"
#include "matrix.hpp"

namespace pretext::backend::detail {

struct reference_sequence {
  template <class T, class Id>
  static void run(op::add_gathered_rows_op, workspace&, const auto& table, const tensor_view<Id>& ids, tensor_view<T> y) {
    using M = master_t<T>;
    for (index_t i = 0; i < y.rows(); ++i) {
      const index_t id = ids ? static_cast<index_t>(ids[i]) : 0;
      expects(id < table.rows(), "value.120", "an id is not below the number of rows of its table");
      if (id < 0) continue;
      for (index_t j = 0; j < y.columns(); ++j) y(i, j) = static_cast<T>(static_cast<M>(y(i, j)) + static_cast<M>(table(id, j)));
    }
  }
  template <class T>
  static void run(op::add_positions_op, workspace&, const auto& table, const extent& s, tensor_view<T> y) {
    using M = master_t<T>;
    const index_t samples = y.extent(0), length = samples == 0 ? 0 : y.rows() / samples;
    s.check_lengths(samples, length);
    op::for_each_position(s, samples, length, [&](index_t b, index_t t, index_t position) {
      expects(position < table.rows(), "value.122", "a sequence is longer than there are positions");
      for (index_t j = 0; j < y.columns(); ++j)
        y(b * length + t, j) = static_cast<T>(static_cast<M>(y(b * length + t, j)) + static_cast<M>(table(position, j)));
    });
  }
  template <class T>
  static void run(op::add_positions_gradient_op, workspace&, const auto& dy, const extent& s, tensor_view<T> dtable) {
    const index_t samples = dy.extent(0), length = samples == 0 ? 0 : dy.rows() / samples;
    s.check_lengths(samples, length);
    op::for_each_position(s, samples, length, [&](index_t b, index_t t, index_t position) {
      for (index_t j = 0; j < dy.columns(); ++j) dtable(position, j) += static_cast<T>(dy(b * length + t, j));
    });
  }
  template <class T>
  static void run(op::sinusoidal_positions_op, workspace&, tensor_view<T> y) {
    for (index_t t = 0; t < y.rows(); ++t)
      for (index_t c = 0; c < y.columns(); ++c) {
        const double angle = static_cast<double>(t) * std::pow(10000.0, -static_cast<double>(c / 2 * 2) / static_cast<double>(y.columns()));
        y(t, c) = static_cast<T>(c % 2 == 0 ? std::sin(angle) : std::cos(angle));
      }
  }
  template <class T>
  static void run(op::rotate_positions_op, workspace&, const extent& s, index_t heads, double base, bool inverse, tensor_view<T> qkv) {
    using M = master_t<T>;
    const index_t samples = qkv.extent(0), length = qkv.extent(1), d = qkv.columns() / (3 * heads);
    s.check_lengths(samples, length);
    op::for_each_position(s, samples, length, [&](index_t b, index_t t, index_t position) {
      for (index_t c = 0; c < d / 2; ++c) {
        const double angle = static_cast<double>(position) * std::pow(base, -2.0 * static_cast<double>(c) / static_cast<double>(d));
        const M cosine = static_cast<M>(std::cos(angle)), sine = static_cast<M>(inverse ? -std::sin(angle) : std::sin(angle));
        for (index_t head = 0; head < 2 * heads; ++head) {  // of q, then of k
          T &x = qkv(b * length + t, head * d + c), &z = qkv(b * length + t, head * d + d / 2 + c);
          const M u = static_cast<M>(x), v = static_cast<M>(z);
          x = static_cast<T>(u * cosine - v * sine);
          z = static_cast<T>(v * cosine + u * sine);
        }
      }
    });
  }
};

}  // namespace pretext::backend::detail
