// SPDX-License-Identifier: BSD-3-Clause
// opt-in: what generators and decoders are made of
#pragma once

#include <string>

#include "../core/text.hpp"
#include "layer.hpp"

namespace pretext::nn {

enum class interpolation : unsigned char { nearest, bilinear };

namespace detail {
/// Where line i of an enlarged picture comes from: `share` of line first, the rest of line second.
struct line_source {
  index_t first, second;
  double share;
};
/// Pixels are squares, the outermost ones reach on (PyTorch's align_corners = false).
constexpr line_source source_of(index_t i, index_t lines, index_t scale, interpolation how) {
  if (how == interpolation::nearest) return {i / scale, i / scale, 1.0};
  const double at = (static_cast<double>(i) + 0.5) / static_cast<double>(scale) - 0.5;
  if (at <= 0) return {0, 0, 1.0};
  const index_t first = static_cast<index_t>(at), second = first + 1 < lines ? first + 1 : first;
  return {first, second, 1.0 - (at - static_cast<double>(first))};
}

/// Row i of all rows of y, for op::for_each_sample.
template <class T>
struct upsample_rows {
  static constexpr bool is_linear = true;  // y in x: a rule for backend::tangent
  tensor_view<const T> x;  // (B, H, W, C)
  tensor_view<T> y;        // (B, s H, s W, C)
  index_t scale;
  interpolation how;
  index_t scratch_floats = 0;
  void operator()(index_t row, tensor_view<float>) const {
    using M = master_t<T>;
    const index_t h = x.extent(1), w = x.extent(2), c = x.extent(3), b = row / (h * scale);
    const line_source v = source_of(row % (h * scale), h, scale, how);
    const T *above = x.data + (b * h + v.first) * w * c, *below = x.data + (b * h + v.second) * w * c;
    T* out = y.data + row * w * scale * c;
    for (index_t j = 0; j < w * scale; ++j, out += c) {
      const line_source u = source_of(j, w, scale, how);
      const M a = static_cast<M>(v.share * u.share), p = static_cast<M>(v.share * (1 - u.share)), q = static_cast<M>((1 - v.share) * u.share),
              r = static_cast<M>((1 - v.share) * (1 - u.share));
      for (index_t k = 0; k < c; ++k) {
        if (how == interpolation::nearest) out[k] = above[u.first * c + k];
        else
          out[k] = static_cast<T>(a * above[u.first * c + k] + p * above[u.second * c + k] + q * below[u.first * c + k] + r * below[u.second * c + k]);
      }
    }
  }
};
/// Row i of all rows of x: what flows back into it, gathered from the rows and columns that read it, in their order.
template <class T>
struct upsample_rows_adjoint {
  static constexpr bool is_linear = true;
  tensor_view<const T> x;  // (B, s H, s W, C), the gradient of what was written
  tensor_view<T> y;        // (B, H, W, C)
  index_t scale;
  interpolation how;
  index_t scratch_floats = 0;
  void operator()(index_t row, tensor_view<float>) const {
    using M = master_t<T>;
    const index_t h = y.extent(1), w = y.extent(2), c = y.extent(3), b = row / h, p = row % h, reach = how == interpolation::nearest ? 0 : scale;
    const auto range = [&](index_t at, index_t lines, auto&& f) {
      const index_t begin = at * scale - reach, end = (at + 1) * scale + reach;
      for (index_t i = begin < 0 ? 0 : begin; i < end && i < lines * scale; ++i) {
        const line_source s = source_of(i, lines, scale, how);
        const double share = (s.first == at ? s.share : 0) + (s.second == at ? 1 - s.share : 0);
        if (share != 0) f(i, share);
      }
    };
    for (index_t q = 0; q < w; ++q)
      for (index_t k = 0; k < c; ++k) {
        M sum{};
        range(p, h, [&](index_t i, double rows) {
          range(q, w, [&](index_t j, double columns) { sum += static_cast<M>(rows * columns) * x[((b * h * scale + i) * w * scale + j) * c + k]; });
        });
        y[(row * w + q) * c + k] = static_cast<T>(sum);
      }
  }
};
}  // namespace detail

/// A picture `Scale` times as high and wide.
/// shapes  x (B, H, W, C), y (B, Scale H, Scale W, C)
/// errors  pretext[shape.155] not a picture
/// cost    a pass of plain loops over rows, in parallel
/// source  values of PyTorch's Upsample (bilinear: align_corners = false)
template <index_t Scale, interpolation How = interpolation::nearest>
struct upsample2d {
  static_assert(Scale >= 1);
  static std::string label() { return joined({"upsample2d ", Scale, How == interpolation::nearest ? " nearest" : " bilinear"}); }
  template <class In>
  struct bound : bound_base<upsample2d, In> {
    static_assert(In::rank == 3, "pretext[shape.155] upsample2d expects image<C, H, W>; put nn::unflatten<image<C, H, W>> before it");
    using base = bound_base<upsample2d, In>;
    using base::base;
    template <class T>
    struct cache {};
    constexpr auto output() const {
      if constexpr (In::rank == 3)
        return shape<times(static_extent<In, 0>), times(static_extent<In, 1>), static_extent<In, 2>>(
            extents(times(this->input[0]), times(this->input[1]), this->input[2]));
      else
        return invalid_shape{};
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T>, activations<const T> x, activations<T> y, cache<T>&) const {
      ctx(op::for_each_sample, detail::upsample_rows<T>{x, y, Scale, How}, y.extent(0) * y.extent(1));
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T>, const cache<T>&, activations<const T> dy, Dx dx, Dp) const {
      if constexpr (is_wanted<Dx>)
        ctx(op::for_each_sample, detail::upsample_rows_adjoint<T>{dy, dx, Scale, How}, dx.extent(0) * dx.extent(1));
    }

   private:
    static constexpr index_t times(index_t in) { return in == dynamic ? dynamic : in * Scale; }
  };
};

}  // namespace pretext::nn
