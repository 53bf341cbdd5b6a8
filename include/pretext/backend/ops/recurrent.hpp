// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../../config.hpp"
#include "../../core/extent.hpp"

namespace pretext {

/// Cells of recurrent networks, over a math policy (core/scalar_math.hpp). x: what the input brings to each gate, r: what the output of the step
/// before brings (with its bias). `gates` of them, in PyTorch's order. Four numbers a unit are saved for backward.
namespace cell {

namespace detail {
template <class M, class V>
PRETEXT_HOST_DEVICE V sigmoid(const V& x) {
  if constexpr (requires { M::sigmoid(x); })
    return M::sigmoid(x);
  else
    return V(1) / (V(1) + M::exp(V(0) - x));
}
}  // namespace detail

/// i, f, o = sigmoid(x + r), g = tanh(x + r);  c = f c' + i g,  h = o tanh(c), with c' the cell of the step before
/// source  Hochreiter & Schmidhuber 1997; gates i, f, g, o
struct lstm {
  static constexpr const char* name = "lstm";
  static constexpr int gates = 4;
  static constexpr bool has_cells = true;     // a state beside the output
  static constexpr bool same_gradient = true; // of x and r
  /// before: c'; now: c
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V forward(const V (&x)[gates], const V (&r)[gates], const V& before, V (&saved)[4], V& now) {
    saved[0] = detail::sigmoid<M>(x[0] + r[0]);
    saved[1] = detail::sigmoid<M>(x[1] + r[1]);
    saved[2] = M::tanh(x[2] + r[2]);
    saved[3] = detail::sigmoid<M>(x[3] + r[3]);
    now = saved[1] * before + saved[0] * saved[2];
    return saved[3] * M::tanh(now);
  }
  /// d: gradient of h; carry: of c, becomes that of c'
  template <class M, class V>
  PRETEXT_HOST_DEVICE static void backward(const V (&saved)[4], const V& before, const V& now, const V& d, V& carry, V (&dx)[gates], V (&)[gates]) {
    const V one = V(1), t = M::tanh(now), dc = carry + d * saved[3] * (one - t * t);
    dx[0] = dc * saved[2] * saved[0] * (one - saved[0]);
    dx[1] = dc * before * saved[1] * (one - saved[1]);
    dx[2] = dc * saved[0] * (one - saved[2] * saved[2]);
    dx[3] = d * t * saved[3] * (one - saved[3]);
    carry = dc * saved[1];
  }
};

/// r, z = sigmoid(x + r), n = tanh(x_n + r r_n);  h = (1 - z) n + z h'
/// source  Cho et al. 2014, arXiv:1406.1078, as PyTorch has it; gates r, z, n
struct gru {
  static constexpr const char* name = "gru";
  static constexpr int gates = 3;
  static constexpr bool has_cells = false;
  static constexpr bool same_gradient = false;
  /// before: h'
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V forward(const V (&x)[gates], const V (&r)[gates], const V& before, V (&saved)[4], V&) {
    saved[0] = detail::sigmoid<M>(x[0] + r[0]);
    saved[1] = detail::sigmoid<M>(x[1] + r[1]);
    saved[3] = r[2];
    saved[2] = M::tanh(x[2] + saved[0] * r[2]);
    return saved[2] + saved[1] * (before - saved[2]);
  }
  /// carry: what of the gradient of h goes to h' past the gates
  template <class M, class V>
  PRETEXT_HOST_DEVICE static void backward(const V (&saved)[4], const V& before, const V&, const V& given, V& carry, V (&dx)[gates], V (&dr)[gates]) {
    const V one = V(1), d = given + carry;
    dx[2] = d * (one - saved[1]) * (one - saved[2] * saved[2]);
    dx[1] = d * (before - saved[2]) * saved[1] * (one - saved[1]);
    dx[0] = dx[2] * saved[3] * saved[0] * (one - saved[0]);
    dr[0] = dx[0];
    dr[1] = dx[1];
    dr[2] = dx[2] * saved[0];
    carry = d * saved[1];
  }
};

}  // namespace cell

namespace op {

/// Which way a recurrent network goes through positions, and where in a row of y its outputs stand.
struct recurrent_way {
  bool reverse = false;
  index_t column = 0;
};

/// What a recurrent step at (b, t) does: nothing beyond the sample's length (or in no packed sequence), else it goes on from the position before
/// it in its direction, unless a sequence begins there.
struct recurrent_place {
  bool there = false, goes_on = false;
};
PRETEXT_HOST_DEVICE constexpr recurrent_place place_of(const extent& s, bool reverse, index_t length, index_t b, index_t t) {
  const index_t own = s.lengths != nullptr ? static_cast<index_t>(s.lengths[b]) : length, before = reverse ? t + 1 : t - 1;
  if (t < 0 || t >= own) return {};
  recurrent_place p{true, before >= 0 && before < own};
  if (s.blocks != nullptr) {
    const std::int32_t* const block = s.blocks + b * length;
    p.there = block[t] >= 0;
    p.goes_on = p.there && p.goes_on && block[before] == block[t];
  }
  return p;
}

namespace detail {
template <class W, class Y>
constexpr double recurrent_flops(const W& weight, const Y& y) {
  return 2.0 * static_cast<double>(weight.size()) * static_cast<double>(y.rows());
}
}  // namespace detail

/// All steps of one layer in one direction: (cell, x, weight, bias, structure, way, y, saved, cells). x is what the inputs bring to the gates of
/// all steps, one product for all of them; r = h' weight^T + bias is made step by step.
/// shapes  x (B, T, G H) for the G gates of the cell; weight (G H, H), bias (G H) or null; y (B, T, P), of which columns [column, column + H)
///         are written; saved (B, T, 4 H); cells (B, T, H), null where the cell has none
/// laws    states begin at 0; y, saved and cells are 0 where nothing is (beyond a sample's length), on which nothing depends
struct recurrent_op {
  static constexpr std::string_view name = "recurrent";
  template <class Cell, class X, class W, class B, class Y, class... A>
  static constexpr double flops(const Cell&, const X& x, const W& weight, const B&, const extent&, const recurrent_way&, const Y&, const A&...) {
    return detail::recurrent_flops(weight, x);
  }
};
inline constexpr recurrent_op recurrent{};

/// (cell, weight, structure, way, y, saved, cells, dy, dx, dr): the gradients dx of x and dr of r, from those of y
/// shapes  as recurrent; dy like y, of which the same columns are read; dx, dr (B, T, G H), dr null where the cell has the same for both
/// laws    0 where nothing is
struct recurrent_gradient_op {
  static constexpr std::string_view name = "recurrent_gradient";
  template <class Cell, class W, class Y, class... A>
  static constexpr double flops(const Cell&, const W& weight, const extent&, const recurrent_way&, const Y& y, const A&...) {
    return detail::recurrent_flops(weight, y);
  }
};
inline constexpr recurrent_gradient_op recurrent_gradient{};

/// (y, structure, way, before): before(b, t) = the output h' that step t went on from, 0 where a sequence begins
/// shapes  y (B, T, P), before (B, T, H)
struct previous_outputs_op {
  static constexpr std::string_view name = "previous_outputs";
  template <class... A>
  static constexpr double flops(const A&...) {
    return 0;
  }
};
inline constexpr previous_outputs_op previous_outputs{};

}  // namespace op

}  // namespace pretext
