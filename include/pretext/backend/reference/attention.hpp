// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "../ops/attention.hpp"
#include "../ops/elementwise.hpp"
#include "matrix.hpp"

namespace pretext::backend::detail {

struct reference_attention {
  /// Sizes, and where the numbers of a head lie.
  template <class T>
  struct heads_of {
    using M = master_t<T>;
    index_t samples, length, heads, width;
    M scale;

    heads_of(const extents& qkv, const op::attention_options& o)
        : samples(qkv[0]), length(qkv[1]), heads(o.heads), width(qkv.last() / (3 * o.heads)),
          scale(static_cast<M>(o.scale != 0 ? o.scale : 1 / std::sqrt(static_cast<double>(width)))) {
      expects(qkv.rank == 3 && o.heads > 0 && qkv.last() == 3 * o.heads * width, "shape.123",
              "attention: qkv must be (samples, length, 3 x heads x width of a head)");
    }
    /// Element c of q (which = 0), k (1) or v (2).
    index_t at(index_t b, index_t t, index_t which, index_t h, index_t c) const {
      return ((b * length + t) * 3 * heads + which * heads + h) * width + c;
    }
    index_t at_y(index_t b, index_t t, index_t h, index_t c) const { return ((b * length + t) * heads + h) * width + c; }
    index_t at_lse(index_t b, index_t h, index_t t) const { return (b * heads + h) * length + t; }
    M score(const auto& qkv, index_t b, index_t h, index_t i, index_t j) const {
      M sum{};
      for (index_t c = 0; c < width; ++c) sum += static_cast<M>(qkv[at(b, i, 0, h, c)]) * static_cast<M>(qkv[at(b, j, 1, h, c)]);
      return scale * sum;
    }
    /// What dropout makes of a weight of 1.
    M kept(const op::attention_options& o, index_t b, index_t h, index_t i, index_t j) const {
      if (!(o.dropout > 0)) return M(1);
      const index_t draw = op::attention_draw(o, length, b, h, i, j);
      const rng::counter_type words = o.key.now().block(static_cast<std::uint32_t>(draw / 4));
      return op::dropout_keeps(words[static_cast<std::size_t>(draw % 4)], o.dropout) ? static_cast<M>(1 / (1 - o.dropout)) : M{};
    }
    template <class F>
    void for_each(const extent& s, const op::attention_options& o, const F& f) const {
      for (index_t b = 0; b < samples; ++b)
        for (index_t h = 0; h < heads; ++h)
          for (index_t i = 0; i < length; ++i) f(b, h, i, op::keys_of(s, o.causal, length, b, i));
    }
  };

  template <class T>
  static void run(op::attention_op, workspace& memory, input<T> qkv, const extent& s, const op::attention_options& o, tensor_view<T> y,
                  tensor_view<master_t<T>> lse) {
    using M = master_t<T>;
    using std::exp, std::log;
    const heads_of<T> z(qkv.shape, o);
    s.check_lengths(z.samples, z.length);
    in_master(memory, y, [&](tensor_view<M> values) {
      for (M& v : values) v = M{};
      z.for_each(s, o, [&](index_t b, index_t h, index_t i, op::key_run keys) {
        M largest = -std::numeric_limits<M>::infinity(), sum{};
        for (index_t j = keys.first; j < keys.last; ++j)
          if (const M x = z.score(qkv, b, h, i, j); !(x <= largest)) largest = x;
        for (index_t j = keys.first; j < keys.last; ++j) sum += exp(z.score(qkv, b, h, i, j) - largest);
        if (lse) lse[z.at_lse(b, h, i)] = keys.empty() ? largest : largest + log(sum);
        for (index_t j = keys.first; j < keys.last; ++j) {
          const M p = exp(z.score(qkv, b, h, i, j) - largest) / sum * z.kept(o, b, h, i, j);
          for (index_t c = 0; c < z.width; ++c) values[z.at_y(b, i, h, c)] += p * static_cast<M>(qkv[z.at(b, j, 2, h, c)]);
        }
      });
    });
  }

  template <class T>
  static void run(op::attention_gradient_op, workspace& memory, input<T> qkv, const extent& s, const op::attention_options& o,
                  input<T> y, master<T> lse, input<T> dy, tensor_view<T> dqkv) {
    using M = master_t<T>;
    using std::exp;
    const heads_of<T> z(qkv.shape, o);
    s.check_lengths(z.samples, z.length);
    in_master(memory, dqkv, [&](tensor_view<M> d) {
      for (M& v : d) v = M{};
      z.for_each(s, o, [&](index_t b, index_t h, index_t i, op::key_run keys) {
        M own{};
        for (index_t c = 0; c < z.width; ++c)
          own += static_cast<M>(dy[z.at_y(b, i, h, c)]) * static_cast<M>(y[z.at_y(b, i, h, c)]);
        for (index_t j = keys.first; j < keys.last; ++j) {
          const M p = exp(z.score(qkv, b, h, i, j) - lse[z.at_lse(b, h, i)]), kept = z.kept(o, b, h, i, j);
          M along{};
          for (index_t c = 0; c < z.width; ++c)
            along += static_cast<M>(dy[z.at_y(b, i, h, c)]) * static_cast<M>(qkv[z.at(b, j, 2, h, c)]);
          const M g = p * (kept * along - own) * z.scale;
          for (index_t c = 0; c < z.width; ++c) {
            d[z.at(b, j, 2, h, c)] += p * kept * static_cast<M>(dy[z.at_y(b, i, h, c)]);
            d[z.at(b, i, 0, h, c)] += g * static_cast<M>(qkv[z.at(b, j, 1, h, c)]);
            d[z.at(b, j, 1, h, c)] += g * static_cast<M>(qkv[z.at(b, i, 0, h, c)]);
          }
        }
      });
    });
  }
};

}  // namespace pretext::backend::detail
