// SPDX-License-Identifier: BSD-3-Clause
// opt-in: what generators and decoders are made of
#pragma once

#include <string>

#include "conv2d.hpp"

namespace pretext::nn {

/// Option of conv_transpose2d: rows and columns more at the lower right end, below the stride.
template <index_t P>
struct output_padding {
  static constexpr index_t output_padding_value = P;
};

namespace detail {
template <class... O>
constexpr index_t output_padding_of() {
  index_t v = 0;
  ([&] { if constexpr (requires { O::output_padding_value; }) v = O::output_padding_value; }(), ...);
  return v;
}
/// The length whose windows number `in`; `dynamic` stays dynamic.
constexpr index_t spread_extent(index_t in, index_t kernel, index_t stride, index_t padding, index_t more) {
  return in == dynamic ? dynamic : (in - 1) * stride - 2 * padding + kernel + more;
}
}  // namespace detail

/// Transposed convolution with `Out` channels: the adjoint of conv2d, which spreads every input pixel over a window. Padding is
/// max(0, (Kernel - stride + 1) / 2) unless said otherwise, so that kernel 4, stride 2 doubles the size.
/// shapes  x (B, H, W, C), y (B, H', W', Out), H' = (H - 1) stride - 2 padding + Kernel + output_padding
///         weight (C, Out / groups, Kernel, Kernel) in files, (groups, Kernel, Kernel, Out / groups, C / groups) in memory
/// laws    <conv_transpose2d(x), y> = <x, conv2d(y)> with the same weight, without bias
/// errors  pretext[shape.150] not a picture; pretext[shape.151] channels not divisible by groups; pretext[shape.152] padding that
///         leaves nothing
/// source  conventions and start of PyTorch's ConvTranspose2d: U(-1/sqrt(f), 1/sqrt(f)), f = Kernel^2 Out / groups
template <index_t Out, index_t Kernel, class... Options>
struct conv_transpose2d {
  static constexpr bool has_bias = !(std::is_same_v<Options, no_bias> || ...);
  static constexpr index_t step = detail::stride_of<1, Options...>();
  static constexpr index_t pad = detail::padding_of<(Kernel > step ? (Kernel - step + 1) / 2 : 0), Options...>();
  static constexpr index_t more = detail::output_padding_of<Options...>();
  static constexpr index_t group_count = detail::groups_of<Options...>();
  static_assert(more < step || more == 0, "pretext[shape.153] conv_transpose2d: output_padding must be below the stride");
  static std::string label() {
    return joined({"conv_transpose2d stride ", step, " padding ", pad, " groups ", group_count, " output_padding ", more});
  }

  template <class In>
  struct bound : bound_base<conv_transpose2d, In> {
    static constexpr bool fits(index_t in) { return in == dynamic || detail::spread_extent(in, Kernel, step, pad, more) >= 1; }
    static constexpr bool both_fit() {
      if constexpr (In::rank == 3) return fits(static_extent<In, 0>) && fits(static_extent<In, 1>);
      else return true;
    }
    static_assert(In::rank == 3, "pretext[shape.150] conv_transpose2d expects image<C, H, W>; put nn::unflatten<image<C, H, W>> before it");
    static_assert(In::rank != 3 || ((static_extent<In, In::rank - 1> == dynamic || static_extent<In, In::rank - 1> % group_count == 0) &&
                                    Out % group_count == 0),
                  "pretext[shape.151] conv_transpose2d: input and output channels must be divisible by groups");
    static_assert(both_fit(), "pretext[shape.152] conv_transpose2d: the padding takes away all of the output; use less padding");
    using base = bound_base<conv_transpose2d, In>;
    using base::base;
    static constexpr bool reads_input_first = true;
    template <class T>
    struct cache {};

    constexpr index_t channels() const { return this->input[In::rank - 1]; }
    constexpr auto output() const {
      if constexpr (In::rank == 3) {
        if constexpr (both_fit())
          return shape<spread(static_extent<In, 0>), spread(static_extent<In, 1>), Out>(extents(spread(this->input[0]), spread(this->input[1]), Out));
        else
          return invalid_shape{};
      } else {
        return invalid_shape{};
      }
    }
    constexpr extents weight_extents() const { return {group_count, Kernel, Kernel, Out / group_count, channels() / group_count}; }
    template <class V>
    constexpr void parameters(V& v) const {
      const index_t c = channels(), fan = Out / group_count * Kernel * Kernel;
      v.parameter({.name = "weight", .file_shape = {c, Out / group_count, Kernel, Kernel}, .what = role::weight, .start = initialiser::uniform(fan),
                   .layout = {{group_count, c / group_count, Out / group_count, Kernel, Kernel}, {0, 3, 4, 2, 1}}});
      if constexpr (has_bias) v.parameter({.name = "bias", .file_shape = {Out}, .what = role::bias, .start = initialiser::uniform(fan)});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y, cache<T>&) const {
      parameter_reader own(params);
      const auto weight = own.parameter(weight_extents());
      ctx(op::conv2d_input_gradient, x, weight, y, geometry(x.shape));
      if constexpr (has_bias) {  // as a product of rank one
        const auto scope = ctx.scope();
        const activations<T> ones(ctx.take({y.rows(), 1}));
        ctx(op::fill, master_t<T>(1), ones);
        ctx(op::matmul, as_const(tensor_view<T>(ones)), own.parameter({1, Out}), y, op::matmul_options{.accumulate = true});
      }
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>&, activations<const T> dy, Dx dx,
                            Dp d_params) const {
      if constexpr (is_wanted<Dp>) {
        gradient_reader own(d_params);
        ctx(op::conv2d_weight_gradient, dy, x, own.parameter(weight_extents()), geometry(x.shape));
        if constexpr (has_bias) ctx(op::column_sums, dy, own.parameter({Out}));
      }
      if constexpr (is_wanted<Dx>)
        ctx(op::conv2d, dy, parameter_reader(params).parameter(weight_extents()), tensor_view<const master_t<T>>{}, dx, geometry(x.shape));
    }

   private:
    static constexpr index_t spread(index_t in) { return detail::spread_extent(in, Kernel, step, pad, more); }
    /// Of the convolution that this is the adjoint of: it reads what this layer writes.
    static constexpr conv2d_kind kind = [] {
      if constexpr (In::rank == 3)
        return detail::kind_of_conv2d<shape<spread(static_extent<In, 0>), spread(static_extent<In, 1>), Out>, static_extent<In, 2>, Kernel, step,
                                      pad, group_count>();
      else
        return conv2d_kind::any;
    }();
    constexpr conv2d_geometry_of<kind> geometry(const extents& x) const {
      return {{.in_h = spread(x[1]), .in_w = spread(x[2]), .in_c = Out, .out_h = x[1], .out_w = x[2], .out_c = x[3],
               .kernel_h = Kernel, .kernel_w = Kernel, .stride_h = step, .stride_w = step, .pad_h = pad, .pad_w = pad,
               .groups = group_count}};
    }
  };
};

/// features<C H W> -> image<C, H, W> in PyTorch's order (channels slowest): the inverse of flatten.
/// errors  pretext[shape.154] another number of features
template <class Image>
struct unflatten {
  static_assert(is_shape<Image> && Image::rank == 3 && Image::is_static,
                "pretext[shape.154] unflatten<image<C, H, W>> needs as many features as the picture has values");
  static constexpr const char* name = "unflatten";
  template <class In>
  struct bound : bound_base<unflatten, In> {
    static constexpr bool fits = In::rank == 1 && (!In::is_static || In{}.size() == Image{}.size());
    static_assert(fits, "pretext[shape.154] unflatten<image<C, H, W>> needs as many features as the picture has values");
    using base = bound_base<unflatten, In>;
    using base::base;
    template <class T>
    struct cache {};
    constexpr auto output() const {
      if constexpr (fits) return Image{};
      else return invalid_shape{};
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T>, activations<const T> x, activations<T> y, cache<T>&) const {
      ctx(op::transpose_inner, x.reshape(extents(x.extent(0), Image{}[2], Image{}[0] * Image{}[1])), y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T>, const cache<T>&, activations<const T> dy, Dx dx, Dp) const {
      if constexpr (is_wanted<Dx>) ctx(op::transpose_inner, dy.reshape(extents(dy.extent(0), Image{}[0] * Image{}[1], Image{}[2])), dx);
    }
  };
};

}  // namespace pretext::nn
